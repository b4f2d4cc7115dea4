"""The span and the unit that a report shows."""

from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.months import Month
from common.spans import Span
from portal.reports.choice import SpanChoice, Unit, chosen_span, chosen_unit, span_label
from portal.reports.span_text import parse_span
from tests.factories.tickets import TicketSystemFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
OCTOBER = Span.of_month(Month(2026, 10))


def choice(query: str, now: datetime = NOW) -> SpanChoice:
    return chosen_span(QueryDict(query), now=now)


def test_previous_month_is_shown_by_default() -> None:
    shown = choice("")

    assert (shown.span, shown.errors, shown.entered) == (OCTOBER, [], "2026-10")
    assert (shown.entered_from, shown.entered_to) == ("2026-10-01", "2026-10-31")


@pytest.mark.parametrize(
    ("query", "value", "label"),
    [
        ("period=2025-02", "2025-02", "February 2025"),
        ("period=2026-Q3", "2026-Q3", "Quarter 3 of 2026"),
        ("period=2024", "2024", "2024"),
        ("period=all", "all", "All time"),
        ("period=2026-09-01..2026-10-15", "2026-09-01..2026-10-15", "2026-09-01 to 2026-10-15"),
        ("period=2026-10-05..2026-10-05", "2026-10-05..2026-10-05", "2026-10-05"),
        ("from=2026-09-01&to=15.10.2026", "2026-09-01..2026-10-15", "2026-09-01 to 2026-10-15"),
        ("from=1.9.2026&to=30.+9.+2026&period=2020", "2026-09", "September 2026"),
        ("from=2025-11-01&to=2026-10-31", "2025-11-01..2026-10-31", "November 2025 to October 2026"),
        ("from=&to=&period=2026-08", "2026-08", "August 2026"),
    ],
)
def test_span_of_the_address_is_shown(query: str, value: str, label: str) -> None:
    shown = choice(query)

    assert (shown.value, shown.label, shown.errors) == (value, label, [])


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-Q5", "x", "1999", "2100-01", "2026-10-31..2026-10-01", "２０２６-10"]
)
def test_period_that_cannot_be_read_gets_a_sentence_and_the_previous_month(text: str) -> None:
    shown = choice(f"period={text}")

    assert (shown.span, shown.entered) == (OCTOBER, text)
    assert shown.errors == [f"“{text}” is not a period. Write it as 2026-10, 2026-Q3 or 2026. Shown is October 2026."]


def test_last_day_before_the_first_gets_a_sentence_at_its_field() -> None:
    shown = choice("from=2026-10-02&to=2026-10-01")

    assert (shown.span, shown.from_error) == (OCTOBER, "")
    assert shown.to_error == "The last day comes before the first. Shown is October 2026."
    assert (shown.entered_from, shown.entered_to) == ("2026-10-02", "2026-10-01")


def test_day_that_is_none_gets_a_sentence_at_its_field() -> None:
    shown = choice("from=31.02.2026&to=2026-03-01")

    assert (shown.span, shown.to_error) == (OCTOBER, "")
    assert shown.from_error == (
        "“31.02.2026” is not a day. Write it as 2026-10-31 or 31.10.2026. Shown is October 2026."
    )


def test_missing_day_gets_a_sentence_at_its_field() -> None:
    shown = choice("from=2026-03-01")

    assert (shown.from_error, shown.to_error) == ("", "Give the other day, too. Shown is October 2026.")


def test_one_day_is_a_span() -> None:
    assert choice("from=2026-10-05&to=2026-10-05").span == Span(date(2026, 10, 5), date(2026, 10, 6))


@pytest.mark.parametrize(
    ("query", "previous", "following"),
    [
        ("period=2026-10", "2026-09", "2026-11"),
        ("period=2026-Q1", "2025-Q4", "2026-Q2"),
        ("period=2026", "2025", "2027"),
        ("period=2026-10-05..2026-10-11", "2026-09-28..2026-10-04", "2026-10-12..2026-10-18"),
        ("period=2000", "", "2001"),
        ("period=2099", "2098", ""),
        ("period=2000-01-01..2099-12-31", "", ""),
        ("period=all", "", ""),
    ],
)
def test_arrows_lead_to_the_spans_of_the_same_kind(query: str, previous: str, following: str) -> None:
    shown = choice(query)

    assert (shown.previous, shown.next) == (previous, following)


def test_span_before_is_the_one_of_the_arrow() -> None:
    assert choice("period=2026-Q4").before == Span.of_quarter(2026, 3)
    assert choice("period=all").before is None


def test_presets_begin_with_the_previous_month() -> None:
    presets = [(preset.value, preset.label) for preset in choice("").presets]

    assert presets == [
        ("2026-10", "Previous month: October 2026"),
        ("2026-11", "This month: November 2026"),
        ("2026-Q3", "Previous quarter: Quarter 3 of 2026"),
        ("2026", "This year: 2026"),
        ("2025", "Previous year: 2025"),
        ("2025-11-01..2026-10-31", "The last 12 months: November 2025 to October 2026"),
        ("2025-10", "A year before the previous month: October 2025"),
        ("all", "Everything that was read"),
    ]


def test_every_preset_can_be_read_again() -> None:
    january = datetime(2027, 1, 15, tzinfo=UTC)

    values = [preset.value for preset in choice("", january).presets]

    assert [choice(f"period={value}", january).value for value in values] == values


def test_heading_names_the_zones_of_the_ticket_systems() -> None:
    TicketSystemFactory(time_zone="Europe/Berlin")
    TicketSystemFactory(time_zone="America/New_York")

    assert choice("").heading == "October 2026 (America/New_York, Europe/Berlin)"


def test_label_is_in_the_language_of_the_page() -> None:
    with translation.override("de"):
        assert span_label(parse_span("2026-10-01..2026-10-15")).startswith("01.10.2026")


@pytest.mark.parametrize(("query", "unit"), [("", Unit.MINUTES), ("unit=hhmm", Unit.HHMM), ("unit=x", Unit.MINUTES)])
def test_unit_is_that_of_the_address(query: str, unit: Unit) -> None:
    assert chosen_unit(QueryDict(query)) == unit


class TestAnyText(TestCase):
    @given(st.dictionaries(st.sampled_from(["period", "from", "to"]), st.text(max_size=30)))
    @example({"from": "0000-00-00", "to": "9999-12-31"})
    @example({"period": "2099-12-31..2099-12-31"})
    @example({"period": "0001-01-01..9999-12-31"})
    def test_any_text_is_answered(self, texts: dict[str, str]) -> None:
        query = QueryDict(mutable=True)
        query.update(texts)

        shown = chosen_span(query, now=NOW)

        assert shown.span == OCTOBER or not shown.errors
        assert all([shown.heading, *(preset.label for preset in shown.presets)])
