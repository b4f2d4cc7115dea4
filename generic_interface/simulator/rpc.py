"""``rpc.pl``, the legacy SOAP script beside the Generic Interface: one method, Dispatch, for everything.

``RpcSettings.version`` tells OTRS 5, whose ticket object writes articles and mails, from 6, whose does not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from generic_interface.rpc_values import NoValue
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.data_set import plain as plain_units
from generic_interface.simulator.faults import NOT_CARRIED_OUT, FaultKind, FaultPlan
from generic_interface.simulator.responses import Response
from generic_interface.simulator.routes import WebService
from generic_interface.simulator.rpc_people import Values, get_user_data
from generic_interface.simulator.rpc_tickets import (
    history_get_over_rpc,
    ticket_get_over_rpc,
    ticket_search_over_rpc,
)
from generic_interface.simulator.rpc_writing import (
    SentMail,
    article_create,
    article_send,
    ticket_account_time,
    ticket_change,
    ticket_create,
)
from generic_interface.simulator.rpc_xml import NoEnvelope, fault_response, flattened, read_call, values_response
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.system import SimulatedSystem

RPC_PATH = "/otrs/rpc.pl"
RPC_USER = "soapuser"
RPC_PASSWORD = "stand-in-rpc"  # noqa: S105 - opens nothing but this stand-in
ARTICLES_SINCE_6 = 6
"""The version whose ticket object has lost its methods for articles."""
PACKAGES = {
    "QueueObject": "Kernel::System::Queue",
    "TicketObject": "Kernel::System::Ticket",
    "UserObject": "Kernel::System::User",
}
NAMESPACES = ("/Core", "Core")

_UNREACHABLE = "Database is not reachable\n"
_AS_SERVICE = WebService(name="rpc.pl", service_id=0, keep_alive=True, max_length=0, routes=())
"""For the faults that are the same whatever is spoken."""

Method = Callable[[Values], list[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcSettings:
    """``user`` and ``password`` are ``SOAP::User`` and ``SOAP::Password``; empty ones refuse everybody."""

    user: str = RPC_USER
    password: str = field(default=RPC_PASSWORD, repr=False)
    version: int = 6
    keys: frozenset[str] = frozenset()
    """That the ticket system can sign and encrypt with."""


class RpcScript:
    """``requests`` lists (object.method, arguments), ``mails`` what ArticleSend has sent."""

    def __init__(self, system: SimulatedSystem, settings: RpcSettings, faults: FaultPlan) -> None:
        self.requests: list[tuple[str, Values]] = []
        self.mails: list[SentMail] = []
        self._system = system
        self._settings = settings
        self._faults = faults

    def respond(self, method: str, action: str | None, body: bytes) -> Response | None:
        """The answer; None closes the connection without a byte. ``action`` is the header SOAPAction."""
        if method != "POST" or not body:
            return Response(
                status=HTTPStatus.LENGTH_REQUIRED, reason="Length Required", content_type="text/x-perl", body=b""
            )
        try:
            namespace, name, arguments = read_call(body)
        except (NoEnvelope, NoValue) as refused:
            return fault_response("Client", str(refused))
        asked = (action or "").strip('"')
        if action is not None and asked not in {f"{known}#{name}" for known in NAMESPACES}:
            words = f"SOAPAction shall match 'uri#method' if present (got '{asked}', expected '/Core#{name}'\n"
            return fault_response("Client", words)
        called = _texts(arguments[:4])
        if name != "Dispatch":
            return self._several(namespace, called, arguments)
        operation = ".".join(called[2:4])
        fault = self._faults.next(operation)
        self._faults.wait(fault)
        if fault in NOT_CARRIED_OUT:
            return fault_response("Server", _UNREACHABLE) if fault is FaultKind.LOST_500 else None
        return self._spoilt(fault, operation, self._dispatch(namespace, called, _pairs(arguments[4:])))

    def _dispatch(self, namespace: str, called: list[str], arguments: Values) -> Response:
        user, password, about, method = called
        with self._system.data.lock:
            if not self._may(user, password):
                return values_response("Dispatch", namespace, [])
            if about not in PACKAGES:
                return values_response("Dispatch", namespace, [f"No such Object {about}!"])
            self.requests.append((f"{about}.{method}", arguments))
            found = self._methods(about).get(method)
            if found is None:
                return fault_response("Server", _no_method(about, method))
            return values_response("Dispatch", namespace, found(arguments))

    def _several(self, namespace: str, called: list[str], arguments: list[object]) -> Response:
        """The id that the first TicketCreate has returned; later calls are about this ticket."""
        ticket_id: list[object] = []
        calls = arguments[3] if len(arguments) > 3 and isinstance(arguments[3], list) else []
        with self._system.data.lock:
            for each in calls if self._may(*called[:2]) else []:
                about = {"TicketID": ticket_id[0]} if ticket_id else {}
                returned = self._methods("TicketObject")[each["Method"]]({**about, **each["Parameter"]})
                ticket_id = ticket_id or returned
        return values_response("DispatchMultipleTicketMethods", namespace, ticket_id)

    def _may(self, user: str, password: str) -> bool:
        settings = self._settings
        return bool(settings.user and settings.password) and (user, password) == (settings.user, settings.password)

    def _methods(self, about: str) -> dict[str, Method]:
        system, data = self._system, self._system.data
        if about == "UserObject":
            return {"GetUserData": lambda given: flattened(get_user_data(data, given))}
        if about == "QueueObject":
            return {"GetSystemAddress": lambda given: flattened(_address(data, given))}
        reading: dict[str, Method] = {
            "TicketSearch": lambda given: ticket_search_over_rpc(data, given),
            "TicketGet": lambda given: flattened(ticket_get_over_rpc(system, given)),
            "TicketAccountedTimeGet": lambda given: _accounted(data, given),
            "HistoryGet": lambda given: history_get_over_rpc(data, given),
            "TicketNumberLookup": lambda given: _number(data, given),
        }
        return reading | (self._writing(data) if isinstance(data, DataSet) else {})

    def _writing(self, data: DataSet) -> dict[str, Method]:
        methods: dict[str, Method] = {
            "TicketCreate": lambda given: ticket_create(data, given),
            "TicketAccountTime": lambda given: ticket_account_time(data, given),
            "TicketStateSet": lambda given: ticket_change(data, "State", given),
            "TicketQueueSet": lambda given: ticket_change(data, "Queue", given),
            "TicketTitleUpdate": lambda given: ticket_change(data, "Title", given),
        }
        if self._settings.version >= ARTICLES_SINCE_6:
            return methods
        return methods | {
            "ArticleCreate": lambda given: article_create(data, given),
            "ArticleSend": lambda given: article_send(data, given, mails=self.mails, keys=self._settings.keys),
        }

    def _spoilt(self, fault: FaultKind | None, operation: str, good: Response) -> Response | None:
        match fault:
            case None:
                return good
            case FaultKind.AUTH_FAIL | FaultKind.NO_PERMISSION:
                return values_response("Dispatch", NAMESPACES[0], [])
            case FaultKind.HTTP_500:
                return fault_response("Server", _UNREACHABLE)
            case FaultKind.WRONG_TYPE:
                return values_response("Dispatch", NAMESPACES[0], [{"unexpected": 1}])
            case kind:
                return self._faults.spoil(kind, operation, good, _AS_SERVICE)


def _texts(values: list[object]) -> list[str]:
    return [*(value if isinstance(value, str) else "" for value in values), *[""] * (4 - len(values))]


def _pairs(values: list[object]) -> Values:
    return {str(name): value for name, value in zip(values[::2], values[1::2], strict=False)}


def _no_method(about: str, method: str) -> str:
    return f'Can\'t locate object method "{method}" via package "{PACKAGES[about]}" at /opt/otrs/x line 107.\n'


def _accounted(data: TicketStore, given: Values) -> list[object]:
    ticket = data.tickets.get(str(given.get("TicketID")))
    return [] if "TicketID" not in given else [plain_units(ticket.units()) if ticket else 0]


def _number(data: TicketStore, given: Values) -> list[object]:
    ticket = data.tickets.get(str(given.get("TicketID")))
    return [ticket.number] if ticket else []


def _address(data: TicketStore, given: Values) -> Values:
    queue = next((each for each in data.queues.values() if str(each.queue_id) == str(given.get("QueueID"))), None)
    return {} if queue is None else {"RealName": f"Example {queue.name}", "Email": "support@otrs.example.test"}
