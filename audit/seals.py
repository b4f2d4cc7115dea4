"""What is computed over a row: the code that says that the portal wrote it, and the seal of its place in the chain."""

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

GENESIS = "0" * 64
"""What stands before the first row."""
VERSION = 1
CONTENT = (
    "uid",
    "at",
    "actor_kind",
    "actor",
    "actor_key",
    "action",
    "object_type",
    "object_key",
    "object_name",
    "address",
    "source",
    "result",
    "changes",
    "text",
)
"""The columns that a row's code covers; the seal covers the code and the running number as well."""
PURPOSE = b"billing portal: row of the audit log"


def content_of(row: Any) -> list[Any]:
    """The values of ``CONTENT`` of a row, as they are read from the database."""
    return [getattr(row, name) for name in CONTENT]


def mac_of(content: Sequence[Any]) -> str:
    """The code of these values with the newest key of ``FIELD_ENCRYPTION_KEYS``."""
    return _mac(content, settings.FIELD_ENCRYPTION_KEYS[0])


def is_genuine(content: Sequence[Any], mac: str) -> bool:
    """Whether the portal has written exactly this, under any key that it knows."""
    return any(hmac.compare_digest(_mac(content, key), mac) for key in settings.FIELD_ENCRYPTION_KEYS)


def new_secret() -> str:
    return secrets.token_hex(32)


def seal_of(secret: str, *, position: int, previous: str, number: int, mac: str, content: Sequence[Any]) -> str:
    """HMAC-SHA-256 over the place in the chain and everything in the row."""
    return _hmac(bytes.fromhex(secret), [VERSION, position, previous, number, mac, *map(_plain, content)])


def _mac(content: Sequence[Any], key: str) -> str:
    derived = hmac.digest(base64.urlsafe_b64decode(key), PURPOSE, "sha256")
    return _hmac(derived, [VERSION, *map(_plain, content)])


def _hmac(key: bytes, document: list[Any]) -> str:
    """Over JSON without blanks and with escapes only, so that there is one form of each document."""
    text = json.dumps(document, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode("ascii"), "sha256").hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, int | list) else str(value)
