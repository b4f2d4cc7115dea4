"""From an HTTP request to an answer, without sockets: routes, parameters, the operation, and the faults."""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote_plus

from generic_interface.simulator.faults import NOT_CARRIED_OUT, FaultPlan
from generic_interface.simulator.responses import (
    CRASH_PAGE,
    NOT_FOUND_PAGE,
    Response,
    bare_response,
    html_response,
    plain_response,
)
from generic_interface.simulator.routes import PREFIX, WebService, find_service
from generic_interface.simulator.rpc import RPC_PATH, RpcScript
from generic_interface.simulator.sessions import SessionStore
from generic_interface.simulator.soap import read_envelope
from generic_interface.simulator.speech import answer_response, fault_response
from generic_interface.simulator.wire import (
    Call,
    Flavour,
    Json,
    OperationCrash,
    OperationError,
    OperationFault,
    Refused,
)

SECRETS = frozenset({"Password", "SessionID", "TwoFactorToken"})
AUTHENTICATION_HEADERS = ("UserLogin", "CustomerUserLogin", "Password", "SessionID")
READABLE_TYPES = frozenset({"application/json", "text/plain"})

_UNREADABLE = "Could not read input data"
_NOT_JSON = "Error while decoding request content."
_NOT_AN_OBJECT = "Unsupported request content structure."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``headers`` in lower case; ``body`` is empty for a chunked request, as the real server reads it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    address: str


class TicketSystem(Protocol):
    """What stands behind the web server: the simulated system or the recorded one."""

    sessions: SessionStore

    def answer(self, call: Call) -> Json:
        """Return the JSON object of the answer or raise OperationError, OperationFault or OperationCrash."""
        ...


class Gateway:
    """``requests`` lists (operation, parameters without secrets), ``strays`` the targets outside the interface."""

    def __init__(self, system: TicketSystem, faults: FaultPlan, flavour: Flavour, rpc: RpcScript | None = None) -> None:
        self.system = system
        self.faults = faults
        self.flavour = flavour
        self.rpc = rpc
        self.requests: list[tuple[str, Json]] = []
        self.strays: list[str] = []
        self._lock = threading.Lock()

    def respond(self, request: Request) -> Response | None:
        """The answer; None closes the connection without a byte (no such web service)."""
        path, _, query = request.target.partition("?")
        if self.rpc is not None and path == RPC_PATH:
            return self.rpc.respond(request.method, request.headers.get("soapaction"), request.body)
        if not path.startswith(PREFIX + "/"):
            self.strays.append(request.target)
            return html_response(HTTPStatus.NOT_FOUND, NOT_FOUND_PAGE)
        found = find_service(path)
        if found is None:
            return None
        service, route = found
        try:
            call = self._read(request, service, route, query)
        except Refused as refused:
            return plain_response(refused.status, str(refused), keep_alive=service.keep_alive)
        except OperationFault as refused:
            return fault_response(str(refused), service)
        with self._lock:
            self.requests.append(
                (call.operation, {key: value for key, value in call.parameters.items() if key not in SECRETS})
            )
            fault = self.faults.next(call.operation, call.parameters.get("TimeAccountingUserLogin"))
        self.faults.wait(fault)
        if fault in NOT_CARRIED_OUT:
            return self.faults.instead(fault, service)
        response = self._call(call, service)
        return self.faults.spoil(fault, call.operation, response, service) if fault else response

    def _read(self, request: Request, service: WebService, route: str, query: str) -> Call:
        if service.namespace:
            action = request.headers.get("soapaction", "") if self.flavour is Flavour.MAIN else ""
            operation, parameters = read_envelope(request.method, request.body, action, service)
            return Call(operation=operation, parameters=parameters, address=request.address)
        matched = service.match(request.method, route)
        if matched is None:
            raise Refused(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"HTTP::REST Error while determine Operation for request URI '{route}'.",
            )
        operation, placeholders = matched
        content: Json | list[object] = {}
        if request.method != "GET" and request.body:
            content = self._content(request, service.max_length)
        parameters = content if isinstance(content, dict) else {}
        parameters = parameters | parse_query(query) | placeholders | self._authentication(request.headers)
        return Call(
            operation=operation, parameters=parameters, address=request.address, is_array=isinstance(content, list)
        )

    def _content(self, request: Request, max_length: int) -> Json | list[object]:
        """The JSON object (or array) of the body. Raises Refused in the words of the real server."""
        if len(request.body) > max_length:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.flavour is Flavour.MAIN and media_type not in READABLE_TYPES:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, _UNREADABLE)
        try:
            content = json.loads(request.body.decode())
        except UnicodeDecodeError:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, _UNREADABLE) from None
        except json.JSONDecodeError:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, _NOT_JSON) from None
        if content is None:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, _NOT_JSON)
        if not content or not isinstance(content, dict | list):
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, _NOT_AN_OBJECT)
        return content

    def _authentication(self, headers: Mapping[str, str]) -> Json:
        if self.flavour is Flavour.STOCK:
            return {}
        names = {name: f"x-otrs-header-{name.lower()}" for name in AUTHENTICATION_HEADERS}
        return {name: headers[header] for name, header in names.items() if header in headers}

    def _call(self, call: Call, service: WebService) -> Response:
        try:
            return answer_response(self.system.answer(call), call.operation, service)
        except OperationError as error:
            return answer_response(error.answer, call.operation, service)
        except OperationFault as fault:
            return fault_response(str(fault), service)
        except OperationCrash:
            return bare_response(CRASH_PAGE)


def parse_query(query: str) -> Json:
    """``&`` or ``;`` separate, ``+`` is a blank, a repeated name makes a list, a name without ``=`` is empty."""
    parameters: dict[str, list[str]] = {}
    for part in re.split("[&;]", query):
        name, _, value = part.partition("=")
        if name:
            parameters.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: values[0] if len(values) == 1 else values for name, values in parameters.items()}
