"""The period that a page shows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from common.months import Month
from tests.factories.tickets import TicketSystemFactory
from tests.pages.world import World
from tickets.periods import Period, chosen_period

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def period(query: str, now: datetime = NOW, *, all_months: bool = False) -> Period:
    return chosen_period(QueryDict(query), now=now, offers_everything=all_months)


def test_previous_month_is_shown_by_default() -> None:
    assert period("").month == Month(2026, 10)
    assert period("").error == ""


def test_month_of_the_address_is_shown() -> None:
    assert period("period=2025-02").month == Month(2025, 2)


@pytest.mark.parametrize("text", ["2026-13", "2026", "1999-12", "2100-01", "x", "2026-1", "２０２６-10"])
def test_month_that_cannot_be_read_gets_a_sentence_and_the_previous_month(text: str) -> None:
    shown = period(f"period={text}")

    assert shown.month == Month(2026, 10)
    assert shown.entered == text
    assert shown.error == (f"“{text}” is not a month. Write it as YYYY-MM, for example 2026-10. Shown is October 2026.")


def test_all_months_are_shown_only_where_they_are_offered() -> None:
    assert period("period=all", all_months=True).everything
    assert not period("period=all").everything
    assert "is not a month" in period("period=all").error


@pytest.mark.parametrize(
    ("zone", "previous"), [("Europe/Berlin", Month(2026, 10)), ("America/Los_Angeles", Month(2026, 9))]
)
def test_previous_month_is_that_of_the_ticket_systems_clock(zone: str, previous: Month) -> None:
    TicketSystemFactory(time_zone=zone)
    new_month_in_berlin = datetime(2026, 11, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    assert period("", new_month_in_berlin).month == previous


def test_zone_of_the_months_is_named() -> None:
    TicketSystemFactory(time_zone="America/New_York")
    TicketSystemFactory(time_zone="Asia/Tokyo", active=False)

    assert period("").zone_note == "(America/New_York)"


def test_different_zones_are_all_named() -> None:
    TicketSystemFactory(time_zone="Europe/Berlin")
    TicketSystemFactory(time_zone="America/New_York")

    assert period("").zone_note == "Each ticket system by its own clock: America/New_York, Europe/Berlin"


def test_presets_lead_to_their_months() -> None:
    presets = [(preset.value, preset.label) for preset in period("", all_months=True).presets]

    assert presets == [
        ("2026-10", "Previous month: October 2026"),
        ("2026-11", "This month: November 2026"),
        ("2026-09", "Month before the previous one: September 2026"),
        ("2025-10", "A year before the previous month: October 2025"),
        ("all", "All months"),
    ]


def test_arrows_keep_the_filters(world: World) -> None:
    html = world.clients["billing"].get("/tickets/?period=2026-10&q=Still&page=2").content.decode()

    assert 'href="?period=2026-09&amp;q=Still"' in html
    assert 'href="?period=2026-11&amp;q=Still"' in html


def test_sentence_stands_at_the_field(world: World) -> None:
    for path in ("/", "/tickets/", "/orders/", "/orders/left-out/"):
        html = world.clients["billing"].get(f"{path}?period=2026-13").content.decode()

        assert 'value="2026-13"' in html, path
        assert 'aria-invalid="true" aria-describedby="id_period_error"' in html, path
        assert "“2026-13” is not a month." in html[html.index("</details>", html.index('class="period"')) :], path
