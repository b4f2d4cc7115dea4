"""Under which web service, method and route a ticket system offers each operation.

Nothing of this is fixed upstream: every install configures its own. A preset is what the shipped definitions say,
single operations can be overridden with ``"METHOD WebserviceName /Route"``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from generic_interface.connection import Connection
from generic_interface.errors import WrongRequest
from generic_interface.reach import origin_of

OPERATIONS = (
    "SessionCreate",
    "SessionGet",
    "TicketSearch",
    "TicketGet",
    "TicketHistoryGet",
    "TimeAccountingGet",
    "OutOfOffice",
    "TicketCreate",
    "TicketUpdate",
)
INTERFACE_PATH = "/nph-genericinterface.pl"

_OVERRIDE = re.compile(r"(GET|POST|PATCH) (\S(?:.*\S)?) (/[\w/:.,-]*)", re.ASCII)
_PLACEHOLDER = re.compile(r":(\w+)", re.ASCII)


def silent_service(service: str) -> str:
    """What to check when the connection is closed without an answer."""
    return f"Check the name of the web service “{service}”: this is how an unknown or invalid one answers."


def crashed_service(service: str) -> str:
    """What to check when a page instead of an answer comes."""
    return f"Check that the web service “{service}” exists and is valid; otherwise its server log says more."


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` may hold placeholders such as ``:TicketID``. Name and path are case-sensitive upstream."""

    method: str
    service: str
    path: str

    @property
    def when_silent(self) -> str:
        return silent_service(self.service)

    @property
    def when_crashed(self) -> str:
        return crashed_service(self.service)

    def fill(self, parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
        """The path below the interface script with its placeholders filled, and the parameters that are left."""
        left = dict(parameters)

        def value(match: re.Match[str]) -> str:
            if match[1] not in parameters:
                raise WrongRequest(f"The route {self.path} needs {match[1]}, which this operation does not send.")
            left.pop(match[1], None)
            return quote(str(parameters[match[1]]), safe=",")

        filled = _PLACEHOLDER.sub(value, self.path)
        return f"/Webservice/{quote(self.service, safe='')}{filled}", left

    def __str__(self) -> str:
        return f"{self.method} {self.path} of the web service “{self.service}”"


_READY_MADE_TIME_ACCOUNTING = Route("POST", "TimeAccountingREST", "/TimeAccountingGet")
_READY_MADE_OUT_OF_OFFICE = Route("POST", "OutOfOffice", "/OutOfOffice")

PRESETS: Mapping[str, Mapping[str, Route]] = {
    "billing_portal": {name: Route("POST", "BillingPortal", f"/{name}") for name in OPERATIONS},
    "otrs6_sample": {
        "SessionCreate": Route("POST", "GenericTicketConnectorREST", "/Session"),
        "SessionGet": Route("GET", "GenericTicketConnectorREST", "/Session/:SessionID"),
        "TicketSearch": Route("GET", "GenericTicketConnectorREST", "/Ticket"),
        "TicketGet": Route("GET", "GenericTicketConnectorREST", "/Ticket/:TicketID"),
        "TicketHistoryGet": Route("GET", "GenericTicketConnectorREST", "/TicketHistory/:TicketID"),
        "TimeAccountingGet": _READY_MADE_TIME_ACCOUNTING,
        "OutOfOffice": _READY_MADE_OUT_OF_OFFICE,
        "TicketCreate": Route("POST", "GenericTicketConnectorREST", "/Ticket"),
        "TicketUpdate": Route("PATCH", "GenericTicketConnectorREST", "/Ticket/:TicketID"),
    },
    "znuny_sample": {
        "SessionCreate": Route("POST", "ZnunyTicketREST", "/Session"),
        "SessionGet": Route("GET", "ZnunyTicketREST", "/Session/:SessionID"),
        "TicketSearch": Route("POST", "ZnunyTicketREST", "/Ticket/Search"),
        "TicketGet": Route("GET", "ZnunyTicketREST", "/Ticket/:TicketID"),
        "TicketHistoryGet": Route("GET", "ZnunyTicketREST", "/Ticket/History/:TicketID"),
        "TimeAccountingGet": _READY_MADE_TIME_ACCOUNTING,
        "OutOfOffice": _READY_MADE_OUT_OF_OFFICE,
        "TicketCreate": Route("POST", "ZnunyTicketREST", "/Ticket"),
        "TicketUpdate": Route("PATCH", "ZnunyTicketREST", "/Ticket/:TicketID"),
    },
}


def routes_for(connection: Connection) -> dict[str, Route]:
    """Every operation's route: the preset with the overrides on top. ``WrongRequest`` names what cannot be read."""
    if connection.preset not in PRESETS:
        raise WrongRequest(f"There is no preset “{connection.preset}”; choose one of {', '.join(PRESETS)}.")
    overrides = {name: parse_route(name, text) for name, text in connection.routes.items()}
    return {**PRESETS[connection.preset], **overrides}


def parse_route(operation: str, text: str) -> Route:
    """``"POST BillingPortal /TicketGet"`` as a route."""
    if operation not in OPERATIONS:
        raise WrongRequest(f"There is no operation “{operation}”; routes exist for {', '.join(OPERATIONS)}.")
    match = _OVERRIDE.fullmatch(text)
    if match is None:
        raise WrongRequest(
            f"The route of {operation} must look like “POST BillingPortal /TicketGet” "
            f"(GET, POST or PATCH, name of the web service, route), not “{text[:100]}”."
        )
    return Route(*match.groups())


def interface_url(base_url: str) -> str:
    """The address of the interface script. Refuses what cannot be a base URL, and credentials in it."""
    try:
        parts = urlsplit(base_url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment or any(sign.isspace() for sign in base_url):
        raise WrongRequest("The base URL must look like https://help.example.org/otrs, without “?” and “#”.")
    if parts.username is not None or parts.password is not None:
        raise WrongRequest("The base URL must not contain a login or a password; these have their own fields.")
    if INTERFACE_PATH in parts.path:
        raise WrongRequest(f"The base URL ends before {INTERFACE_PATH}, for example https://help.example.org/otrs.")
    origin_of(base_url)
    return base_url.rstrip("/") + INTERFACE_PATH
