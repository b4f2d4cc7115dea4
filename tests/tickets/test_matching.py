from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.matching import (
    AmbiguousAgents,
    Combined,
    Key,
    Plan,
    Row,
    Standing,
    Trace,
    Wanted,
    combine,
    infer_pairs,
    missing_keys,
    reconcile,
)

KEY = Key(1, "2026-10-05 10:00:00", Decimal(15))
OTHER_KEY = Key(1, "2026-10-05 11:00:00", Decimal(30))


def wanted(ticket: int, key: Key = KEY, queue: str = "") -> Wanted:
    return Wanted(key, ticket, queue, "history")


def row(pk: int, ticket: int, number: int = 1, key: Key = KEY, queue: str = "", live: bool = True) -> Row:
    return Row(pk, key, ticket, number, queue, live)


def covered(row: Row) -> Standing:
    return Standing.COVERED


def standing_of(standings: dict[int, Standing]) -> Callable[[Row], Standing]:
    return lambda row: standings.get(row.ticket, Standing.COVERED)


def test_booking_on_the_same_ticket_changes_nothing() -> None:
    plan = reconcile([wanted(7)], [row(1, 7)], standing=covered)

    assert (plan.inserted, plan.changed, plan.gone, plan.suspects) == ([], [], [], set())


def test_equal_bookings_keep_their_multiplicity() -> None:
    plan = reconcile([wanted(7)] * 3, [row(1, 7)], standing=covered)

    assert plan.inserted == [(wanted(7), 2), (wanted(7), 3)]


def test_surplus_row_is_gone() -> None:
    plan = reconcile([wanted(7)], [row(1, 7, 1), row(2, 7, 2)], standing=covered)

    assert plan.gone == [row(2, 7, 2)]


def test_booking_that_moved_takes_its_row_along() -> None:
    plan = reconcile([wanted(8)], [row(1, 7)], standing=covered)

    assert (plan.changed, plan.moved, plan.inserted, plan.gone) == ([(row(1, 7), wanted(8))], 1, [], [])


def test_booking_on_the_same_ticket_goes_before_one_that_moved() -> None:
    plan = reconcile([wanted(7), wanted(8)], [row(1, 9, 1), row(2, 8, 2)], standing=covered)

    assert plan.changed == [(row(1, 9, 1), wanted(7))]


def test_gone_row_comes_back_before_a_new_one_is_made() -> None:
    plan = reconcile([wanted(7), wanted(7)], [row(1, 9, 1, live=False), row(2, 7, 2, live=False)], standing=covered)

    assert plan.changed == [(row(2, 7, 2, live=False), wanted(7)), (row(1, 9, 1, live=False), wanted(7))]
    assert (plan.moved, plan.inserted) == (0, [])


def test_new_row_gets_a_number_above_gone_ones() -> None:
    plan = reconcile([wanted(7), wanted(7)], [row(1, 7, 4, live=False)], standing=covered)

    assert plan.inserted == [(wanted(7), 5)]


def test_queue_is_filled_in_once_it_is_known() -> None:
    plan = reconcile([wanted(7, queue="Support")], [row(1, 7)], standing=covered)

    assert plan.changed == [(row(1, 7), wanted(7, queue="Support"))]
    assert plan.moved == 0


def test_queue_that_is_known_stays() -> None:
    plan = reconcile([wanted(7, queue="Projekte")], [row(1, 7, queue="Support")], standing=covered)

    assert plan.changed == []


def test_equal_row_on_a_ticket_not_asked_for_is_a_suspect() -> None:
    plan = reconcile([wanted(7)], [row(1, 9)], standing=standing_of({9: Standing.ELSEWHERE}))

    assert (plan.suspects, plan.gone) == ({9}, [])


def test_row_on_a_ticket_not_asked_for_is_no_suspect_when_nothing_is_left_over() -> None:
    plan = reconcile([wanted(7)], [row(1, 7), row(2, 9, 2)], standing=standing_of({9: Standing.ELSEWHERE}))

    assert (plan.suspects, plan.gone, plan.inserted) == (set(), [], [])
    assert plan.units == {7: 15, 9: 15}


def test_row_on_an_unreadable_ticket_is_taken_for_moved() -> None:
    plan = reconcile([wanted(7)], [row(1, 9)], standing=standing_of({9: Standing.UNKNOWN}))

    assert (plan.changed, plan.taken, plan.suspects) == ([(row(1, 9), wanted(7))], [row(1, 9)], set())
    assert plan.units == {7: 15}


def test_row_on_an_unreadable_ticket_is_never_gone() -> None:
    plan = reconcile([], [row(1, 9)], standing=standing_of({9: Standing.UNKNOWN}))

    assert (plan.gone, plan.taken, plan.units) == ([], [], {9: 15})


def test_readable_row_moves_before_an_unreadable_one() -> None:
    plan = reconcile([wanted(7)], [row(1, 9, 1), row(2, 8, 2)], standing=standing_of({9: Standing.UNKNOWN}))

    assert (plan.changed, plan.taken) == ([(row(2, 8, 2), wanted(7))], [])


def test_missing_keys_are_those_with_more_bookings_than_live_rows_on_the_ticket() -> None:
    rows = [row(1, 7), row(2, 8, key=OTHER_KEY), row(3, 7, 2, live=False)]

    assert missing_keys([wanted(7)], rows) == set()
    assert missing_keys([wanted(7), wanted(7)], rows) == {KEY}
    assert missing_keys([wanted(7, key=OTHER_KEY)], rows) == {OTHER_KEY}


KEYS = st.sampled_from([KEY, OTHER_KEY, Key(2, KEY.booked_local, KEY.units)])
TICKETS = st.integers(1, 4)
BOOKINGS = st.lists(st.builds(wanted, TICKETS, KEYS), max_size=12)


@st.composite
def mirrors(draw: st.DrawFn) -> list[Row]:
    """Rows with the running numbers 1, 2, 3 ... per key, live or gone."""
    numbers: Counter[Key] = Counter()
    rows: list[Row] = []
    for pk, (key, ticket, live) in enumerate(draw(st.lists(st.tuples(KEYS, TICKETS, st.booleans()), max_size=12)), 1):
        numbers[key] += 1
        rows.append(Row(pk, key, ticket, numbers[key], "", live))
    return rows


def carry_out(plan: Plan, rows: list[Row]) -> list[Row]:
    after = {each.pk: each for each in rows}
    for each, booking in plan.changed:
        after[each.pk] = each._replace(ticket=booking.ticket, live=True, queue=each.queue or booking.queue)
    for each in plan.gone:
        after[each.pk] = each._replace(live=False)
    for pk, (booking, number) in enumerate(plan.inserted, 1000):
        after[pk] = Row(pk, booking.key, booking.ticket, number, booking.queue, True)
    return list(after.values())


def multiset(bookings: Iterable[Wanted | Row]) -> Counter[tuple[Key, int]]:
    return Counter((each.key, each.ticket) for each in bookings)


@given(BOOKINGS, mirrors())
def test_mirror_holds_exactly_what_was_read(bookings: list[Wanted], rows: list[Row]) -> None:
    after = carry_out(reconcile(bookings, rows, standing=covered), rows)

    assert multiset(each for each in after if each.live) == multiset(bookings)
    assert {each.pk for each in rows} <= {each.pk for each in after}
    assert max(Counter((each.key, each.running_number) for each in after).values(), default=1) == 1


@given(BOOKINGS, mirrors())
def test_reading_the_same_again_changes_nothing(bookings: list[Wanted], rows: list[Row]) -> None:
    after = carry_out(reconcile(bookings, rows, standing=covered), rows)

    again = reconcile(bookings, after, standing=covered)

    assert (again.inserted, again.changed, again.gone, again.suspects) == ([], [], [], set())


@given(BOOKINGS, mirrors(), st.dictionaries(TICKETS, st.sampled_from(Standing)))
def test_rows_that_were_not_covered_are_never_gone(
    bookings: list[Wanted], rows: list[Row], standings: dict[int, Standing]
) -> None:
    plan = reconcile(bookings, rows, standing=standing_of(standings))

    assert all(standings.get(each.ticket, Standing.COVERED) is Standing.COVERED for each in plan.gone)
    assert len({each.pk for each, _ in plan.changed}) == len(plan.changed)


@given(BOOKINGS, mirrors(), st.dictionaries(TICKETS, st.sampled_from([Standing.COVERED, Standing.UNKNOWN])))
def test_units_say_what_each_ticket_holds_afterwards(
    bookings: list[Wanted], rows: list[Row], standings: dict[int, Standing]
) -> None:
    plan = reconcile(bookings, rows, standing=standing_of(standings))

    held: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in carry_out(plan, rows):
        if each.live:
            held[each.ticket] += each.key.units
    assert {ticket: units for ticket, units in plan.units.items() if units} == dict(held)


def combined(history: list[Wanted], accounted: list[Wanted]) -> Combined:
    return combine(history, accounted, compared=lambda each: each.key.agent == 1, read_tickets=frozenset({7, 8}))


def test_booking_in_both_sources_is_wanted_once() -> None:
    both = combined([wanted(7)], [wanted(7)])

    assert (both.wanted, both.matched) == ([wanted(7)], 1)
    assert (both.only_history, both.only_accounting, both.elsewhere) == ([], [], [])


def test_booking_on_a_ticket_without_history_is_no_contradiction() -> None:
    both = combined([], [wanted(9)])

    assert (both.wanted, both.only_accounting) == ([wanted(9)], [])


def test_booking_that_only_the_history_shows_is_kept_and_named() -> None:
    both = combined([wanted(7), wanted(7)], [wanted(7)])

    assert (both.wanted, both.only_history) == ([wanted(7), wanted(7)], [wanted(7)])


def test_booking_that_only_time_accounting_shows_is_kept_and_named() -> None:
    both = combined([], [wanted(7)])

    assert (both.wanted, both.only_accounting) == ([wanted(7)], [wanted(7)])


def test_booking_on_different_tickets_is_wanted_once_on_the_one_read_last() -> None:
    both = combined([wanted(7)], [wanted(9)])

    assert (both.wanted, both.elsewhere, both.matched) == ([wanted(9)], [wanted(9)], 0)


def test_booking_of_an_agent_who_was_not_asked_is_not_compared() -> None:
    stranger = wanted(7, key=Key(2, KEY.booked_local, KEY.units))

    both = combined([stranger], [])

    assert (both.wanted, both.only_history) == ([stranger], [])


@given(BOOKINGS, BOOKINGS)
def test_combined_bookings_are_the_larger_number_of_each_key(history: list[Wanted], accounted: list[Wanted]) -> None:
    both = combine(history, accounted, compared=lambda each: True, read_tickets=frozenset({1, 2}))

    counts = Counter(each.key for each in history) | Counter(each.key for each in accounted)
    assert Counter(each.key for each in both.wanted) == counts


TRACE = Trace("N7", KEY.booked_local, KEY.units)
OTHER_TRACE = Trace("N8", KEY.booked_local, KEY.units)


def test_agent_is_told_by_an_equal_booking() -> None:
    assert infer_pairs({3: {TRACE}, 4: {OTHER_TRACE}}, {"anna": {TRACE}, "b": set()}) == {3: "anna"}


@pytest.mark.parametrize(
    ("by_user_id", "by_login"),
    [
        ({3: {TRACE}}, {"anna": {TRACE}, "b": {TRACE}}),
        ({3: {TRACE}, 4: {TRACE}}, {"anna": {TRACE}}),
    ],
)
def test_agent_who_fits_twice_is_not_guessed(
    by_user_id: dict[int, set[Trace]], by_login: dict[str, set[Trace]]
) -> None:
    with pytest.raises(AmbiguousAgents) as caught:
        infer_pairs(by_user_id, by_login)

    assert caught.value.user_ids == sorted(by_user_id)
