from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.due import (
    AGAIN,
    LONG_AGO,
    MOST_STARTS,
    DueRun,
    MonthFacts,
    OwnTerms,
    RunFacts,
    Terms,
    due_at,
    due_day,
    due_runs,
    is_settled,
)
from common.months import Month

OCTOBER = Month(2026, 10)
BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 11, 5, tzinfo=BERLIN)
NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Among them zones that put their clocks at midnight, skip a whole day, or are far off.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/Sao_Paulo",
        "America/Havana",
        "Asia/Beirut",
        "Atlantic/Azores",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Honolulu",
        "Australia/Lord_Howe",
        "UTC",
    )
]
months = st.builds(Month, st.integers(2005, 2040), st.integers(1, 12))
zones = st.sampled_from(ZONES)
days = st.integers(1, 31)
graces = st.integers(0, 60)
terms = st.builds(Terms, day=st.integers(0, 31), grace_days=graces, period_months=st.sampled_from([1, 3]))


def run_facts(**values: object) -> RunFacts:
    """Asked for by the scheduler on the day, ended incomplete long enough ago."""
    boring = RunFacts(
        requested_at=DUE, is_active=False, complete=False, finished_at=NOW - AGAIN, cancelled=False, starts=1
    )
    return replace(boring, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("month", "terms", "day"),
    [
        (Month(2026, 10), Terms(day=5), date(2026, 11, 5)),
        (Month(2026, 10), Terms(day=1), date(2026, 11, 1)),
        (Month(2026, 10), Terms(day=31), date(2026, 11, 30)),  # November has no 31st
        (Month(2026, 1), Terms(day=31), date(2026, 2, 28)),
        (Month(2028, 1), Terms(day=30), date(2028, 2, 29)),
        (Month(2026, 12), Terms(day=31), date(2027, 1, 31)),
        (Month(2026, 10), Terms(day=5, grace_days=3), date(2026, 11, 5)),  # the grace is over by then
        (Month(2026, 10), Terms(day=5, grace_days=10), date(2026, 11, 11)),
        (Month(2026, 10), Terms(day=5, grace_days=60), date(2026, 12, 31)),
        (Month(2026, 10), Terms(day=0), None),
        (Month(2026, 10), Terms(day=0, grace_days=10), None),
        (Month(2026, 10), Terms(day=5, period_months=3), None),
        (Month(2026, 9), Terms(day=5, period_months=3), date(2026, 10, 5)),
        (Month(2026, 12), Terms(day=5, period_months=3), date(2027, 1, 5)),
    ],
)
def test_period_is_drafted_on_its_day_and_not_before_its_grace_is_over(
    month: Month, terms: Terms, day: date | None
) -> None:
    assert due_day(month, terms) == day


@given(months, days, graces)
def test_day_lies_after_the_period_and_its_grace_and_waits_no_longer(month: Month, day: int, grace: int) -> None:
    found = due_day(month, Terms(day=day, grace_days=grace))

    assert found is not None
    over = month.end_day + timedelta(days=grace)
    assert found >= over
    assert found == over or found.day == day or found == month.next.end_day - timedelta(days=1)
    assert Month.of(found) == month.next or found == over


@given(months, days, graces)
def test_each_quarter_is_drafted_once_and_with_its_last_month(month: Month, day: int, grace: int) -> None:
    of_quarter = Terms(day=day, grace_days=grace, period_months=3)
    first = Month(month.year, month.month - (month.month - 1) % 3)

    found = [due_day(first.shift(ahead), of_quarter) for ahead in range(3)]

    assert found == [None, None, due_day(first.shift(2), replace(of_quarter, period_months=1))]


@given(months, days, graces, zones)
@example(Month(2018, 10), 4, 0, ZoneInfo("America/Sao_Paulo"))  # 2018-11-04 began at one o'clock
@example(Month(2011, 11), 30, 0, ZoneInfo("Pacific/Apia"))  # 2011-12-30 was left out
def test_day_begins_in_the_zone_also_where_clocks_change(month: Month, day: int, grace: int, zone: ZoneInfo) -> None:
    terms = Terms(day=day, grace_days=grace)

    found, at = due_day(month, terms), due_at(month, terms, zone)

    assert found is not None
    assert at is not None
    moment = at.astimezone(UTC)
    assert moment.astimezone(zone).date() >= found
    assert (moment - SECOND).astimezone(zone).date() < found


@given(months, terms, zones)
def test_nothing_is_due_before_the_period_is_over(month: Month, terms: Terms, zone: ZoneInfo) -> None:
    at = due_at(month, terms, zone)

    assert at is None or at >= month.end(zone)


def test_run_that_never_was_is_not_settled() -> None:
    assert not is_settled(None, DUE, now=NOW)


@pytest.mark.parametrize(
    ("values", "settled"),
    [
        ({}, False),
        ({"complete": True}, True),
        ({"is_active": True}, True),
        ({"cancelled": True}, True),
        ({"finished_at": NOW - AGAIN + SECOND}, True),
        ({"finished_at": None}, False),
        ({"starts": MOST_STARTS - 1}, False),
        ({"starts": MOST_STARTS}, True),
        # Asked for before its day: it does not stand for the day.
        ({"complete": True, "requested_at": DUE - SECOND}, False),
        ({"cancelled": True, "requested_at": DUE - SECOND}, False),
        ({"is_active": True, "requested_at": DUE - SECOND}, True),
    ],
)
def test_run_is_left_as_it_is_or_started_again(values: dict[str, object], settled: bool) -> None:
    assert is_settled(run_facts(**values), DUE, now=NOW) is settled


@pytest.mark.parametrize(("complete", "settled"), [(True, True), (False, False)])
def test_day_that_was_set_long_after_the_run_makes_a_complete_one_no_less_done(complete: bool, settled: bool) -> None:
    run = run_facts(complete=complete, requested_at=DUE - SECOND, finished_at=None)

    assert is_settled(run, DUE, now=DUE + LONG_AGO) is False
    assert is_settled(run, DUE, now=DUE + LONG_AGO + SECOND) is settled


def own(customer: int, *, day: int, grace_days: int = 0, zone: ZoneInfo = BERLIN, months: int = 1) -> OwnTerms:
    return OwnTerms(customer=customer, zone=zone, terms=Terms(day=day, grace_days=grace_days, period_months=months))


def facts(
    *owners: OwnTerms, day: int = 5, run: RunFacts | None = None, runs: dict[int, RunFacts] | None = None
) -> MonthFacts:
    return MonthFacts(month=OCTOBER, terms=Terms(day=day), own=owners, run=run, runs=runs or {})


def scopes(facts: MonthFacts, zones: Sequence[ZoneInfo] = (BERLIN,), now: datetime = NOW) -> list[int | None]:
    return [run.customer for run in due_runs(facts, zones, now=now)]


def test_run_over_all_takes_who_is_due_and_leaves_who_is_not() -> None:
    month = facts(own(1, day=20), own(2, day=5, grace_days=12), own(3, day=10), own(4, day=20, months=3))

    assert due_runs(month, [BERLIN], now=NOW) == [
        DueRun(month=OCTOBER, customer=None, at=DUE, left_out=((1, date(2026, 11, 20)), (2, date(2026, 11, 13))))
    ]


def test_run_over_all_waits_for_the_last_zone() -> None:
    kiritimati, honolulu = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Honolulu")
    in_honolulu = datetime(2026, 11, 5, tzinfo=honolulu)

    assert scopes(facts(), [kiritimati, honolulu], in_honolulu - SECOND) == []
    assert scopes(facts(), [kiritimati, honolulu], in_honolulu) == [None]
    assert scopes(facts(), [kiritimati], in_honolulu - timedelta(hours=23)) == [None]


def test_each_customer_is_due_in_the_own_zone() -> None:
    month = facts(own(1, day=5, zone=ZoneInfo("Pacific/Kiritimati")), own(2, day=5), day=0)

    assert scopes(month, now=DUE - timedelta(hours=12)) == [1]
    assert scopes(month, now=DUE) == [1, 2]


def test_customer_who_was_left_out_gets_a_run_when_the_day_has_come() -> None:
    done = run_facts(complete=True, left_out=frozenset({1}))
    month = facts(own(1, day=10), own(2, day=20), run=done)

    assert scopes(month, now=datetime(2026, 11, 10, tzinfo=BERLIN) - SECOND) == []
    assert scopes(month, now=datetime(2026, 11, 10, tzinfo=BERLIN)) == [1]
    assert scopes(replace(month, runs={1: run_facts(complete=True, requested_at=NOW)})) == []


def test_run_of_a_person_before_the_day_does_not_stand_for_it() -> None:
    early = run_facts(complete=True, requested_at=DUE)

    assert scopes(facts(own(1, day=10), run=early)) == [1]


def test_run_over_all_after_the_day_has_taken_the_customer() -> None:
    later = datetime(2026, 11, 10, 3, tzinfo=UTC)

    assert scopes(facts(own(1, day=10), run=run_facts(complete=True, requested_at=later))) == []
    assert scopes(facts(own(1, day=10), run=run_facts(is_active=True, requested_at=later))) == []


def test_incomplete_run_over_all_is_repeated_for_all_where_the_scheduler_does_it() -> None:
    later = datetime(2026, 11, 10, 3, tzinfo=UTC)
    failed = run_facts(requested_at=later, finished_at=NOW)

    assert scopes(facts(own(1, day=10), run=failed)) == []
    assert scopes(facts(own(1, day=10), run=failed, day=0)) == [1]


def test_without_a_day_nothing_is_due() -> None:
    assert scopes(facts(own(1, day=0, grace_days=5), day=0)) == []


@given(
    st.lists(st.builds(own, st.integers(1, 9), day=st.integers(0, 31), grace_days=graces, zone=zones), max_size=6),
    st.integers(0, 31),
    st.lists(zones, min_size=1, max_size=3),
    st.integers(0, 100),
)
def test_every_customer_whose_day_has_come_is_taken_once_and_nobody_else_by_the_scheduler(
    owners: list[OwnTerms], day: int, everywhere: list[ZoneInfo], hours: int
) -> None:
    owners = list({each.customer: each for each in owners}.values())
    now = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=17 * hours)
    month = facts(*owners, day=day)

    found = due_runs(month, everywhere, now=now)

    due = {each.customer for each in owners if (at := due_at(OCTOBER, each.terms, each.zone)) and at <= now}
    later = {each.customer for each in owners if (at := due_at(OCTOBER, each.terms, each.zone)) and at > now}
    if found and found[0].customer is None:
        assert len(found) == 1
        assert {customer for customer, _day in found[0].left_out} == later
    else:
        assert sorted(run.customer for run in found if run.customer) == sorted(due)
