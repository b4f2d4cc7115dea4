"""The envelopes of ``rpc.pl`` as SOAP::Lite reads and writes them: a type is guessed for every single value."""

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from generic_interface.rpc_values import ENCODING, ENVELOPE, INSTANCE, NAMESPACE, SCHEMA, response_values
from generic_interface.simulator.responses import Response

XML_TYPE = "text/xml; charset=utf-8"
SOAP_LITE = (("SOAPServer", "SOAP::Lite/Perl/1.17"),)

_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope soap:encodingStyle="{ENCODING}" xmlns:soap="{ENVELOPE}" '
    f'xmlns:soapenc="{ENCODING}" xmlns:xsd="{SCHEMA}" xmlns:xsi="{INSTANCE}"><soap:Body>'
)
_TAIL = "</soap:Body></soap:Envelope>"
_GUESSES = (
    ("base64Binary", re.compile(r"[^\t\n\r\x20-\x7f]")),
    ("string", re.compile(r"^0\d+$", re.ASCII)),
    ("int", re.compile(r"^[+-]?\d+$", re.ASCII)),
    ("float", re.compile(r"^([+-]?(?=\d|\.\d)\d*(\.\d*)?(e[+-]?\d+)?|-?(NaN|INF))$", re.ASCII | re.IGNORECASE)),
    ("gYearMonth", re.compile(r"^-?\d{4}-\d\d$", re.ASCII)),
    ("date", re.compile(r"^-?\d{4}-\d\d-\d\d$", re.ASCII)),
    ("time", re.compile(r"^\d\d:\d\d:\d\d$", re.ASCII)),
    ("boolean", re.compile(r"^(true|false)$", re.IGNORECASE)),
    ("anyURI", re.compile(r"^(urn:|http://)", re.IGNORECASE)),
)
_INT, _LONG = 2**31, 2**63


class NoEnvelope(Exception):
    """Not readable; the text is that of the fault."""


def read_call(body: bytes) -> tuple[str, str, list[Any]]:
    """Namespace and name of the method, and its arguments by position; the ``Content`` of a file stays base64.

    Raises NoEnvelope.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except ParseError:
        raise NoEnvelope(
            "Application failed during request deserialization: \nsyntax error at line 1, column 0, byte 0 at "
            "/usr/lib/x86_64-linux-gnu/perl5/5.36/XML/Parser.pm line 187.\n"
        ) from None
    found = root.find(f"{{{ENVELOPE}}}Body")
    if found is None or not len(found):
        raise NoEnvelope("Can't find root element in the message at /opt/otrs/x line 2857.\n")
    for element in found.iter(f"{{{NAMESPACE}}}Content"):
        element.set(f"{{{INSTANCE}}}type", "xsd:string")
    namespace, _, name = found[0].tag.removeprefix("{").rpartition("}")
    return namespace, name, response_values(found[0], {})


def values_response(method: str, namespace: str, values: Sequence[Any]) -> Response:
    """Nothing at all is nil; names of elements are counted from another number each time."""
    names = (f"s-gensym{number}" for number in itertools.count(3, 2))
    inside = "".join(_element(next(names), value) for value in values)
    tag = f'{method}Response xmlns="{escape(namespace)}"'
    answer = f"<{tag}>{inside}</{method}Response>" if values else f'<{tag} xsi:nil="true" />'
    return _response(HTTPStatus.OK, f"{_HEAD}{answer}{_TAIL}")


def fault_response(code: str, text: str) -> Response:
    fault = f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(text)}</faultstring></soap:Fault>"
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, f"{_HEAD}{fault}{_TAIL}")


def flattened(values: Mapping[str, object]) -> list[object]:
    """A hash that is returned: key, value, key, value. Backwards, for no order is promised."""
    return list(_flat(dict(reversed(list(values.items())))))


def guessed_type(text: str) -> str:
    """What SOAP::Lite takes a text for."""
    for kind, pattern in _GUESSES:
        if pattern.search(text):
            return _whole_number(int(text)) if kind == "int" else kind
    return "string"


def _whole_number(number: int) -> str:
    if -_INT <= number < _INT:
        return "int"
    return "long" if number < _LONG else "float"


def _flat(values: Mapping[str, object]) -> Iterator[object]:
    for key, value in values.items():
        yield key
        yield value


def _element(name: str, value: Any) -> str:
    if value is None:
        return f'<{name} xsi:nil="true" />'
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(key, each) for key, each in value.items())}</{name}>"
    text = str(value)
    kind = guessed_type(text)
    if not text:
        return f'<{name} xsi:type="xsd:string" />'
    inside = base64.b64encode(text.encode()).decode() if kind == "base64Binary" else escape(text, {"\r": "&#xd;"})
    return f'<{name} xsi:type="xsd:{kind}">{inside}</{name}>'


def _response(status: HTTPStatus, text: str) -> Response:
    reason = "OK" if status is HTTPStatus.OK else "Internal Server Error"
    return Response(
        status=status, reason=reason, content_type=XML_TYPE, body=text.encode(), keep_alive=True, headers=SOAP_LITE
    )
