"""Under which web service and namespace a ticket system offers each operation over SOAP.

A web service over SOAP has one address for all its operations; which one is meant stands in the envelope.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from generic_interface.connection import Connection
from generic_interface.errors import WrongRequest
from generic_interface.routes import OPERATIONS, crashed_service, silent_service

_OVERRIDE = re.compile(r"SOAP (\S(?:.*\S)?) ([a-z][\w+.-]*:[\w/:.,~%#+-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SoapRoute:
    """``namespace`` as the web service's configuration says, to the last slash.

    The header SOAPAction may be left out. ``with_action`` sends it as the server expects it: namespace, a slash and
    the operation, so with two slashes where the namespace ends in one.
    """

    service: str
    namespace: str
    with_action: bool = False

    @property
    def path(self) -> str:
        """Below the interface script."""
        return f"/Webservice/{quote(self.service, safe='')}"

    @property
    def when_silent(self) -> str:
        return silent_service(self.service)

    @property
    def when_crashed(self) -> str:
        return crashed_service(self.service)

    def __str__(self) -> str:
        return f"web service “{self.service}” over SOAP"


PORTAL_SERVICE, PORTAL_NAMESPACE = "BillingPortalSOAP", "http://www.otrs.org/TicketConnector/"
"""Of the web service that the portal's own definition makes."""

_TICKET_CONNECTOR = SoapRoute("GenericTicketConnectorSOAP", "http://www.otrs.org/TicketConnector/")
_TICKET_OPERATIONS = (
    "SessionCreate",
    "SessionGet",
    "TicketSearch",
    "TicketGet",
    "TicketHistoryGet",
    "TicketCreate",
    "TicketUpdate",
)
_BILLING_PORTAL = SoapRoute(PORTAL_SERVICE, PORTAL_NAMESPACE)
_SAMPLE: Mapping[str, SoapRoute] = {
    **dict.fromkeys(_TICKET_OPERATIONS, _TICKET_CONNECTOR),
    "TimeAccountingGet": SoapRoute("TimeAccountingSOAP", "http://www.znuny.org/TimeAccountingWebservice/", True),
}

SOAP_PRESETS: Mapping[str, Mapping[str, SoapRoute]] = {
    "billing_portal": dict.fromkeys(OPERATIONS, _BILLING_PORTAL),
    "otrs6_sample": _SAMPLE,
    "znuny_sample": _SAMPLE,
}
"""Under the names of ``routes.PRESETS``. The ready-made services have no OutOfOffice over SOAP."""


def soap_routes_for(connection: Connection) -> dict[str, SoapRoute]:
    """The route of every operation that has one: the preset with the overrides on top."""
    if connection.preset not in SOAP_PRESETS:
        raise WrongRequest(f"There is no preset “{connection.preset}”; choose one of {', '.join(SOAP_PRESETS)}.")
    overrides = {name: parse_soap_route(name, text) for name, text in connection.routes.items()}
    return {**SOAP_PRESETS[connection.preset], **overrides}


def parse_soap_route(operation: str, text: str) -> SoapRoute:
    """``"SOAP MyService http://example.org/My/"`` as a route."""
    if operation not in OPERATIONS:
        raise WrongRequest(f"There is no operation “{operation}”; routes exist for {', '.join(OPERATIONS)}.")
    match = _OVERRIDE.fullmatch(text)
    if match is None:
        raise WrongRequest(
            f"The route of {operation} must look like “SOAP MyService http://example.org/My/” "
            f"(the word SOAP, name of the web service, namespace), not “{text[:100]}”."
        )
    return SoapRoute(match[1], match[2])
