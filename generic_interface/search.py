"""Windows of time as the ticket system understands them, and searches that are complete.

TicketSearch knows no offset and no total count: it cuts off silently. A full page is therefore split by time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from generic_interface.errors import IncompleteAnswer, WrongRequest

SECOND = timedelta(seconds=1)
DEFAULT_LIMIT = 500
"""The server's own limit where it does not take ours; a page of exactly this size counts as cut off."""


def local_text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def local_window(*, start: datetime, end: datetime, zone: ZoneInfo, widen: bool) -> tuple[datetime, datetime]:
    """First and last second, naive local time of ``zone``, of the half-open window of aware moments.

    In the hour that comes twice in autumn local text is ambiguous. A window that begins or ends within it is widened
    to include the whole hour if ``widen``, otherwise refused.
    Raises ``WrongRequest`` for naive moments and for an empty window.
    """
    if start.utcoffset() is None or end.utcoffset() is None:
        raise WrongRequest("A window of time needs a time zone at both ends.")
    try:
        # Counted in UTC: sums and comparisons of local times of one zone forget which of two equal hours is meant.
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        last_second = (end - timedelta(microseconds=1)).replace(microsecond=0)
        begin, last = start.replace(microsecond=0).astimezone(zone), last_second.astimezone(zone)
        stop = (last_second + SECOND).astimezone(zone)
    except OverflowError:
        raise WrongRequest("The window of time reaches beyond the calendar.") from None
    if start >= end:
        raise WrongRequest("The window of time is empty: its start is not before its end.")
    if not widen and (_cuts_repeated_hour(begin) or _cuts_repeated_hour(stop)):
        raise WrongRequest(
            "The window of time begins or ends within the hour that comes twice when summer time ends; "
            "the ticket system cannot tell the two apart."
        )
    first = begin - _repeated(begin) if _cuts_repeated_hour(begin) else begin
    last = last + _repeated(stop) if _cuts_repeated_hour(stop) else last
    return first.replace(tzinfo=None, fold=0), last.replace(tzinfo=None, fold=0)


def _repeated(local: datetime) -> timedelta:
    """How much of the clock is shown twice around this local time: an hour in the autumn night, else nothing."""
    earlier, later = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return max((earlier or timedelta()) - (later or timedelta()), timedelta())


def _cuts_repeated_hour(local: datetime) -> bool:
    begins_it = local.fold == 0 and not _repeated(local - SECOND)
    return bool(_repeated(local)) and not begins_it


def complete_search(
    search: Callable[[datetime, datetime], list[str]], *, first: datetime, last: datetime, zone: ZoneInfo, limit: int
) -> tuple[str, ...]:
    """All ids of the window, each once.

    ``search`` asks for one window, both ends included. The older half of a full window is asked first, and ids of a
    page that was cut off are kept as well: a ticket that changes between two questions moves to a later time and must
    not fall through. An empty half of a full window is asked once more, for an empty
    answer may be a fault. Raises ``IncompleteAnswer`` where one second is still full.
    """
    found: dict[str, None] = {}
    whole = (first, last)
    windows = [whole]
    while windows:
        first, last = windows.pop()
        page = search(first, last)
        if not page and (first, last) != whole:
            page = search(first, last)
        found.update(dict.fromkeys(page))
        if len(page) < limit and len(page) != DEFAULT_LIMIT:
            continue
        if first == last:
            raise IncompleteAnswer(
                f"The ticket system shows {len(page)} tickets of the one second {local_text(first)} and may have cut "
                "the list there. Nothing was used; raise the search limit."
            )
        windows += reversed(_halves(first, last, zone))
    return tuple(found)


def _halves(first: datetime, last: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Two windows that cover the window; none begins or ends in the hour that spring leaves out.

    A date that does not exist is answered with "nothing found".
    """
    middle = first + (last - first) // 2 // SECOND * SECOND
    while not _exists(middle, zone):
        middle -= SECOND
    following = middle + SECOND
    while not _exists(following, zone):
        following += SECOND
    return [(first, middle), (following, last)]


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    return local == local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
