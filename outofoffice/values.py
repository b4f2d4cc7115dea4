"""What a date and a yes or no may look like in an absence file; all else is a fault, never a guess."""

import re
from datetime import date
from functools import lru_cache

from django.utils.translation import gettext as _

YEARS = range(2000, 2100)
SWITCHES = dict.fromkeys(("yes", "ja", "true", "on", "1"), True)
SWITCHES |= dict.fromkeys(("no", "nein", "false", "off", "0"), False)

_TIME = r"(?:([01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)"
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?:[T ]\s*{_TIME})?", re.ASCII)
_GERMAN = re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}})(?:,?\s+{_TIME})?", re.ASCII)
_SLASHES = re.compile(r"\d{1,4}/\d{1,2}/\d{1,4}\b.*", re.ASCII)
_WITH_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}[T ][\d:.]+\s*(?:Z|[+-]\d{2}:?\d{2})", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=4096)
def read_day(text: str) -> date:
    """The day of ``2026-12-01`` or ``01.12.2026``, each with or without a time of day, which is not used.

    Anything else raises ``ValueError`` with a sentence.
    """
    match = _ISO.fullmatch(text) or _GERMAN.fullmatch(text)
    if match is None:
        raise ValueError(_why_no_day(text))
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise ValueError(_("“%(text)s” does not exist in the calendar.") % {"text": text[:40]}) from error
    if year not in YEARS:
        words = {"year": year, "first": YEARS[0], "last": YEARS[-1]}
        raise ValueError(_("The year %(year)d is not between %(first)d and %(last)d.") % words)
    return found


def read_switch(text: str) -> bool:
    """Whether the absence is switched on. Raises ``ValueError`` with a sentence: nothing else counts as on."""
    switch = SWITCHES.get(text.casefold())
    if switch is None:
        raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})
    return switch


def _why_no_day(text: str) -> str:
    shown = {"text": text[:40]}
    if _SLASHES.fullmatch(text):
        return _("“%(text)s” may begin with the day or with the month. Write it like 2026-12-31.") % shown
    if _WITH_OFFSET.fullmatch(text):
        return _("“%(text)s” names a time zone, which may mean another day. Write it like 2026-12-31.") % shown
    return _("“%(text)s” is not a date. Write it like 2026-12-31 or 31.12.2026.") % shown
