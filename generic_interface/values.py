"""Strict reading of single values: what does not look exactly as the interface writes it is refused, not guessed.

The pure functions raise ``ValueError``; ``Fields`` turns that into a ``BadAnswer`` that names the field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from generic_interface.errors import BadAnswer

HUNDREDTH = Decimal("0.01")
LARGEST_UNITS = Decimal(10) ** 8
FLOAT_NOISE = Decimal("0.001")

_UNITS = re.compile(r"-?\d{1,8}(\.\d+)?", re.ASCII)
_SUM = re.compile(r"-?\d{1,8}(\.\d+)?([eE]-\d{1,3})?", re.ASCII)
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_IDENTIFIER = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """NUL and lone surrogates become U+FFFD: no database stores them, and an entry must not be lost over its title."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def parse_units(text: str) -> Decimal:
    """Time units of one booking from their text, with two decimals; ``ValueError`` if that would change them.

    ``Decimal()`` alone would also take NaN, full-width digits, underscores and exponents.
    """
    if not _UNITS.fullmatch(text):
        raise ValueError("is no number of time units")
    units = Decimal(text)
    rounded = units.quantize(HUNDREDTH)
    if rounded != units:
        raise ValueError("has more than two decimals")
    return rounded + 0  # no negative zero


def parse_total(value: Decimal) -> Decimal:
    """The ticket's own sum, with two decimals. The server adds floats, so noise far behind the cents is dropped."""
    if abs(value) >= LARGEST_UNITS:
        raise ValueError("is too large for time units")
    rounded = value.quantize(HUNDREDTH)
    if abs(rounded - value) > FLOAT_NOISE:
        raise ValueError("has more than two decimals")
    return rounded + 0


def parse_local(text: str) -> datetime:
    """Naive local time from ``YYYY-MM-DD HH:MM:SS``, the only form the interface writes."""
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError("is no date of the form YYYY-MM-DD HH:MM:SS")
    return datetime.fromisoformat(text)


def is_identifier(text: str) -> bool:
    """Whether the text is an id as the ticket system counts them (positive, no leading zero)."""
    return _IDENTIFIER.fullmatch(text) is not None


@dataclass(slots=True)
class Fields:
    """One object of an answer. ``where`` says in error sentences which one, such as ``TicketGet, ticket 614``."""

    values: Mapping[str, object]
    where: str

    def refuse(self, name: str, why: str) -> BadAnswer:
        shown = repr(self.values.get(name))
        shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
        return BadAnswer(f"{self.where}: the field {name} {why} ({shown}). Nothing of this answer was used.")

    def raw(self, name: str) -> object:
        if name not in self.values:
            raise BadAnswer(f"{self.where}: the field {name} is missing. Nothing of this answer was used.")
        return self.values[name]

    def text_or_empty(self, name: str) -> str:
        """Text of a field that must be there; ``null`` and ``""`` both mean nothing. Numbers count as their text."""
        value = self.raw(name)
        if isinstance(value, str):
            return clean_text(value)
        if value is None:
            return ""
        if type(value) is int or isinstance(value, Decimal):  # bool is an int, too
            return str(value)
        raise self.refuse(name, "is no text")

    def text(self, name: str) -> str:
        text = self.text_or_empty(name)
        if not text.strip():
            raise self.refuse(name, "is empty")
        return text

    def optional_text(self, name: str) -> str:
        """Like ``text_or_empty`` for fields that the server leaves out when there is nothing to say."""
        return self.text_or_empty(name) if name in self.values else ""

    def identifier(self, name: str) -> str:
        """An id as text, whether it was sent as string or as number."""
        text = self.text_or_empty(name)
        if not is_identifier(text):
            raise self.refuse(name, "is no id")
        return text

    def number(self, name: str) -> int:
        text = self.text_or_empty(name)
        if not _NUMBER.fullmatch(text):
            raise self.refuse(name, "is no whole number")
        return int(text)

    def units(self, name: str) -> Decimal:
        try:
            return parse_units(self.text_or_empty(name))
        except ValueError as error:
            raise self.refuse(name, str(error)) from None

    def total(self, name: str) -> Decimal:
        """A sum as number, or as the text of one: XML knows no numbers."""
        value = self.raw(name)
        if isinstance(value, str) and _SUM.fullmatch(value):
            value = Decimal(value)
        try:
            return parse_total(value) if isinstance(value, Decimal) else parse_units(self.text_or_empty(name))
        except ValueError as error:
            raise self.refuse(name, str(error)) from None

    def local(self, name: str) -> datetime:
        """Naive local time of the ticket system."""
        try:
            return parse_local(self.text_or_empty(name))
        except ValueError as error:
            raise self.refuse(name, str(error)) from None

    def moment(self, name: str, zone: ZoneInfo) -> datetime:
        """Aware time; of an hour that comes twice the first is taken, the text does not say more."""
        return self.local(name).replace(tzinfo=zone)

    def optional_moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        return self.moment(name, zone) if self.optional_text(name) else None

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects; a single object counts as a list of one."""
        value = self.raw(name)
        entries = [value] if isinstance(value, dict) else value
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.refuse(name, "is no list of objects")
        return [Fields(entry, self.where) for entry in entries]

    def identifiers(self, name: str) -> list[str]:
        """A list of ids; a single id counts as a list of one."""
        value = self.raw(name)
        entries = value if isinstance(value, list) else [value]
        return [Fields({name: entry}, self.where).identifier(name) for entry in entries]

    def named(self, where: str) -> "Fields":
        return Fields(self.values, where)
