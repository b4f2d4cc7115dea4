"""Tokens, API keys, update ids and their keyed hashes. Nothing here is stored in clear, and nothing can be guessed.

All keys are derived from ``settings.FIELD_ENCRYPTION_KEYS``, newest first: what is written is made with the newest,
what comes in is checked against each, so that a key can be rotated while systems still show what an older one made.
An update id is ``counter.salt.MAC``: the portal makes the same one again from counter and salt, and knows one that it
gave out even when its own row has forgotten it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

TOKEN_BYTES = 32
SALT_BYTES = 8
LONGEST_ID = 200
_MAC_LENGTH = 40  # 160 bits in hex


@dataclass(frozen=True, slots=True)
class UpdateId:
    """What an update id says, once its MAC was found right."""

    counter: int
    salt: str


def new_token() -> str:
    """256 bits from the system's source of randomness."""
    return secrets.token_hex(TOKEN_BYTES)


def new_salt() -> str:
    return secrets.token_hex(SALT_BYTES)


def keyed_hash(purpose: str, text: str) -> str:
    """64 hex digits, made with the newest key. The same text has another hash for another purpose."""
    return keyed_hashes(purpose, text)[0]


def keyed_hashes(purpose: str, text: str) -> list[str]:
    """The hash with each known key, newest first: to look up what an older key may have made."""
    return [_mac(key, text) for key in _keys(purpose)]


def matches(purpose: str, text: str, stored: str) -> bool:
    """Whether the text has the stored hash with any known key; takes as long when it has not."""
    found = [hmac.compare_digest(candidate.encode(), stored.encode()) for candidate in keyed_hashes(purpose, text)]
    return any(found)


def api_keys_for(token_hash: str) -> list[str]:
    """The API keys that a registration with this token gets, by each known key, newest first.

    Derived and not drawn, so that the lost answer to a registration can be given again without storing the key.
    """
    return keyed_hashes("api key of token", token_hash)


def write_update_id(unique_id: str, update_id: UpdateId) -> str:
    """The id as the system gets it; one of another system is worth nothing."""
    return _write(unique_id, update_id, _keys("update id")[0])


def read_update_id(unique_id: str, text: str) -> UpdateId | None:
    """What the id says, or ``None`` when this portal never gave it to this system."""
    counter, _dot, rest = text.partition(".")
    salt = rest.partition(".")[0]
    if len(text) > LONGEST_ID or not (counter.isascii() and counter.isdecimal()):
        return None
    update_id = UpdateId(int(counter), salt)
    found = [
        hmac.compare_digest(_write(unique_id, update_id, key).encode(), text.encode()) for key in _keys("update id")
    ]
    return update_id if any(found) else None


def _write(unique_id: str, update_id: UpdateId, key: bytes) -> str:
    mac = _mac(key, f"{unique_id}|{update_id.counter}|{update_id.salt}")[:_MAC_LENGTH]
    return f"{update_id.counter}.{update_id.salt}.{mac}"


def _mac(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def _keys(purpose: str) -> tuple[bytes, ...]:
    return _derived(tuple(settings.FIELD_ENCRYPTION_KEYS), purpose)


@lru_cache(maxsize=32)
def _derived(keys: tuple[str, ...], purpose: str) -> tuple[bytes, ...]:
    return tuple(hmac.digest(key.encode(), f"registration: {purpose}".encode(), hashlib.sha256) for key in keys)
