"""Values of a request: JSON of limited depth, and texts that every database takes."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

DEEPEST = 16
LONGEST_CREDENTIAL = 200
LONGEST_LINE = 1_000
LONGEST_PARAGRAPH = 4_000
FACTS = {
    # what the client calls it: field of RegisteredSystem and its length
    "FQDN": ("fqdn", 255),
    "OTRSVersion": ("product_version", 100),
    "PerlVersion": ("perl_version", 100),
    "OSType": ("os_type", 100),
    "OSVersion": ("os_version", 200),
    "DatabaseVersion": ("database_version", 200),
}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Malformed(Exception):
    """A request or an operation cannot be read; the text says why, without quoting what came."""


def read_json(source: str, what: str) -> Any:
    """The value, with what PostgreSQL cannot store replaced in its texts; raises ``Malformed``."""
    try:
        return _storable(json.loads(source, parse_constant=_refuse), DEEPEST)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{what} is no JSON, or nested too deep.") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _storable(value: Any, depth: int) -> Any:
    if depth < 0:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {storable(key): _storable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def storable(value: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL does not take."""
    return _UNSTORABLE.sub("\ufffd", value)


def text(data: Mapping[str, Any], name: str) -> str:
    """One line; empty where it is missing. Numbers are taken for the text that they are written as."""
    return _CONTROL.sub(" ", _plain(data, name)).strip()[:LONGEST_LINE]


def paragraph(data: Mapping[str, Any], name: str) -> str:
    return _plain(data, name).strip()[:LONGEST_PARAGRAPH]


def secret(data: Mapping[str, Any], name: str) -> str:
    """An id, a key or a password, to the letter: one that is too long to be right is refused and not cut."""
    value = _plain(data, name)
    if len(value) > LONGEST_CREDENTIAL:
        raise Malformed(f"{name} is longer than {LONGEST_CREDENTIAL} characters.")
    return value


def flag(data: Mapping[str, Any], name: str) -> bool | None:
    """Yes or no; ``None`` where it is missing."""
    value = text(data, name).lower()
    return value in ("yes", "1") if value else None


def facts_of(data: Mapping[str, Any]) -> dict[str, str]:
    """By field of ``RegisteredSystem``; only those that the request names."""
    return {field: text(data, name)[:length] for name, (field, length) in FACTS.items() if data.get(name) is not None}


def _plain(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(f"{name} must be a text.")
    return str(value)
