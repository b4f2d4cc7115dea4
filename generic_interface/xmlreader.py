"""Safe XML: one complete document of bounded size, depth and time, or an error, and never a crash."""

from collections.abc import Callable
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from generic_interface.errors import BadAnswer, TooLarge

DEEPEST = 30
"""Envelope, Body, answer, ticket, article, field, value: seven are in use."""
MOST_PARTS = 1_000_000
"""Elements and attributes, some 200 bytes of memory each; 500 tickets with their history have about 300,000."""
PIECE = 128 * 1024
"""Bytes read between two looks at the clock."""
LONGEST_TAG = 2 * PIECE


class _Refused(Exception):
    """Well-formed XML, but nothing that a ticket system writes."""


class _TooMany(Exception):
    """More parts than memory is given to."""


class _Guard(TreeBuilder):
    """Builds the tree and gives up before it grows too deep or too large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._parts = 0

    def start(self, tag: str, attributes: dict[str, str], /) -> Element:
        self._depth += 1
        self._parts += 1 + len(attributes)
        if self._depth > DEEPEST:
            raise _Refused("is nested too deep")
        if self._parts > MOST_PARTS:
            raise _TooMany
        return super().start(tag, attributes)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(body: bytes, *, operation: str, remaining: Callable[[], float]) -> Element:
    """The root element of ``body``; names are ``{namespace}name``, comments and processing instructions are left out.

    ``remaining`` tells the seconds that are left. DTDs, and with them entities and external references, are refused.
    Raises ``TooLarge`` for more than ``MOST_PARTS`` and ``BadAnswer`` for anything else that is no complete XML in
    UTF-8: truncated, declared in another encoding, with a NUL, nested too deep, a tag without end, not read in time.
    """
    try:
        return _parse(body, remaining)
    except _TooMany:
        raise TooLarge(
            f"The answer to {operation} holds more than {MOST_PARTS:,} XML elements and was not used. "
            "Set a smaller batch size."
        ) from None
    except _Refused as error:
        raise BadAnswer(f"The answer to {operation} {error}. Nothing of it was used.") from None
    except DefusedXmlException:
        raise BadAnswer(
            f"The answer to {operation} declares a document type, which a ticket system never does. "
            "Nothing of it was used."
        ) from None
    except ParseError as error:
        raise BadAnswer(f"The answer to {operation} is no complete XML ({error}). Nothing of it was used.") from None


def _parse(body: bytes, remaining: Callable[[], float]) -> Element:
    if b"\0" in body:  # so is every UTF-16, which the parser would take whatever it was told
        raise _Refused("holds a NUL or is not UTF-8")
    parser = DefusedXMLParser(target=_Guard(), encoding="utf-8", forbid_dtd=True)
    parser.parser.XmlDeclHandler = _check_declaration
    for start in range(0, len(body), PIECE):
        piece = body[start : start + PIECE]
        parser.feed(piece)
        # A tag is read anew with every piece until its end is there, and none of its attributes is counted before.
        if start + len(piece) - parser.parser.CurrentByteIndex > LONGEST_TAG:
            raise _Refused("holds an endless tag")
        if remaining() <= 0:
            raise _Refused("could not be read in time")
    root: Element = parser.close()
    return root


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() != "utf-8":
        raise _Refused("is not declared as UTF-8")
