"""Faults that the stand-in ticket system can be told to make, per operation and n-th request.

A fault is written ``TicketGet:http_500:2`` (the second TicketGet) or ``TicketGet:http_500`` (every one);
``*`` stands for any operation, ``TimeAccountingGet@b.schmidt`` for the questions about one agent's time.
Counting starts when the plan is made and is the same in every run.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus

from generic_interface.simulator.responses import (
    CRASH_PAGE,
    LOGIN_PAGE,
    Response,
    bare_response,
    html_response,
)
from generic_interface.simulator.routes import WebService
from generic_interface.simulator.soap import read_answer
from generic_interface.simulator.speech import answer_response, fault_response
from generic_interface.simulator.wire import Json, auth_fail, no_permission

_FAULT = "Database is not reachable"
REDIRECT_PATH = "/otrs/elsewhere"
"""Where the redirect leads; a request that arrives there is kept in ``RunningSimulator.strays``."""


class FaultKind(StrEnum):
    SLOW = "slow"
    HTTP_500 = "http_500"
    TRUNCATED = "truncated"
    CUT = "cut"
    HTML = "html"
    HTML_NO_STATUS = "html_no_status"
    WRONG_TYPE = "wrong_type"
    EMPTY = "empty"
    EMPTY_BODY = "empty_body"
    DROP = "drop"
    AUTH_FAIL = "auth_fail"
    NO_PERMISSION = "no_permission"
    HUGE = "huge"
    REDIRECT = "redirect"
    LOST = "lost"
    LOST_500 = "lost_500"
    HANG = "hang"
    LATE = "late"


NOT_CARRIED_OUT = frozenset({FaultKind.LOST, FaultKind.LOST_500, FaultKind.HANG})
"""The operation never runs: no answer and closed, HTTP 500, no answer for long. Every other fault spoils its answer."""


class NotAFault(ValueError):
    """The text does not describe a fault; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``nth`` counts the requests of the operation from 1; None means every request."""

    operation: str
    kind: FaultKind
    nth: int | None = None


def parse_fault(text: str) -> Fault:
    """Read ``Operation:kind[:n]``. Raises NotAFault."""
    operation, _, rest = text.partition(":")
    kind, _, nth = rest.partition(":")
    if not operation or kind not in set(FaultKind):
        kinds = ", ".join(FaultKind)
        raise NotAFault(f"'{text}' is not a fault. Write Operation:kind or Operation:kind:n with one of {kinds}.")
    if nth and not (nth.isdecimal() and int(nth) > 0):
        raise NotAFault(f"'{text}' is not a fault: '{nth}' is not the number of a request, counted from 1.")
    return Fault(operation, FaultKind(kind), int(nth) if nth else None)


class FaultPlan:
    """Which request fails and how. ``drip_seconds`` is the pause between two bytes of a slow answer, ``cut_at`` how
    many bytes of one that is cut are sent (half of them by default). After ``late_seconds`` a request that hangs is
    closed, and one that is late is carried out without an answer."""

    def __init__(
        self,
        faults: Iterable[str] = (),
        *,
        drip_seconds: float = 0.2,
        huge_bytes: int = 80 * 1024 * 1024,
        cut_at: int | None = None,
        late_seconds: float = 0.5,
    ) -> None:
        self.late_seconds = late_seconds
        self.drip_seconds = drip_seconds
        self.huge_bytes = huge_bytes
        self.cut_at = cut_at
        self._faults = [parse_fault(text) for text in faults]
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, *faults: str) -> None:
        with self._lock:
            self._faults += [parse_fault(text) for text in faults]

    def clear(self) -> None:
        """Forget all faults and start counting anew."""
        with self._lock:
            self._faults.clear()
            self._counts.clear()

    def next(self, operation: str, login: object = None) -> FaultKind | None:
        """Count a request of the operation, about the time of ``login`` if any, and tell how it fails; else None."""
        names = (operation, "*", f"{operation}@{login}")
        with self._lock:
            for name in names:
                self._counts[name] += 1
            for fault in self._faults:
                if fault.operation in names and fault.nth in (None, self._counts[fault.operation]):
                    return fault.kind
            return None

    def wait(self, kind: FaultKind | None) -> None:
        """Before the operation, where it hangs or comes late."""
        if kind in (FaultKind.HANG, FaultKind.LATE):
            time.sleep(self.late_seconds)

    def instead(self, kind: FaultKind, service: WebService) -> Response | None:
        """The answer to a request that is not carried out; None closes the connection without a byte."""
        if kind is FaultKind.LOST_500:
            return fault_response(_FAULT, service)
        return None

    def spoil(self, kind: FaultKind, operation: str, good: Response, service: WebService) -> Response | None:
        """The answer with the fault in it; None closes the connection without a byte."""
        match kind:
            case FaultKind.DROP | FaultKind.LATE:
                return None
            case FaultKind.SLOW:
                return replace(good, drip_seconds=self.drip_seconds)
            case FaultKind.TRUNCATED | FaultKind.CUT:
                sent = len(good.body) // 2 if self.cut_at is None else self.cut_at
                return replace(good, sent=sent, announced=kind is FaultKind.TRUNCATED, keep_alive=False)
            case FaultKind.HUGE:
                return replace(good, padding=self.huge_bytes, announced=False, keep_alive=False)
            case FaultKind.EMPTY_BODY:
                return replace(good, body=b"")
            case FaultKind.EMPTY:
                return replace(good, body=answer_response({}, operation, service).body)
            case FaultKind.WRONG_TYPE:
                return replace(good, body=wrong_types(good.body, operation, service))
        return _other_answer(kind, operation, service)


def _other_answer(kind: FaultKind, operation: str, service: WebService) -> Response:
    match kind:
        case FaultKind.HTTP_500:
            return fault_response(_FAULT, service)
        case FaultKind.HTML:
            return html_response(HTTPStatus.OK, LOGIN_PAGE)
        case FaultKind.AUTH_FAIL:
            return answer_response(auth_fail(operation).answer, operation, service)
        case FaultKind.NO_PERMISSION:
            return answer_response(no_permission(operation).answer, operation, service)
        case FaultKind.REDIRECT:
            moved = html_response(HTTPStatus.FOUND, b"<html><body>Moved</body></html>")
            return replace(moved, headers=(("Location", REDIRECT_PATH),))
    return bare_response(CRASH_PAGE)


def wrong_types(body: bytes, operation: str, service: WebService) -> bytes:
    """The same keys with values of another type: lists and objects become text, all else becomes a list.

    Over SOAP, where a list of one looks like its value, all else becomes an object.
    """
    answer: Json = read_answer(body) if service.namespace else json.loads(body)
    changed = {
        key: "unexpected" if isinstance(value, list | dict) else {"Value": value} if service.namespace else [value]
        for key, value in answer.items()
    }
    return answer_response(changed, operation, service).body
