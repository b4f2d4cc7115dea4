"""Calendar helpers of the stand-in ticket system. A month is (year, month); all moments are naive local time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
Month = tuple[int, int]


def shift(month: Month, count: int) -> Month:
    index = month[0] * 12 + month[1] - 1 + count
    return index // 12, index % 12 + 1


def first_second(month: Month) -> datetime:
    return datetime(month[0], month[1], 1)


def end_of(month: Month) -> datetime:
    """First second that no longer belongs to the month."""
    return first_second(shift(month, 1))


def last_second(month: Month) -> datetime:
    return end_of(month) - timedelta(seconds=1)


def clock_change_in(month: Month) -> datetime | None:
    """02:30:00 of the autumn night, a local time that comes twice; None for any month but October."""
    if month[1] != 10:
        return None
    last_day = datetime(month[0], 10, 31, 2, 30)
    return last_day - timedelta(days=(last_day.weekday() + 1) % 7)


def epoch(moment: datetime, zone: ZoneInfo = ZONE) -> int:
    """Seconds since 1970; ``fold`` of the moment tells the two autumn hours of the same name apart."""
    return int(moment.replace(tzinfo=zone).timestamp())


def working_minutes(start: datetime, end: datetime) -> int:
    """Minutes between two moments within the default working hours, Monday to Friday 8 to 21 (SolutionInMin)."""
    total = timedelta()
    day = start.replace(hour=0, minute=0, second=0)
    while day < end:
        if day.weekday() < 5:
            opened = max(start, day + timedelta(hours=8))
            closed = min(end, day + timedelta(hours=21))
            total += max(closed - opened, timedelta())
        day += timedelta(days=1)
    return int(total.total_seconds()) // 60
