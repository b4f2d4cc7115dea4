"""The web services of the stand-in: names, ids, routes and limits as they were configured on the recorded server."""

from dataclasses import dataclass
from urllib.parse import unquote

from generic_interface.simulator.wire import Json

PREFIX = "/otrs/nph-genericinterface.pl"
SAMPLE_MAX_LENGTH = 1_000_000

_READ = (
    ("POST", "/TicketSearch", "TicketSearch"),
    ("POST", "/TicketHistory/:TicketID", "TicketHistoryGet"),
    ("POST", "/TimeAccountingGet", "TimeAccountingGet"),
)
_BILLING_PORTAL = (
    "SessionCreate",
    "SessionGet",
    "TicketCreate",
    "TicketUpdate",
    "TicketGet",
    "TicketSearch",
    "TicketHistoryGet",
    "TimeAccountingGet",
    "OutOfOffice",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebService:
    """``routes`` are (method, path with ``:Name`` placeholders, operation); ``max_length`` is in bytes.

    One over SOAP has a ``namespace`` and, instead of routes, the ``operations`` that an envelope may name.
    """

    name: str
    service_id: int
    keep_alive: bool
    max_length: int
    routes: tuple[tuple[str, str, str], ...] = ()
    namespace: str = ""
    operations: tuple[str, ...] = ()

    def match(self, method: str, path: str) -> tuple[str, Json] | None:
        """The operation of a request and the parameters in its path; None where no route fits."""
        for route_method, route, operation in self.routes:
            if route_method == method:
                placeholders = _match_path(route.split("/"), path.split("/"))
                if placeholders is not None:
                    return operation, placeholders
        return None


SERVICES = (
    WebService(
        name="GenericTicketConnectorREST",
        service_id=4,
        keep_alive=False,
        max_length=SAMPLE_MAX_LENGTH,
        routes=(
            ("POST", "/Session", "SessionCreate"),
            ("GET", "/Session/:SessionID", "SessionGet"),
            ("GET", "/Ticket", "TicketSearch"),
            ("POST", "/Ticket", "TicketCreate"),
            ("GET", "/Ticket/:TicketID", "TicketGet"),
            ("PATCH", "/Ticket/:TicketID", "TicketUpdate"),
            ("GET", "/TicketList", "TicketGet"),
            ("GET", "/TicketHistory/:TicketID", "TicketHistoryGet"),
        ),
    ),
    WebService(
        name="ZnunyTicketREST",
        service_id=5,
        keep_alive=True,
        max_length=SAMPLE_MAX_LENGTH,
        routes=(
            ("POST", "/Session", "SessionCreate"),
            ("GET", "/Session/:SessionID", "SessionGet"),
            ("DELETE", "/Session/:SessionID", "SessionRemove"),
            ("POST", "/Ticket/Search", "TicketSearch"),
            ("POST", "/Ticket", "TicketCreate"),
            ("GET", "/Ticket/:TicketID", "TicketGet"),
            ("PATCH", "/Ticket/:TicketID", "TicketUpdate"),
            ("GET", "/Ticket/History/:TicketID", "TicketHistoryGet"),
        ),
    ),
    WebService(
        name="TimeAccountingREST",
        service_id=6,
        keep_alive=False,
        max_length=SAMPLE_MAX_LENGTH,
        routes=(("POST", "/TimeAccountingGet", "TimeAccountingGet"),),
    ),
    WebService(
        name="OutOfOffice",
        service_id=10,
        keep_alive=False,
        max_length=SAMPLE_MAX_LENGTH,
        routes=(("POST", "/OutOfOffice", "OutOfOffice"),),
    ),
    WebService(
        name="BillingREST",
        service_id=7,
        keep_alive=True,
        max_length=10_000_000,
        routes=(
            ("POST", "/Session", "SessionCreate"),
            ("POST", "/TicketGet/:TicketID", "TicketGet"),
            ("GET", "/TicketGet/:TicketID", "TicketGet"),
            ("POST", "/TicketList", "TicketGet"),
            *_READ,
        ),
    ),
    WebService(name="BillingSmall", service_id=8, keep_alive=False, max_length=300, routes=_READ),
    WebService(
        name="BillingPortal",
        service_id=9,
        keep_alive=True,
        max_length=10_000_000,
        routes=tuple(("POST", f"/{operation}", operation) for operation in _BILLING_PORTAL),
    ),
    WebService(
        name="GenericTicketConnectorSOAP",
        service_id=11,
        keep_alive=False,
        max_length=100_000_000,
        namespace="http://www.otrs.org/TicketConnector/",
        operations=(
            "SessionCreate",
            "SessionGet",
            "TicketCreate",
            "TicketUpdate",
            "TicketGet",
            "TicketSearch",
            "TicketHistoryGet",
        ),
    ),
    WebService(
        name="TimeAccountingSOAP",
        service_id=12,
        keep_alive=False,
        max_length=SAMPLE_MAX_LENGTH,
        namespace="http://www.znuny.org/TimeAccountingWebservice/",
        operations=("TimeAccountingGet",),
    ),
    WebService(
        name="BillingPortalSOAP",
        service_id=13,
        keep_alive=False,
        max_length=10_000_000,
        namespace="http://www.otrs.org/TicketConnector/",
        operations=_BILLING_PORTAL,
    ),
)


def find_service(path: str) -> tuple[WebService, str] | None:
    """The web service of a request path below PREFIX, by name or by id, and the rest of the path."""
    _, kind, name, *rest = [*path.removeprefix(PREFIX).split("/"), "", ""]
    for service in SERVICES:
        if (kind, name) in (("Webservice", service.name), ("WebserviceID", str(service.service_id))):
            return service, "/" + "/".join(rest[:-2]) if len(rest) > 2 else ""
    return None


def _match_path(route: list[str], path: list[str]) -> Json | None:
    if len(route) != len(path):
        return None
    placeholders: Json = {}
    for expected, actual in zip(route, path, strict=True):
        if expected.startswith(":") and actual:
            placeholders[expected[1:]] = unquote(actual)
        elif expected != actual:
            return None
    return placeholders
