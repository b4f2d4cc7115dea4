"""From an envelope to the answer of one operation, in the shape that the same operation has over REST.

What is a list there are repeated elements here, so a list of one looks like a single value; all values are text.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from generic_interface.answers import Call, Reply, beginning, fault_error, http_error, raise_for_error
from generic_interface.errors import BadAnswer, InterfaceError
from generic_interface.xmlreader import read_xml

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
XML_TYPE = "text/xml"


class NoEnvelope(Exception):
    """Sound XML, but not what the operation answers; the text says what it is."""


def read_soap_reply(reply: Reply, call: Call, *, remaining: Callable[[], float]) -> dict[str, object]:
    """The answer's object, ``{}`` for nil. Raises the ``InterfaceError`` that fits anything but a success.

    ``remaining`` tells the seconds that are left for reading it.
    """
    if reply.status != 200:
        raise _error(reply, call, remaining)
    if reply.content_type != XML_TYPE:
        raise BadAnswer(
            f"{call.operation} was answered with “{call.excerpt(reply.content_type) or 'no content type'}” instead of "
            f"XML; is a login page or a proxy in between? It begins: {beginning(reply, call)}"
        )
    try:
        content = content_of(read_xml(reply.body, operation=call.operation, remaining=remaining))
        if local_name(content) == "Fault":
            raise _fault_error(content, call)
        answer = _answer(content, call)
    except NoEnvelope as error:
        raise BadAnswer(f"The answer to {call.operation} {call.excerpt(str(error))}. Nothing of it was used.") from None
    raise_for_error(answer, call)
    return answer


def _answer(content: Element, call: Call) -> dict[str, object]:
    if local_name(content) != f"{call.operation}Response":
        raise NoEnvelope(f"holds “{local_name(content)}” instead of {call.operation}Response")
    answer = value_of(content)
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise NoEnvelope(f"holds an {call.operation}Response with nothing in it")
    return answer


def _error(reply: Reply, call: Call, remaining: Callable[[], float]) -> InterfaceError:
    """A fault is typed text/plain and stands in the namespace of the web service, not in that of SOAP."""
    try:
        content = content_of(read_xml(reply.body, operation=call.operation, remaining=remaining))
    except (BadAnswer, NoEnvelope):
        return http_error(reply, call)
    return _fault_error(content, call) if local_name(content) == "Fault" else http_error(reply, call)


def _fault_error(content: Element, call: Call) -> BadAnswer:
    texts = [child.text or "" for child in content if local_name(child) == "faultstring"]
    fault = call.excerpt(" ".join(texts)) or "(no reason)"
    if "SOAPAction" in fault:
        return BadAnswer(
            f"The ticket system does not take {call.operation} for the {call.target}: {fault}. "
            "Compare the namespace of the route with the web service's configuration.",
            maybe_done=False,
        )
    return fault_error(fault, call)


def content_of(root: Element) -> Element:
    """The one element in the body of the envelope."""
    bodies = root.findall(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or len(bodies) != 1 or len(bodies[0]) != 1:
        raise NoEnvelope("is XML, but no SOAP envelope with one element in its body")
    return bodies[0][0]


def value_of(element: Element) -> object:
    """``None`` for nil, the text of an element without children, else a dict in which repeated names are lists."""
    if element.get(f"{{{INSTANCE}}}nil") in {"true", "1"}:
        return None
    if not len(element):
        return element.text or ""
    if any(text.strip() for text in (element.text, *(child.tail for child in element)) if text):
        raise NoEnvelope(f"mixes text and elements in “{local_name(element)}”")
    found: dict[str, list[object]] = {}
    for child in element:
        found.setdefault(local_name(child), []).append(value_of(child))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def local_name(element: Element) -> str:
    """Its name without the namespace."""
    return element.tag.rpartition("}")[2]
