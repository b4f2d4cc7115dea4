"""Clues about a difference, without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.months import Month
from tickets.reconciliation_causes import EntryRow, Evidence, likely_cause

CREATED = datetime(2026, 10, 1, 8, tzinfo=UTC)
READ = datetime(2026, 11, 1, 9, tzinfo=UTC)
BEGUN = READ - timedelta(minutes=5)
BEFORE, DURING, AFTER = BEGUN - timedelta(days=9), BEGUN + timedelta(minutes=1), READ + timedelta(days=1)


def entry(units: int, at: datetime = BEFORE, **fields: Any) -> EntryRow:
    values: dict[str, Any] = {"queue": "Support", "gone_at": None, "has_login": True}
    return EntryRow(Decimal(units), at, **values | fields)


def cause(difference: int, *entries: EntryRow, **fields: Any) -> tuple[str, str]:
    values: dict[str, Any] = {
        "difference": Decimal(difference),
        "article_difference": Decimal(0),
        "is_merged": False,
        "created_at": CREATED,
        "read_since": BEGUN,
        "read_at": READ,
        "entries": entries,
        "moved_later": False,
        "by_agents": False,
    }
    clue = likely_cause(Evidence(**values | fields))
    return clue.cause.value, clue.sentence


@pytest.mark.parametrize(
    ("difference", "entries", "found"),
    [
        (-5, [entry(5, AFTER)], "booked_later"),
        (-5, [entry(5, DURING)], "booked_later"),
        (-5, [entry(5, DURING), entry(3, AFTER)], "booked_later"),
        (-2, [entry(5, AFTER), entry(-3, AFTER)], "booked_later"),
        (3, [entry(-3, AFTER)], "correction"),
        (3, [entry(15), entry(-3)], "correction"),
        (7, [entry(15), entry(-3)], "correction"),
        (5, [entry(5, gone_at=AFTER)], "no_longer_shown"),
        (5, [entry(5, gone_at=AFTER), entry(3)], "deleted"),
        (5, [entry(5, gone_at=READ)], "deleted"),
        (5, [entry(4, gone_at=AFTER), entry(1, gone_at=READ)], "deleted"),
        (-5, [entry(5, CREATED - timedelta(days=1)), entry(8)], "moved"),
        (-5, [entry(5, queue=""), entry(8)], "moved"),
        (-5, [entry(7, queue=""), entry(8)], "deleted"),
        (-5, [entry(5)], "deleted"),
        (5, [entry(5)], "unknown"),
        (5, [], "unknown"),
    ],
)
def test_cause_is_told_by_the_entries(difference: int, entries: list[EntryRow], found: str) -> None:
    assert cause(difference, *entries)[0] == found


def test_clue_that_explains_the_difference_goes_before_one_that_does_not() -> None:
    assert cause(5, entry(2, AFTER), entry(5, gone_at=AFTER))[0] == "deleted"
    assert cause(4, entry(2, AFTER), entry(5, gone_at=AFTER))[0] == "booked_later"


@pytest.mark.parametrize(
    ("difference", "entries", "found"),
    [(5, [], "moved"), (-5, [entry(20)], "moved"), (5, [entry(20)], "unknown")],
)
def test_merge_is_likely_where_a_later_reading_moved_time(difference: int, entries: list[EntryRow], found: str) -> None:
    assert cause(difference, *entries, moved_later=True)[0] == found


def test_missing_time_of_agents_was_booked_by_somebody_else_or_outside_of_the_months_read() -> None:
    unread = [Month(2026, 6), Month(2026, 7)]

    assert cause(5, entry(3), by_agents=True)[0] == "unknown_agent"
    assert cause(5, entry(3), by_agents=True, unread_months=unread)[0] == "outside_months_read"
    assert "(2026-06, 2026-07)" in cause(5, entry(3), by_agents=True, unread_months=unread)[1]
    assert cause(5, entry(3, has_login=False), by_agents=True, unread_months=unread)[0] == "unknown_agent"
    assert cause(-5, entry(3), by_agents=True)[0] == "deleted"


def test_articles_are_named_only_where_entries_and_ticket_agree() -> None:
    assert cause(0, entry(5), article_difference=Decimal("2.5"))[1].startswith(
        "The entries agree with the ticket's own total, but its articles count 2.5 units less: "
    )
    assert cause(0, entry(5), article_difference=Decimal(-2))[1].endswith("count 2 units more.")
    assert cause(5, entry(5), article_difference=Decimal(2))[0] == "unknown"


def test_merged_ticket_needs_no_further_clue() -> None:
    assert cause(5, entry(5, AFTER), is_merged=True)[0] == "moved"


def test_clue_that_explains_another_difference_says_so() -> None:
    assert cause(-7, entry(5, AFTER))[1].endswith("That is not the whole difference.")
    assert not cause(-5, entry(5, AFTER))[1].endswith("That is not the whole difference.")


def test_units_are_told_as_the_ticket_system_writes_them() -> None:
    assert cause(-5, entry(5, AFTER))[1].startswith("5 units were booked after the ticket itself was last read.")
    assert cause(3, entry(-3, AFTER))[1].startswith("Corrections of -3 units stand on the ticket")
