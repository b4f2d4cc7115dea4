"""Values as ``rpc.pl`` writes and reads them, without I/O.

It guesses a type for every value: digits become an int or a long, text with a letter beyond ASCII becomes base64. The
types are therefore not looked at: what comes out is the text that was sent, so that a ticket number stays one. A hash
comes flattened (key, value, key, value, in any order), a list as bare values, a hash in a list as a structure.
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from generic_interface.errors import WrongRequest

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
Argument: TypeAlias = "str | bytes | int | Decimal | Sequence[Argument] | Mapping[str, Argument]"

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACE = "/Core"
SOAP_ACTION = f'"{NAMESPACE}#Dispatch"'

DEEPEST = 8
"""References that lead to references; three are in use. Each may lead as deep as an XML document goes."""

_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope soap:encodingStyle="{ENCODING}" xmlns:soap="{ENVELOPE}" '
    f'xmlns:soapenc="{ENCODING}" xmlns:xsd="{SCHEMA}" xmlns:xsi="{INSTANCE}"><soap:Body><Dispatch xmlns="{NAMESPACE}">'
)
_TAIL = "</Dispatch></soap:Body></soap:Envelope>"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TYPE, _NIL = f"{{{INSTANCE}}}type", f"{{{INSTANCE}}}nil"
_ARRAY, _ARRAY_TYPE = f"{{{ENCODING}}}Array", f"{{{ENCODING}}}arrayType"


class NoValue(Exception):
    """It does not have the shape that was expected. The text fits behind “The answer to …”."""


def dispatch_envelope(*arguments: Argument) -> bytes:
    """The body of a request: user, password, object, method, then keys and values in turn. Names of elements are free.

    Text travels as characters (``xsd:string``): base64 would arrive as bytes, which some databases then encode once
    more. Bytes travel as base64. Raises ``WrongRequest`` for text with characters that XML cannot hold.
    """
    body = "".join(_element(f"a{position}", argument) for position, argument in enumerate(arguments))
    return f"{_HEAD}{body}{_TAIL}".encode()


def response_values(response: Element, ids: Mapping[str, Element]) -> list[Value]:
    """What a ``DispatchResponse`` holds; nothing for nil. ``ids`` are the elements that others refer to by ``href``.

    Raises ``NoValue`` for what no value is.
    """
    return [] if _is_nil(response) else _Reader(ids).children(response)


def pairs(values: Sequence[Value], *, keys: Collection[str]) -> dict[str, Value]:
    """A flattened hash, of which nothing but ``keys`` is kept: agents come with the hash of their password.

    Raises ``NoValue`` where it is none, or says two things of one key.
    """
    if len(values) % 2:
        raise NoValue("is no list of keys and values")
    found: dict[str, Value] = {}
    for name, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(name, str):
            raise NoValue("is no list of keys and values")
        if name in keys and found.setdefault(name, value) != value:
            raise NoValue("has a key twice")
    return found


def structures(values: Sequence[Value], *, keys: Collection[str]) -> list[dict[str, Value]]:
    """A list of hashes, of which nothing but ``keys`` is kept. Raises ``NoValue`` where it is none."""
    found = []
    for value in values:
        if not isinstance(value, dict):
            raise NoValue("is no list of structures")
        found.append({name: each for name, each in value.items() if name in keys})
    return found


def _element(name: str, argument: Argument) -> str:
    if isinstance(argument, str):
        return f'<{name} xsi:type="xsd:string">{_escaped(argument)}</{name}>'
    if isinstance(argument, bytes):
        return f'<{name} xsi:type="xsd:base64Binary">{base64.b64encode(argument).decode()}</{name}>'
    if isinstance(argument, int):
        return f'<{name} xsi:type="xsd:int">{argument:d}</{name}>'
    if isinstance(argument, Decimal):
        return f'<{name} xsi:type="xsd:string">{argument:f}</{name}>'
    if isinstance(argument, Mapping):
        return f"<{name}>{''.join(_element(key, value) for key, value in argument.items())}</{name}>"
    items = "".join(_element("item", value) for value in argument)
    return f'<{name} soapenc:arrayType="xsd:anyType[{len(argument)}]" xsi:type="soapenc:Array">{items}</{name}>'


def _escaped(text: str) -> str:
    """A carriage return as a reference: XML readers make a line feed of a bare one."""
    if _NO_XML.search(text):
        raise WrongRequest("The text holds control characters, which rpc.pl cannot be sent.")
    return escape(text, {"\r": "&#13;"})


class _Reader:
    """Each element that is referred to is read once, and what refers to it shares the value."""

    def __init__(self, ids: Mapping[str, Element]) -> None:
        self._ids = ids
        self._read: dict[str, Value] = {}
        self._open: set[str] = set()

    def children(self, element: Element) -> list[Value]:
        return [self.value(child) for child in element]

    def value(self, element: Element) -> Value:
        reference = element.get("href")
        if reference is not None:
            return self._referred(reference.removeprefix("#"))
        if _is_nil(element):
            return None
        if element.tag == _ARRAY or element.get(_ARRAY_TYPE) is not None:
            return self.children(element)
        kind = element.get(_TYPE, "").rpartition(":")[2]
        if kind == "Map":
            return self._map(element)
        if len(element):
            return self._structure(element)
        text = element.text or ""
        return _decoded(text) if kind in ("base64Binary", "base64") else text

    def _referred(self, name: str) -> Value:
        if name in self._open or name not in self._ids or len(self._open) >= DEEPEST:
            raise NoValue("refers to itself, too deep or to what is not there")
        if name not in self._read:
            self._open.add(name)
            self._read[name] = self.value(self._ids[name])
            self._open.remove(name)
        return self._read[name]

    def _structure(self, element: Element) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for child in element:
            name = child.tag.rpartition("}")[2]
            if name in found:
                raise NoValue("has a key twice")
            found[name] = self.value(child)
        return found

    def _map(self, element: Element) -> dict[str, Value]:
        """A hash with keys that no element could be named like."""
        found: dict[str, Value] = {}
        for item in element:
            pair = self._structure(item)
            name = pair.get("key")
            if not isinstance(name, str) or name in found:
                raise NoValue("has a key twice or none")
            found[name] = pair.get("value")
        return found


def _is_nil(element: Element) -> bool:
    return element.get(_NIL) in ("true", "1")


def _decoded(text: str) -> str:
    """UTF-8; what is none are letters of one byte to Perl, and so it writes them."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise NoValue("holds base64 that is none") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
