"""Envelopes as the recorded server read and wrote them."""

import re
from http import HTTPStatus
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from generic_interface.simulator.routes import WebService
from generic_interface.simulator.wire import Json, OperationFault, Refused
from generic_interface.soap_answers import NoEnvelope, content_of, local_name, value_of

_PARSER = "/usr/lib/x86_64-linux-gnu/perl5/5.36/XML/Parser.pm line 187.\n"
_ACTION = re.compile(r"(?P<namespace>.+?)[#/](?P<operation>[^#/]+)")
_DROPPED = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_BEGIN = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soap:Envelope soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" '
    'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>'
)
_END = "</soap:Body></soap:Envelope>"


def read_envelope(method: str, body: bytes, action: str, service: WebService) -> tuple[str, Json]:
    """The operation and its parameters; ``action`` is the header SOAPAction, empty where it is not looked at.

    The namespace of the body does not matter, that of the header does. Raises Refused and OperationFault.
    """
    if method == "GET" or not body:
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "Length Required")
    if len(body) > service.max_length:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
    stripped = action.strip("\"'")
    named = _ACTION.fullmatch(stripped)
    if named and named["namespace"] != service.namespace:
        raise OperationFault(
            f"Namespace from SOAPAction '{named['namespace']}' does not match namespace from configuration "
            f"'{service.namespace}'"
        )
    try:
        question = content_of(_parse(body))
        parameters = value_of(question)
    except NoEnvelope:
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Got no result body from deserialized content") from None
    operation = local_name(question)
    expected = f"{service.namespace}/{operation}"
    if stripped not in ("", expected):
        raise OperationFault(f"SOAPAction '{stripped}' does not match expected result '{expected}'")
    if operation not in service.operations:
        raise OperationFault(f"The operation '{operation}' is not configured.")
    return operation, parameters if isinstance(parameters, dict) else {}


def read_answer(body: bytes) -> Json:
    """The object in an envelope that ``write_answer`` wrote; ``{}`` for nil."""
    answer = value_of(content_of(fromstring(body)))
    return answer if isinstance(answer, dict) else {}


def write_answer(answer: Json, operation: str, namespace: str) -> bytes:
    """Keys sorted, a list as repeated elements, nil for nothing, an empty element for null and for empty text."""
    name = f"{operation}Response"
    if not answer:
        return f'{_BEGIN}<{name} xmlns="{namespace}" xsi:nil="true" />{_END}'.encode()
    content = f'{_BEGIN}<{name} xmlns="{namespace}">{_object(answer)}</{name}>{_END}'
    return content.encode("utf-8", "surrogatepass")


def write_fault(text: str, namespace: str) -> str:
    """In the namespace of the web service, where no SOAP library looks for it."""
    content = f"<faultcode>Server</faultcode><faultstring>{_text(text)}</faultstring>"
    return f'{_BEGIN}<Fault xmlns="{namespace}">{content}</Fault>{_END}'


def _parse(body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        offset = sum(len(each) for each in body.splitlines(keepends=True)[: line - 1]) + column
        text = f"{expat.ErrorString(error.code)} at line {line}, column {column}, byte {offset} at {_PARSER}"
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"Error deserializing message:\n{text}") from None
    except DefusedXmlException:
        text = "document types are not read by the stand-in"
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"Error deserializing message:\n{text}") from None
    return root


def _object(fields: Json) -> str:
    return "".join(_element(name, fields[name]) for name in sorted(fields))


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    content = _object(value) if isinstance(value, dict) else _text("" if value is None else str(value))
    return f"<{name}>{content}</{name}>" if content else f"<{name} />"


def _text(text: str) -> str:
    """Signs that XML does not know are left out, as the server does; only a NUL is not."""
    return escape(_DROPPED.sub("", text))
