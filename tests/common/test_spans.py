from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.months import Month
from common.spans import Span

days = st.dates(date(2000, 1, 1), date(2200, 1, 1))
months = st.builds(Month, st.integers(2000, 2200), st.integers(1, 12))


def test_month_is_half_open() -> None:
    span = Span.of_month(Month(2026, 12))

    assert (span.first_day, span.end_day) == (date(2026, 12, 1), date(2027, 1, 1))
    assert (span.last_day, span.days, span.whole_months) == (date(2026, 12, 31), 31, 1)


@pytest.mark.parametrize("end", [date(2026, 10, 1), date(2026, 9, 30)])
def test_span_that_holds_no_day_is_refused(end: date) -> None:
    with pytest.raises(ValueError, match="is empty"):
        Span(date(2026, 10, 1), end)


@pytest.mark.parametrize(("quarter", "first", "last"), [(1, 1, 3), (2, 4, 6), (3, 7, 9), (4, 10, 12)])
def test_quarter_has_three_months(quarter: int, first: int, last: int) -> None:
    span = Span.of_quarter(2026, quarter)

    assert span == Span.of_months(Month(2026, first), Month(2026, last))
    assert len(span.months) == span.whole_months == 3


@pytest.mark.parametrize("quarter", [0, 5, -1])
def test_there_are_four_quarters(quarter: int) -> None:
    with pytest.raises(ValueError, match="is not a quarter"):
        Span.of_quarter(2026, quarter)


def test_year_has_all_its_days() -> None:
    assert (Span.of_year(2026).days, Span.of_year(2028).days) == (365, 366)
    assert Span.of_year(2026).months == tuple(Month(2026, number) for number in range(1, 13))


def test_everything_is_known_as_such() -> None:
    assert Span.everything().is_everything
    assert not Span.of_year(2026).is_everything
    assert Span.of_year(2026) < Span.of_year(2027)


def test_months_are_those_that_the_span_touches() -> None:
    assert Span(date(2026, 9, 30), date(2026, 11, 2)).months == (Month(2026, 9), Month(2026, 10), Month(2026, 11))
    assert Span(date(2026, 9, 30), date(2026, 10, 1)).months == (Month(2026, 9),)


@pytest.mark.parametrize(
    ("span", "before"),
    [
        (Span.of_month(Month(2026, 3)), Span.of_month(Month(2026, 2))),
        (Span.of_month(Month(2026, 1)), Span.of_month(Month(2025, 12))),
        (Span.of_quarter(2026, 1), Span.of_quarter(2025, 4)),
        (Span.of_year(2026), Span.of_year(2025)),
        (Span(date(2026, 10, 5), date(2026, 10, 12)), Span(date(2026, 9, 28), date(2026, 10, 5))),
        (Span(date(2026, 10, 1), date(2026, 10, 31)), Span(date(2026, 9, 1), date(2026, 10, 1))),
    ],
)
def test_previous_is_of_the_same_kind(span: Span, before: Span) -> None:
    assert span.previous == before


def test_part_of_a_month_has_no_whole_months() -> None:
    assert Span(date(2026, 10, 1), date(2026, 10, 31)).whole_months == 0
    assert Span(date(2026, 10, 2), date(2026, 11, 1)).whole_months == 0


@pytest.mark.parametrize("span", [Span.everything(), Span(date(1, 1, 2), date(1, 3, 5)), Span.of_year(1970)])
def test_shift_beyond_the_calendar_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match=r"is not a month|There is no span"):
        span.shift(-1)


@given(days, st.integers(1, 400), st.integers(-20, 20))
def test_shift_can_be_undone(first: date, length: int, times: int) -> None:
    span = Span(first, first + timedelta(days=length))
    moved = span.shift(times)
    assume((moved.whole_months == 0) == (span.whole_months == 0))  # thirty days may come to lie on a month

    assert moved.shift(-times) == span


@given(days, st.integers(1, 400))
def test_span_follows_the_previous_one_without_gap(first: date, length: int) -> None:
    span = Span(first, first + timedelta(days=length))

    assert span.previous.end_day == span.first_day


@given(months, st.integers(0, 40))
def test_months_of_a_span_are_its_days(first: Month, count: int) -> None:
    span = Span.of_months(first, first.shift(count))

    assert len(span.months) == span.whole_months == count + 1
    assert sum((month.end_day - month.first_day).days for month in span.months) == span.days
