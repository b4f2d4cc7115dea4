"""How one ticket system is reached: plain values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from generic_interface.reach import Reach


class Authentication(StrEnum):
    SESSION = "session"
    BODY = "body"
    HEADER = "header"


class TransportKind(StrEnum):
    REST = "rest"
    SOAP = "soap"
    RPC = "rpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcAccess:
    """``rpc.pl`` of the ticket system. Login and password are its settings ``SOAP::User`` and ``SOAP::Password``, no
    agent's; ``user_id`` is the agent in whose name it acts. ``url`` ends with the script's name.
    """

    url: str
    user: str
    password: str = field(repr=False)
    user_id: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """``base_url`` ends before ``/nph-genericinterface.pl`` (for example ``https://help.example.org/otrs``).

    ``preset`` names a set of routes of ``transport``, in ``routes.PRESETS`` or ``soap_routes.SOAP_PRESETS``; ``routes``
    overrides single operations, each as ``"METHOD WebserviceName /Route"`` (that one then goes over REST) or as
    ``"SOAP WebserviceName Namespace"`` (over SOAP) or as ``"RPC"`` (over ``rpc.pl``). All durations are seconds,
    ``max_bytes`` is the cap for one answer.
    ``search_limit`` is the Limit sent with every search; a page of exactly that size, or of exactly 500 (the
    server's own default), counts as cut off. ``reach`` says which addresses are asked at all.
    """

    base_url: str
    login: str
    password: str = field(repr=False)
    zone: ZoneInfo
    transport: TransportKind = TransportKind.REST
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
    rpc: RpcAccess | None = None
    reach: Reach = field(default_factory=Reach)
