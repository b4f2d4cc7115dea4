"""The definition of the web service that an administrator imports into the ticket system, as a file in YAML."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from generic_interface.soap_routes import PORTAL_NAMESPACE, PORTAL_SERVICE

NAME = "BillingPortal"
MOST_BYTES = 10_000_000
"""Of one request; a GET is never limited by it."""


class Offer(StrEnum):
    """What the ticket system is: only Znuny has the operations of its time accounting and out-of-office add-ons."""

    ZNUNY = "znuny"
    OTRS = "otrs6"


class Transport(StrEnum):
    REST = "rest"
    SOAP = "soap"


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    type: str
    mapping: str = ""

    def as_yaml(self) -> dict[str, Any]:
        mapping = {"MappingInbound": {"Type": self.mapping}} if self.mapping else {}
        return {"Description": "", **mapping, "Type": self.type}


OPERATIONS = (
    Operation("SessionCreate", "Session::SessionCreate"),
    Operation("SessionGet", "Session::SessionGet"),
    Operation("TicketCreate", "Ticket::TicketCreate"),
    Operation("TicketUpdate", "Ticket::TicketUpdate"),
    Operation("TicketGet", "Ticket::TicketGet"),
    Operation("TicketSearch", "Ticket::TicketSearch"),
    Operation("TicketHistoryGet", "Ticket::TicketHistoryGet"),
)
ZNUNY_OPERATIONS = (
    Operation("TimeAccountingGet", "Ticket::TimeAccountingGet"),
    Operation("OutOfOffice", "User::OutOfOffice", mapping="OutOfOffice"),
)


def file_name(*, transport: Transport) -> str:
    """An import takes the name of the web service from the name of the file."""
    return f"{service_name(transport)}.yml"


def service_name(transport: Transport) -> str:
    return NAME if transport is Transport.REST else PORTAL_SERVICE


def web_service_definition(*, transport: Transport = Transport.REST, offer: Offer = Offer.ZNUNY) -> str:
    """The file's text, in UTF-8 to be stored under ``file_name``.

    The debug threshold is ``error``: with ``debug`` the ticket system stores every request with the password in it.
    REST takes every operation as ``POST /<OperationName>``, so that neither a secret nor a list of ids is in a URL.
    """
    operations = OPERATIONS if offer is Offer.OTRS else (*OPERATIONS, *ZNUNY_OPERATIONS)
    names = [operation.name for operation in operations]
    document = {
        "Debugger": {"DebugThreshold": "error", "TestMode": "0"},
        "Description": "billing portal",
        "FrameworkVersion": "6.0.x git",
        "Provider": {
            "Operation": {operation.name: operation.as_yaml() for operation in operations},
            "Transport": _rest(names) if transport is Transport.REST else _soap(),
        },
        "RemoteSystem": "",
        "Requester": {"Transport": {"Type": ""}},
    }
    return yaml.dump(document, Dumper=_Dumper, explicit_start=True, sort_keys=False, default_flow_style=False)


def _rest(names: list[str]) -> dict[str, Any]:
    routes = {name: {"ParserBackend": "JSON", "RequestMethod": ["POST"], "Route": f"/{name}"} for name in names}
    config = {"AdditionalHeaders": None, "KeepAlive": "1", "MaxLength": str(MOST_BYTES)}
    return {"Config": {**config, "RouteOperationMapping": routes}, "Type": "HTTP::REST"}


def _soap() -> dict[str, Any]:
    """Without a SOAPAction to check: which one is right depends on the release, the body names the operation."""
    return {
        "Config": {
            "MaxLength": str(MOST_BYTES),
            "NameSpace": PORTAL_NAMESPACE,
            "RequestNameFreeText": "",
            "RequestNameScheme": "Plain",
            "ResponseNameFreeText": "",
            "ResponseNameScheme": "Response",
            "SOAPAction": "No",
        },
        "Type": "HTTP::SOAP",
    }


class _Dumper(yaml.SafeDumper):
    """Writes an empty value as the ticket system's own export does."""


_Dumper.add_representer(type(None), lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:null", "~"))
