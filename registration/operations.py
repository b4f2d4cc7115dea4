"""What can be asked of the registration server, and the answers. All texts can be stored as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """What a registered system shows with each request."""

    unique_id: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGet:
    otrs_id: str
    password: str
    purpose: str = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """``payload`` is all that was sent, in one order: what makes a repetition the same request."""

    otrs_id: str
    token: str
    type: str
    description: str
    old: Key
    facts: Mapping[str, str]
    sends_support_data: bool
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """``None`` where the request says nothing of it."""

    last_update_id: str
    attempt: str
    type: str | None
    description: str | None
    facts: Mapping[str, str]
    sends_support_data: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregister:
    otrs_id: str
    token: str
    key: Key
    payload: str


@dataclass(frozen=True, slots=True)
class SupportDataAdd:
    content: list[Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """An operation or a service that is not known, or one whose data cannot be read."""

    reason: str


Operation = TokenGet | Register | Update | Deregister | SupportDataAdd | Wrong


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as it was addressed."""

    service: str
    name: str
    operation: Operation
    instance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    key: Key | None
    asked: tuple[Asked, ...]
    flat: bool = False

    @property
    def brings_support_data(self) -> bool:
        return any(isinstance(each.operation, SupportDataAdd) for each in self.asked)

    @property
    def introduces_system(self) -> bool:
        """Whether an operation says which system its support data is about."""
        return any(isinstance(each.operation, Register | Update) for each in self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Of one operation. ``reason`` is empty where it was done."""

    data: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
