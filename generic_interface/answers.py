"""From what came over the wire to the answer of one operation, or to the error that says what went wrong.

Success and application errors are both HTTP 200 with JSON; an HTTP 500 tells by its text alone what went wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from generic_interface.errors import (
    AccessDenied,
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    NoPermission,
    OperationFailed,
    TooLarge,
    Unreachable,
)
from generic_interface.jsonreader import read_object

EXCERPT_LENGTH = 200

_WANTED_GROUP = {
    "TimeAccountingGet": "Give it the group that the operation wants (rw on timeaccounting_webservice).",
    "OutOfOffice": "The operation wants an agent with rw on the group admin.",
}
_NOTHING_STORED = ("Can't load operation backend module", "OutOfOfficeEntriesCSVString")

_NOT_SHOWN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, read to its end. ``content_type`` is lower case without parameters."""

    status: int
    content_type: str
    location: str
    body: bytes


class Target(Protocol):
    """Where an operation is reached; its text fits behind “knows no”."""

    @property
    def when_silent(self) -> str:
        """What to check when the connection is closed without an answer."""
        ...

    @property
    def when_crashed(self) -> str:
        """What to check when a page instead of an answer comes."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, for the sentences; ``secrets`` are cut out of everything foreign that is shown."""

    operation: str
    target: Target
    secrets: tuple[str, ...] = ()

    def excerpt(self, text: str) -> str:
        return excerpt(text, self.secrets)


def excerpt(text: str, secrets: Iterable[str]) -> str:
    """At most 200 characters of foreign text on one line, without control or direction characters and secrets."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    shown = _NOT_SHOWN.sub(" ", text).strip()
    return shown if len(shown) <= EXCERPT_LENGTH else f"{shown[: EXCERPT_LENGTH - 1]}…"


def read_reply(reply: Reply, call: Call) -> dict[str, object]:
    """The answer's object. Raises the ``InterfaceError`` that fits anything but a success."""
    if reply.status != 200:
        raise http_error(reply, call)
    if reply.content_type != "application/json":
        raise BadAnswer(
            f"{call.operation} was answered with “{call.excerpt(reply.content_type) or 'no content type'}” instead of "
            f"JSON; is a login page or a proxy in between? It begins: {beginning(reply, call)}"
        )
    answer = read_object(reply.body, operation=call.operation)
    raise_for_error(answer, call)
    return answer


def raise_for_error(answer: dict[str, object], call: Call) -> None:
    """Raise what the key ``Error`` of an answer says; an answer without that key is a success."""
    if "Error" not in answer:
        return
    error = answer["Error"]
    code = error.get("ErrorCode") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, str):
        raise BadAnswer(f"{call.operation} was answered with an error that has no ErrorCode.")
    _raise_application_error(call.excerpt(code), call.excerpt(str(error.get("ErrorMessage") or "no message")), call)


def _raise_application_error(code: str, message: str, call: Call) -> NoReturn:
    kind = code.rpartition(".")[2]
    if kind == "NoPermission" or (kind == "AuthFail" and "User needs to be" in message):  # the login itself was right
        hint = _WANTED_GROUP.get(call.operation, "Give it the group that the operation wants.")
        raise NoPermission(f"The agent may not call {call.operation} ({code}: {message}). {hint}")
    if kind == "AuthFail":
        raise AuthenticationFailed(
            f"The ticket system refuses the login for {call.operation} ({code}: {message}). Wrong login or password, a "
            "deactivated agent, an expired session, or a system that does not know the X-OTRS-Header fields. "
            "Check them before trying again: failed logins are counted there."
        )
    raise (AccessDenied if kind == "AccessDenied" else ApplicationError)(code, message)


def http_error(reply: Reply, call: Call) -> InterfaceError:
    """What an answer with any other status than 200 means."""
    status, operation = reply.status, call.operation
    if 300 <= status < 400:
        return BadAnswer(
            f"{operation} was redirected (HTTP {status}) to {call.excerpt(reply.location) or 'nowhere'}. Redirects are "
            "not followed, the password would travel along; set the base URL to the final address.",
            maybe_done=False,
        )
    if status in {413, 414}:
        text = f"The web server refuses {operation} as too large (HTTP {status}). Set a smaller batch size."
        return TooLarge(text, maybe_done=False)
    if status in {502, 503, 504}:
        return Unreachable(f"The ticket system is not available at the moment (HTTP {status} for {operation}).")
    if status in {401, 403, 407}:
        text = f"The web server or a proxy, not the ticket system, refuses {operation} (HTTP {status})."
        return BadAnswer(text, maybe_done=False)
    if status == 404:
        return BadAnswer(
            f"There is no Generic Interface at this address (HTTP 404 for {operation}). Check the base URL.",
            maybe_done=False,
        )
    if status == 500:
        return _server_error(reply, call)
    return BadAnswer(f"{operation} was answered with HTTP {status}. It begins: {beginning(reply, call)}")


def _server_error(reply: Reply, call: Call) -> BadAnswer:
    text = reply.body.decode("utf-8", "replace")
    if "Error while determine Operation" in text:
        return BadAnswer(
            f"The ticket system knows no {call.target}. "
            "Compare method, route and their upper and lower case with the web service's configuration.",
            maybe_done=False,
        )
    if reply.content_type == "text/html":
        return BadAnswer(
            f"The ticket system crashed in {call.operation} (HTTP 500 with a page). {call.target.when_crashed}"
        )
    if '"faultstring"' in text:
        return fault_error(_faultstring(reply, call), call)
    return BadAnswer(f"The ticket system could not read {call.operation} (HTTP 500): {beginning(reply, call)}")


def fault_error(fault: str, call: Call) -> BadAnswer:
    """What the faultstring (an excerpt) of an operation that reports failure means."""
    hint = " The operation is not installed there." if "Can't load operation backend module" in fault else ""
    done = not any(words in fault for words in _NOTHING_STORED)
    text = f"The ticket system could not carry out {call.operation}: {fault}{hint}"
    return OperationFailed(text, maybe_done=done)


def _faultstring(reply: Reply, call: Call) -> str:
    try:
        fault = read_object(reply.body, operation=call.operation).get("faultstring")
    except BadAnswer:
        return beginning(reply, call)
    return call.excerpt(str(fault))


def beginning(reply: Reply, call: Call) -> str:
    """How the body begins, for a person who has to guess what answered."""
    return call.excerpt(reply.body[:4000].decode("utf-8", "replace")) or "(empty)"
