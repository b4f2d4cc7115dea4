"""The operations over SOAP: one address for each web service, parameters and credentials in the envelope."""

import re
import time
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from generic_interface.answers import Call
from generic_interface.connection import Authentication, Connection
from generic_interface.errors import WrongRequest
from generic_interface.exchange import Exchange
from generic_interface.routes import interface_url
from generic_interface.soap_answers import ENVELOPE, read_soap_reply
from generic_interface.soap_routes import SoapRoute, soap_routes_for
from generic_interface.transport import WRITES, secrets_among

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SoapTransport:
    """A ``Transport`` over one ``Exchange``, whose retry policy it keeps."""

    def __init__(self, connection: Connection, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if connection.authentication is Authentication.HEADER:
            raise WrongRequest(
                "Over SOAP the login travels in the envelope, not in headers. Choose authentication by session or body."
            )
        self._preset = connection.preset
        self._base = interface_url(connection.base_url)
        self._routes = soap_routes_for(connection)
        self._exchange = Exchange(connection, monotonic=monotonic)

    @property
    def requests_made(self) -> int:
        return self._exchange.requests_made

    def close(self) -> None:
        self._exchange.close()

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """Send one operation. Raises ``InterfaceError`` only; its text holds no secret."""
        route = self._route(operation)
        call = Call(operation, route, secrets_among(parameters))
        headers = {"Accept": "text/xml", "Content-Type": "text/xml; charset=UTF-8"}
        if route.with_action:
            headers["SOAPAction"] = f'"{route.namespace}/{operation}"'
        body = write_envelope(operation, route.namespace, parameters)
        reply = self._exchange.send(
            "POST", self._base + route.path, headers=headers, body=body, call=call, writes=operation in WRITES
        )
        return read_soap_reply(reply, call, remaining=lambda: self._exchange.deadline.remaining)

    def _route(self, operation: str) -> SoapRoute:
        if operation not in self._routes:
            raise WrongRequest(
                f"The web services of the preset “{self._preset}” offer no {operation} over SOAP. Give it a route "
                f"(such as “SOAP MyService http://example.org/My/” or “POST MyService /{operation}”), or choose the "
                "preset billing_portal."
            )
        return self._routes[operation]


def write_envelope(operation: str, namespace: str, parameters: Mapping[str, object]) -> bytes:
    """A list becomes repeated elements, a mapping nested ones. ``WrongRequest`` for what XML cannot carry."""
    content = "".join(_elements(name, value) for name, value in parameters.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:tic="{escape(namespace)}"><soapenv:Header/>'
        f"<soapenv:Body><tic:{operation}>{content}</tic:{operation}></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _elements(name: str, value: object) -> str:
    if isinstance(value, list | tuple):
        return "".join(_elements(name, each) for each in value)
    if isinstance(value, Mapping):
        content = "".join(_elements(key, each) for key, each in value.items())
    else:
        content = _text(str(value))
    return f"<{name}>{content}</{name}>"


def _text(text: str) -> str:
    """A carriage return would be read as a line feed if it were not named by its number."""
    if _NOT_XML.search(text):
        raise WrongRequest("Login, password or a filter hold characters that XML cannot carry.")
    return escape(text, {"\r": "&#13;"})
