from datetime import date

import pytest

from common.months import Month
from common.spans import Span
from portal.reports.span_text import parse_span, span_text

SPANS = {
    "2026-10": Span.of_month(Month(2026, 10)),
    "2026-Q3": Span.of_quarter(2026, 3),
    "2026": Span.of_year(2026),
    "2026-09-01..2026-10-15": Span(date(2026, 9, 1), date(2026, 10, 16)),
    "2026-10-05..2026-10-05": Span(date(2026, 10, 5), date(2026, 10, 6)),
    "2026-08-01..2026-10-31": Span.of_months(Month(2026, 8), Month(2026, 10)),
    "2026-02-01..2027-01-31": Span.of_months(Month(2026, 2), Month(2027, 1)),
    "all": Span.everything(),
}


@pytest.mark.parametrize(("text", "span"), SPANS.items())
def test_span_is_read_and_written(text: str, span: Span) -> None:
    assert parse_span(text) == span
    assert span_text(span) == text


@pytest.mark.parametrize(
    ("text", "shortest"), [("2026-10-01..2026-10-31", "2026-10"), ("2026-01-01..2026-12-31", "2026")]
)
def test_days_that_make_up_a_month_or_year_are_written_as_such(text: str, shortest: str) -> None:
    assert span_text(parse_span(text)) == shortest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13",
        "2026-00",
        "2026-1",
        "26",
        "2026-Q0",
        "2026-Q5",
        "2026-q3",
        "2026 ",
        "2026\n",
        "٢٠٢٦",
        "2026-10-15",
        "2026-10-15..2026-10-14",
        "2026-02-01..2026-02-29",
        "2026-10-01...2026-10-02",
        "2026-10..2026-11",
        "2026-10-01..2026-10-02..2026-10-03",
        "0000",
        "1970",
        "9998",
        "9999-Q4",
        "1970-12",
        "1970-12-31..1971-01-01",
        "9997-12-31..9998-01-01",
        "9999-12-30..9999-12-31",
        "ALL",
        "%s",
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period; write it like 2026-10, 2026-Q3, 2026 or") as refused:
        parse_span(text)

    assert str(refused.value).startswith(f"“{text}”")


def test_long_nonsense_is_not_repeated_in_full() -> None:
    with pytest.raises(ValueError, match=r"^“x{40}” is not"):
        parse_span(1000 * "x")


@pytest.mark.parametrize("text", ["1971", "1971-Q1", "9997", "9997-Q4", "1971-01-01..9997-12-31"])
def test_span_at_the_ends_of_the_calendar_has_neighbours_or_says_why_not(text: str) -> None:
    span = parse_span(text)

    assert span.last_day < span.end_day
    if span.days < 366:
        assert span.previous.end_day == span.first_day
