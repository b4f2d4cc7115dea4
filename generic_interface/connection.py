"""How one ticket system is reached: plain values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo


class Authentication(StrEnum):
    SESSION = "session"
    BODY = "body"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """``base_url`` ends before ``/nph-genericinterface.pl`` (for example ``https://help.example.org/otrs``).

    ``preset`` names a set of routes in ``routes.PRESETS``; ``routes`` overrides single operations, each as
    ``"METHOD WebserviceName /Route"``. All durations are seconds, ``max_bytes`` is the cap for one answer.
    ``search_limit`` is the Limit sent with every search; a page of exactly that size, or of exactly 500 (the
    server's own default), counts as cut off.
    """

    base_url: str
    login: str
    password: str = field(repr=False)
    zone: ZoneInfo
    preset: str = "billing_portal"
    routes: Mapping[str, str] = field(default_factory=dict)
    authentication: Authentication = Authentication.SESSION
    search_limit: int = 10_000
    batch_size: int = 500
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    total_deadline: float = 100.0
    max_bytes: int = 64 * 1024 * 1024
    verify_tls: bool = True
