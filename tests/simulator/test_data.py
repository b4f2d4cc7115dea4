from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest

from generic_interface.simulator.data import build_data_set, build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.months import clock_change_in, epoch, shift, working_minutes
from generic_interface.simulator.people import CUSTOMERS, DEPARTED_AGENT, MASS_CUSTOMER, QUEUES, WORKING_AGENTS
from generic_interface.simulator.specials import HOSTILE_TITLES
from generic_interface.simulator.store import UnknownName

AUGUST, SEPTEMBER, OCTOBER = (2026, 8), (2026, 9), (2026, 10)

MINUTES = {
    "month_border": "36",
    "closed_in_first_second": "7",
    "closed_in_last_second_before": "8",
    "closed_after_the_end": "14",
    "corrected": "45",
    "corrected_to_zero": "0",
    "corrected_late": "30",
    "late_booking": "40",
    "reopened": "75",
    "reopened_twice": "80",
    "reopened_still_open": "60",
    "closed_twice_in_month": "35",
    "merged_away": "0",
    "merged_main": "60",
    "moved": "60",
    "duplicates": "45",
    "duplicates_other": "15",
    "without_customer": "6",
    "closed_without_time": "0",
    "closed_unsuccessful": "22",
    "created_closed": "8",
    "open_with_time": "40",
    "open_without_time": "0",
    "decimals": "20",
    "departed_agent": "50",
    "booked_by_root": "9",
    "clock_change": "250",
} | dict.fromkeys(HOSTILE_TITLES, "5")

CLOSED_IN = {
    "month_border": {OCTOBER},
    "closed_in_first_second": {OCTOBER},
    "closed_in_last_second_before": {SEPTEMBER},
    "closed_after_the_end": set(),
    "corrected_late": {SEPTEMBER},
    "late_booking": {SEPTEMBER},
    "reopened": {SEPTEMBER, OCTOBER},
    "reopened_twice": {AUGUST, SEPTEMBER, OCTOBER},
    "reopened_still_open": set(),
    "closed_twice_in_month": {OCTOBER},
    "merged_away": set(),
    "merged_main": {OCTOBER},
    "created_closed": {OCTOBER},
    "open_with_time": set(),
    "closed_without_time": {OCTOBER},
}


def test_same_month_builds_the_same_data_set(data: DataSet) -> None:
    again = build_data_set(OCTOBER)

    assert again.tickets == data.tickets
    assert again.special == data.special


def test_data_set_has_the_promised_size(data: DataSet) -> None:
    owners = {ticket.owner.login for ticket in data.tickets.values()}
    customers = Counter(ticket.customer_number for ticket in data.tickets.values())
    mass = [i for i in data.closed_in(OCTOBER) if data.ticket(i).customer_number == MASS_CUSTOMER]

    assert len(data.tickets) == 746
    assert data.months == (AUGUST, SEPTEMBER, OCTOBER)
    assert {ticket.queue.name for ticket in data.tickets.values()} == {queue.name for queue in QUEUES}
    assert owners >= {*WORKING_AGENTS, DEPARTED_AGENT}
    assert customers.keys() == {customer.number for customer in CUSTOMERS} | {None}
    assert len(mass) == 520


def test_sums_of_the_months_are_whole_and_known(data: DataSet) -> None:
    booked = [data.minutes_booked_in(month) for month in data.months]
    to_bill = [data.minutes_to_bill(month) for month in data.months]
    closed = [len(data.closed_in(month)) for month in data.months]

    assert booked == [Decimal(7260), Decimal(6756), Decimal(8365)]
    assert to_bill == [Decimal(7150), Decimal(6868), Decimal(8358)]
    assert closed == [63, 69, 612]


@pytest.mark.parametrize(("special", "minutes"), MINUTES.items())
def test_special_ticket_holds_its_minutes(data: DataSet, special: str, minutes: str) -> None:
    assert data.minutes_of(data.special[special]) == Decimal(minutes)


def test_every_special_ticket_is_tested(data: DataSet) -> None:
    assert data.special.keys() == MINUTES.keys()


@pytest.mark.parametrize(("special", "months"), CLOSED_IN.items())
def test_special_ticket_is_closed_in_its_months(data: DataSet, special: str, months: set[tuple[int, int]]) -> None:
    found = {month for month in data.months if data.special[special] in data.closed_in(month)}

    assert found == months


def test_month_border_entries_belong_to_the_month_that_begins(data: DataSet) -> None:
    border = data.special["month_border"]
    september = [entry.units for entry in data.entries_booked_in(SEPTEMBER) if entry.ticket_id == border]
    october = [entry.units for entry in data.entries_booked_in(OCTOBER) if entry.ticket_id == border]

    assert (september, october) == ([Decimal(11)], [Decimal(12), Decimal(13)])


def test_duplicates_are_equal_in_every_visible_field(data: DataSet) -> None:
    entries = data.entries_of(data.special["duplicates"])

    assert [(entry.user_id, entry.units, str(entry.booked)) for entry in entries] == [
        (4, Decimal(15), "2026-10-14 10:00:00")
    ] * 3


def test_departed_agent_cannot_log_in_but_has_bookings_in_every_month(data: DataSet) -> None:
    agent = data.agents[DEPARTED_AGENT]
    booked = [{entry.user_id for entry in data.entries_booked_in(month)} for month in data.months]

    assert not agent.valid
    assert all(agent.user_id in users for users in booked)


def test_hostile_titles_are_stored_verbatim(data: DataSet) -> None:
    titles = {special: data.ticket(data.special[special]).title for special in HOSTILE_TITLES}

    assert titles == HOSTILE_TITLES


def test_clock_change_books_twice_at_the_same_local_time(data: DataSet) -> None:
    times = [str(entry.booked) for entry in data.entries_of(data.special["clock_change"])]
    hours = [epoch(entry.booked) // 3600 for entry in data.entries_of(data.special["clock_change"])]

    assert times == [f"2026-10-25 0{hour}:30:00" for hour in (1, 2, 2, 3)]
    assert [hour - hours[0] for hour in hours] == [0, 1, 2, 3]


@pytest.mark.parametrize("month", [(2026, 2), (2024, 2), (2026, 3), (2026, 9), (2027, 1)])
def test_months_without_october_have_all_cases_but_the_clock_change(month: tuple[int, int]) -> None:
    data = build_data_set(month)

    assert data.special.keys() == MINUTES.keys() - {"clock_change"}
    assert all(entry.booked <= data.now for entry in data.entries())
    assert data.minutes_booked_in(month) == data.minutes_booked_in(month).to_integral_value()


def test_benchmark_month_has_the_size_asked_for() -> None:
    data = build_month(tickets=300, customers=20, entries_per_ticket=5, month=SEPTEMBER)

    assert len(data.closed_in(SEPTEMBER)) == 300
    assert len(data.entries_booked_in(SEPTEMBER)) == 1500
    assert len({ticket.customer_number for ticket in data.tickets.values()}) == 20


def test_unknown_names_are_refused_in_words(data: DataSet) -> None:
    with pytest.raises(UnknownName, match="no ticket 1\\."):
        data.ticket("1")
    with pytest.raises(UnknownName, match="number 4711"):
        data.ticket_by_number("4711")
    with pytest.raises(UnknownName, match="agent 99"):
        data.agent_by_id(99)
    with pytest.raises(UnknownName, match="queue 99"):
        data.queue_by_id(99)
    with pytest.raises(UnknownName, match="customer X"):
        data.customer_user_of("X")


def test_ticket_is_found_by_its_number(data: DataSet) -> None:
    moved = data.ticket(data.special["moved"])

    assert data.ticket_by_number(moved.number) is moved


def test_months_shift_over_the_year() -> None:
    assert [shift((2026, 1), -1), shift((2026, 12), 1), shift((2026, 5), -17)] == [(2025, 12), (2027, 1), (2024, 12)]


def test_clock_change_is_the_last_sunday_of_october() -> None:
    assert [clock_change_in((year, 10)) for year in (2026, 2027)] == [
        datetime(2026, 10, 25, 2, 30),
        datetime(2027, 10, 31, 2, 30),
    ]
    assert clock_change_in((2026, 11)) is None


def test_working_minutes_leave_out_nights_and_weekends() -> None:
    friday, monday = datetime(2026, 10, 2, 20), datetime(2026, 10, 5, 9)

    assert working_minutes(friday, monday) == 120
