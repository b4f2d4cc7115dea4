"""Cuts secrets out of what is logged or sent away: passwords, sessions, tokens and keys, whoever wrote them there.

The last net, not the first: nothing of the portal logs a secret on purpose, but libraries quote what they were given.
"""

import re
from collections.abc import Collection

REDACTED = "[redacted]"
SHORTEST_SECRET = 8
"""Shorter values are not searched for: they would be cut out of innocent words."""
_NAMES = (
    r"[\w-]*(?:pass(?:word|wd|phrase)?|pwd|secret(?:_?key)?|session_?id|token|api_?key|encryption_?keys?"
    r"|csrfmiddlewaretoken|authorization|cookie|dsn)"
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
_QUOTED = r'\\"(?:(?!\\").)*|"(?:[^"\\]|\\.)*"?|' + r"'(?:[^'\\]|\\.)*'?"
_PATTERNS = (
    (re.compile(r"\b(\w[\w+.-]*://[^\s/:@]*):[^\s@]+@"), rf"\1:{REDACTED}@"),  # user:password@ of an address
    (re.compile(r"\b(Bearer|Basic)\s+[\w+/=._~-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (
        re.compile(
            rf"""(?P<name>(?<![\w-]){_NAMES}(?P<mark>\\?["']?)\s*(?:[:=]|=>)\s*)"""
            rf"(?:{_QUOTED}|(?:Bearer|Basic)\s+\S+|[^\s,;&<>\"'}})\]]+)",
            re.IGNORECASE,
        ),
        rf"\g<name>{REDACTED}",
    ),
    (re.compile(r"(<(?:Password|SessionID|UserPassword)>)[^<]*", re.IGNORECASE), rf"\1{REDACTED}"),
    (re.compile(r"\b(bpt_[0-9a-f]{8})_[0-9a-f]+"), rf"\1_{REDACTED}"),  # tokens of the read API
    (re.compile(r"gAAAAA[\w=-]{20,}"), REDACTED),  # what the encrypted columns hold
)


def redact(text: str, *, secrets: Collection[str] = ()) -> str:
    """The text without the values of ``secrets``, and without what stands behind a name such as password or token."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_all(value: object, *, secrets: Collection[str] = ()) -> object:
    """The same for every text of a document; what stands under the name of a secret goes as a whole."""
    if isinstance(value, str):
        return redact(value, secrets=secrets)
    if isinstance(value, dict):
        return {
            key: REDACTED if _NAME.fullmatch(str(key)) else redact_all(each, secrets=secrets)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_all(each, secrets=secrets) for each in value]
    return value
