from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.months import Month

BERLIN = ZoneInfo("Europe/Berlin")
months = st.builds(Month, st.integers(2000, 2200), st.integers(1, 12))


def test_parse_reads_what_str_writes() -> None:
    month = Month.parse("2026-10")

    assert month == Month(2026, 10)
    assert str(month) == "2026-10"


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-1", "2026-13", "2026-00", "26-10", " 2026-10", "2026-10\n", "2026-10-01", "٢٠٢٦-١٠", "0000-01"],
)
def test_parse_refuses_everything_else(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month; write it as YYYY-MM"):
        Month.parse(text)


@pytest.mark.parametrize("text", ["1970-12", "9998-01"])
def test_parse_refuses_years_without_neighbours(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        Month.parse(text)


@pytest.mark.parametrize("text", ["1971-01", "9997-12"])
def test_a_month_that_was_read_has_a_year_before_and_after(text: str) -> None:
    month = Month.parse(text)

    assert month.shift(12).previous.shift(-11) == month
    assert month.end(BERLIN) > month.start(BERLIN)


@pytest.mark.parametrize(("year", "month"), [(1969, 12), (9999, 1), (2026, 0), (2026, 13)])
def test_a_month_out_of_range_is_refused(year: int, month: int) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        Month(year, month)


def test_months_are_ordered_by_time() -> None:
    assert sorted([Month(2026, 2), Month(2025, 12), Month(2026, 1)]) == [
        Month(2025, 12),
        Month(2026, 1),
        Month(2026, 2),
    ]


def test_previous_and_next_cross_the_year() -> None:
    assert Month(2026, 1).previous == Month(2025, 12)
    assert Month(2025, 12).next == Month(2026, 1)
    assert Month(2026, 1).shift(-25) == Month(2023, 12)


def test_of_takes_the_month_of_the_instants_own_zone() -> None:
    instant = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)

    assert Month.of(instant) == Month(2026, 9)
    assert Month.of(instant.astimezone(BERLIN)) == Month(2026, 10)
    assert Month.of(date(2026, 10, 31)) == Month(2026, 10)


@pytest.mark.parametrize(
    ("month", "hours"), [(Month(2026, 10), 745), (Month(2026, 3), 743), (Month(2026, 2), 672), (Month(2024, 2), 696)]
)
def test_a_month_is_as_long_as_its_zone_makes_it(month: Month, hours: int) -> None:
    length = month.end(BERLIN).astimezone(UTC) - month.start(BERLIN).astimezone(UTC)

    assert length == timedelta(hours=hours)


def test_days_are_half_open() -> None:
    assert Month(2026, 12).first_day == date(2026, 12, 1)
    assert Month(2026, 12).end_day == date(2027, 1, 1)


@given(months, st.integers(-240, 240))
def test_shift_can_be_undone_and_months_follow_without_gap(month: Month, distance: int) -> None:
    assert month.shift(distance).shift(-distance) == month
    assert month.end(BERLIN) == month.next.start(BERLIN)
    assert Month.of(month.end_day - timedelta(days=1)) == month
