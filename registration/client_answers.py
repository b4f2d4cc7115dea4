"""What goes over the wire to a registration server and what comes back: pure functions, no I/O.

One request carries one operation; ``tests/recordings`` holds those of the real client.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

SERVICE = "SystemRegistration"
API_VERSION = 2
LONGEST_ID = 500  # characters of an id, key or token
LONGEST_TYPE = 50
LONGEST_TEXT = 2000  # of a description
SHOWN = 300  # of foreign text in a sentence
NEXT_UPDATE = timedelta(hours=24)
"""Where the server names no usable time; the real client does the same."""
EARLIEST, LATEST = timedelta(minutes=1), timedelta(days=14)
"""A next update outside of these is not usable: after the latest the grace period begins."""

_NOT_SHOWN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")
_NOT_STORED = re.compile(r"[\x00\ud800-\udfff]")


class NoAnswer(Exception):
    """Nothing usable came back: the server may have done what it was asked, or not. A sentence without secrets."""


class NotPossible(Exception):
    """Nothing was sent; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to one operation. ``reason`` is foreign text, made fit to be shown."""

    success: bool
    data: Mapping[str, object]
    reason: str = ""
    is_decided: bool = True
    """Of one without success: whether the server refused, or only had trouble of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a registered system is known by."""

    unique_id: str
    api_key: str
    update_id: str
    next_update: timedelta

    def __repr__(self) -> str:
        return f"Keys({self.unique_id!r})"


def request_fields(
    operation: str,
    data: Mapping[str, object],
    *,
    otrs_id_auth: Mapping[str, str] | None = None,
    unique_id_auth: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The form fields of one operation. Credentials stand in the body only."""
    return {
        "Action": "PublicCloudService",
        "OTRSIDAuth": json.dumps(otrs_id_auth) if otrs_id_auth else "",
        "RequestData": json.dumps({SERVICE: [{"Operation": operation, "Data": data}]}),
        "UniqueIDAuth": json.dumps(unique_id_auth) if unique_id_auth else "",
    }


def read_answer(body: bytes, *, operation: str, secrets: Collection[str]) -> Answer:
    """The answer to ``operation``; ``secrets`` are cut out of what is shown. Raises ``NoAnswer``."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        raise _unusable(_("it is no JSON")) from None
    if not isinstance(whole, dict):
        raise _unusable(_("it is no JSON object"))
    if not _is_true(whole.get("Success")):
        raise _unusable(shown(whole.get("ErrorMessage"), secrets) or _("it reports no success"))
    results = whole.get("Results")
    elements = results.get(SERVICE) if isinstance(results, dict) else None
    for element in elements if isinstance(elements, list) else ():
        if isinstance(element, dict) and element.get("Operation") == operation:
            return _read_element(element, secrets)
    raise _unusable(_("it does not speak of what was asked"))


def read_keys(data: Mapping[str, object]) -> Keys:
    """Those that a successful Register hands over; all must be there. Raises ``NoAnswer``."""
    return Keys(
        unique_id=read_text(data, "UniqueID", longest=100),
        api_key=read_text(data, "APIKey"),
        update_id=read_text(data, "LastUpdateID"),
        next_update=read_next_update(data),
    )


def read_text(data: Mapping[str, object], name: str, *, longest: int = LONGEST_ID) -> str:
    """A text that is not empty. Raises ``NoAnswer``."""
    value = read_optional(data, name, longest=longest)
    if not value:
        raise _unusable(_("it has no usable %(name)s") % {"name": name})
    return value


def read_optional(data: Mapping[str, object], name: str, *, longest: int = LONGEST_ID) -> str | None:
    """A text, which may be empty; ``None`` where there is none, or none that can be kept."""
    value = data.get(name)
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text = str(value)
    return None if len(text) > longest or _NOT_STORED.search(text) else text


def read_next_update(data: Mapping[str, object]) -> timedelta:
    """When to report again: the server's seconds, else 24 hours."""
    text = str(data.get("NextUpdate"))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        return NEXT_UPDATE
    named = timedelta(seconds=int(text))
    return named if EARLIEST <= named <= LATEST else NEXT_UPDATE


def shown(text: object, secrets: Collection[str]) -> str:
    """Foreign text on one line, cut, without control and direction characters and without secrets."""
    plain = text if isinstance(text, str) else ""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        plain = plain.replace(secret, "***")
    plain = _NOT_SHOWN.sub(" ", plain).strip()
    return plain if len(plain) <= SHOWN else f"{plain[: SHOWN - 1]}…"


def _read_element(element: Mapping[str, object], secrets: Collection[str]) -> Answer:
    data = element.get("Data")
    data = data if isinstance(data, dict) else {}
    if _is_true(element.get("Success")):
        return Answer(True, data)
    reason, trouble = shown(data.get("Reason"), secrets), shown(element.get("ErrorMessage"), secrets)
    if not reason and not trouble:
        raise _unusable(_("it reports no success and no reason"))
    return Answer(False, data, reason or trouble, is_decided=bool(reason))


def _is_true(value: object) -> bool:
    return value in (True, 1, "1") and not isinstance(value, float)


def _unusable(what: str) -> NoAnswer:
    text = _("The answer of the registration server cannot be used: %(what)s. Nothing of it was kept; try again later.")
    return NoAnswer(text % {"what": what})
