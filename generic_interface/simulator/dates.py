"""How the ticket system reads dates: strictly in searches, as MariaDB does in TimeAccountingGet."""

import re
from datetime import datetime

Stamp = tuple[int, int, int, int, int, int]
"""Year to second as the database compares them; a day need not exist in its month."""
ZERO: Stamp = (0, 0, 0, 0, 0, 0)

_SEARCH = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})\s(\d{1,2}):(\d{1,2}):(\d{1,2})")
_COMPACT = re.compile(r"(\d{4}|\d{2})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")
_LOOSE = re.compile(r"\s*(\d{1,4})[^\w\s](\d{1,2})[^\w\s](\d+)(?:[T\s]+(\d+)(?::(\d+)(?::(\d+))?)?)?")


def search_date(value: object) -> datetime | None:
    """A date of TicketSearch, ``YYYY-MM-DD HH:MM:SS`` with single digits allowed; None for anything else."""
    found = _SEARCH.fullmatch(str(value))
    if found is None:
        return None
    try:
        return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def stamp(moment: datetime) -> Stamp:
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def database_date(value: object) -> Stamp:
    """A date as MariaDB compares it with a column: missing parts are 0, what follows is ignored, nonsense is zero.

    So a nonsensical start finds everything since the beginning, a nonsensical end nothing.
    """
    text = str(value)
    found = _COMPACT.fullmatch(text) or _LOOSE.match(text)
    if found is None:
        return ZERO
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if len(found[1]) <= 2:
        year += 2000 if year < 70 else 1900
    if 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59:
        return (year, month, day, hour, minute, second)
    return ZERO
