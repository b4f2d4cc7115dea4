"""From what ``rpc.pl`` sent to the values of one call, or to the error that says what went wrong.

It answers nil for every failure that it knows of, and a fault for those that it does not. Nothing of an answer but the
words of a fault is ever shown: an agent's data come with the hash of the password.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from generic_interface.answers import Call, Reply, http_error
from generic_interface.errors import BadAnswer, InterfaceError
from generic_interface.rpc_values import ENVELOPE, NoValue, Value, response_values
from generic_interface.xmlreader import read_xml

XML_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xml"})
GONE_SINCE_6 = frozenset({"ArticleCreate", "ArticleSend"})

_NO_METHOD = re.compile(r"Can't locate object method \"(\w+)\" via package")


@dataclass(frozen=True, slots=True)
class RpcScript:
    """Where ``rpc.pl`` lies, for the sentences."""

    url: str

    @property
    def when_silent(self) -> str:
        return "Check that rpc.pl is there and that no firewall or proxy keeps the portal from it."

    @property
    def when_crashed(self) -> str:
        return "Its server log says more."

    def __str__(self) -> str:
        return "rpc.pl"


def read_rpc_reply(reply: Reply, call: Call, *, remaining: Callable[[], float]) -> list[Value]:
    """What the method returned; nothing for nil. Raises the ``InterfaceError`` that fits anything else."""
    if reply.status == 404:
        text = f"There is no rpc.pl at this address (HTTP 404 for {call.operation}). Check its address."
        raise BadAnswer(text, maybe_done=False)
    is_xml = reply.content_type in XML_TYPES
    if reply.status not in (200, 500) or (reply.status == 500 and not is_xml):
        raise http_error(reply, call)
    if not is_xml:
        raise BadAnswer(
            f"{call.operation} was answered with “{call.excerpt(reply.content_type) or 'no content type'}” instead of "
            "XML; is a login page or a proxy in between?"
        )
    return _values(read_xml(reply.body, operation=call.operation, remaining=remaining), call)


def _values(root: Element, call: Call) -> list[Value]:
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or not len(body):
        raise BadAnswer(f"The answer to {call.operation} is no SOAP envelope. Nothing of it was used.")
    response = body[0]
    if response.tag == f"{{{ENVELOPE}}}Fault":
        raise _fault(response, call)
    if response.tag.rpartition("}")[2] != "DispatchResponse":
        raise BadAnswer(f"The answer to {call.operation} is that of another call. Nothing of it was used.")
    ids = {name: element for element in body.iter() if (name := element.get("id")) is not None}
    try:
        return response_values(response, ids)
    except NoValue as error:
        raise BadAnswer(f"The answer to {call.operation} {error}. Nothing of it was used.") from None


def _fault(fault: Element, call: Call) -> InterfaceError:
    code, words = fault.findtext("faultcode") or "", fault.findtext("faultstring") or ""
    missing = _NO_METHOD.search(words)
    if missing and missing[1] in GONE_SINCE_6:
        return BadAnswer(
            f"The ticket system's rpc.pl has no {call.operation}: OTRS 6 and what came after lack it, OTRS 3 to 5 have "
            "it. Nothing was stored by this call. Write through the Generic Interface (TicketCreate, TicketUpdate) "
            "instead.",
            maybe_done=False,
        )
    if missing:
        return BadAnswer(f"The ticket system's rpc.pl has no {call.operation}.", maybe_done=False)
    shown = call.excerpt(words) or "no reason given"
    if code.endswith("Client"):
        return BadAnswer(f"rpc.pl could not read {call.operation}: {shown}", maybe_done=False)
    return BadAnswer(f"The ticket system could not carry out {call.operation}: {shown}")
