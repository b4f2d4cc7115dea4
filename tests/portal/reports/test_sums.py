from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F, Sum
from pytest_django import DjangoAssertNumQueries

from billing.models import Allocation
from common.months import Month
from common.spans import Span
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.recorded import RecordedSystem
from generic_interface.simulator.server import RunningSimulator
from portal.reports import sums
from portal.reports.data_state import state_of
from portal.reports.selection import Narrowing, every_entry, select_entries
from portal.reports.sums import (
    MINUTES_FIELDS,
    SUM_FIELDS,
    By,
    Row,
    count_of_groups,
    labelled,
    labels_of,
    minutes_by,
    minutes_of_groups,
    sums_by,
    total,
)
from tests.billing.scenes import bill, book, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TimeEntryFactory, connected
from tests.portal.reports.support import (
    IN_OCTOBER,
    MONTHS,
    boss,
    by_agent,
    by_customer,
    by_ticket,
    manager,
    minutes,
    rows,
    truth,
)
from tests.tickets.support import OCTOBER, sync
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

RECORDING = Path(__file__).parents[2] / "recordings" / "month-2026-09"


def values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in SUM_FIELDS)


def assert_reports_agree_with(data: DataSet, month: Month) -> None:
    """All four reports, beside what the data set itself says."""
    entries = every_entry(Span.of_month(month))
    whole = total(entries)
    assert whole.minutes == data.minutes_booked_in((month.year, month.month))
    assert whole.entries == len(data.entries_booked_in((month.year, month.month)))
    for by in By:
        found = rows(by, entries)
        assert tuple(sum(column) for column in zip(*map(values, found), strict=True)) == values(whole)
        assert all(sum(values(row)[2:]) == row.minutes for row in found)
    assert minutes(By.AGENT, entries) == truth(data, month, by_agent(data))
    assert minutes(By.CUSTOMER, entries) == truth(data, month, by_customer(data))
    assert minutes(By.TICKET, entries) == truth(data, month, by_ticket(data))
    assert set(minutes(By.QUEUE, entries)) <= {"", *data.queues}


def test_reports_of_three_months_are_what_was_booked_in_the_ticket_system(
    mirrored: TicketSystem, data: DataSet
) -> None:
    for month in MONTHS:
        assert_reports_agree_with(data, month)

    booked = sum(data.minutes_booked_in((month.year, month.month)) for month in MONTHS)
    assert total(every_entry(Span.of_months(MONTHS[0], MONTHS[-1]))).minutes == booked
    moved = Ticket.objects.get(ticket_id=data.special["moved"])
    assert minutes(By.QUEUE, every_entry(IN_OCTOBER, Narrowing(ticket=moved.pk))) == {
        "Support": 10,
        "Projekte": 20,
        "Support::Vor-Ort": 30,
    }
    assert state_of(IN_OCTOBER).complete


def test_reports_follow_what_is_changed_in_the_ticket_system(mirrored: TicketSystem, data: DataSet) -> None:
    before = minutes(By.TICKET, every_entry(IN_OCTOBER))
    away, main, gone, other, late = [
        ticket_id for ticket_id in data.closed_in((2026, 10)) if ticket_id not in data.special.values()
    ][:5]
    data.merge(main, away)
    data.delete(gone)
    data.change_customer(other, "0042")
    data.book(late, 33, at=datetime(2026, 10, 31, 22), agent="b.schmidt")
    twin = data.entries_of(late)[0]
    data.book(late, twin.units, at=twin.booked, agent=data.agent_by_id(twin.user_id).login)

    run = sync(mirrored, OCTOBER, accept_losses=True)

    assert (run.complete, state_of(IN_OCTOBER).complete) == (True, True)
    assert minutes(By.TICKET, every_entry(IN_OCTOBER)) != before
    for month in MONTHS:
        assert_reports_agree_with(data, month)


@pytest.mark.django_db
def test_report_of_the_recorded_month_gives_the_recorded_sums() -> None:
    recorded = RecordedSystem(RECORDING)
    with RunningSimulator(recorded) as running:
        sync(
            connected(running, time_source="both"),
            Month(2026, 9),
            clock=lambda: datetime(2026, 9, 30, 22, tzinfo=UTC),
        )
    entries = every_entry(Span.of_month(Month(2026, 9)))

    found = {row.key: (row.entries, row.minutes) for row in rows(By.AGENT, entries)}

    assert recorded.refused == []
    assert found == {
        "anna.mueller": (145, Decimal("5599.88")),
        "b.schmidt": (147, Decimal("6504.30")),
        "c.weber": (69, Decimal("3014.90")),
        "d.oeztuerk": (96, Decimal("3525.56")),
        "e.jung": (46, Decimal("1860.57")),
    }
    assert (total(entries).entries, total(entries).minutes) == (503, Decimal("20505.21"))


def test_minutes_are_split_by_how_they_stand_with_billing(customer: Customer) -> None:
    free = CustomerFactory(system=customer.system, customer_id="K2")
    AgreementFactory(customer=free, billed=False)
    ticket_of(customer, "10.5", 20)
    ticket_of(customer, 5, closed=None)
    ticket_of(None, 3, system=customer.system)
    ticket_of(free, 7)

    bill()

    found = {row.key: values(row) for row in rows(By.CUSTOMER, every_entry(IN_OCTOBER))}
    assert found == {
        "K1001": (3, Decimal("35.5"), Decimal("30.5"), 5, 0, 0),
        "K2": (1, 7, 0, 0, 7, 0),
        "": (1, 3, 0, 0, 0, 3),
    }
    assert values(total(every_entry(IN_OCTOBER))) == (5, Decimal("45.5"), Decimal("30.5"), 5, 7, 3)


def test_billed_minutes_are_those_of_the_live_claims(customer: Customer) -> None:
    other = CustomerFactory(system=customer.system, customer_id="K2")
    tickets = [ticket_of(customer, "7.25", 8), ticket_of(customer, 9), ticket_of(other, 11)]
    bill()
    book(tickets[0], 100)
    Allocation.objects.filter(entry__ticket=tickets[1]).update(live=False)

    claims = Allocation.objects.filter(live=True).values_list("entry__ticket__number")
    held = {number: Decimal(str(held)) for number, held in claims.annotate(held=Sum("minutes"))}
    found = {row.key: row.billed_minutes for row in rows(By.TICKET, every_entry(IN_OCTOBER))}
    assert found == {ticket.number: held.get(ticket.number, 0) for ticket in tickets}
    assert set(held.values()) == {Decimal("15.25"), 11}


def test_sums_are_exact_where_the_database_adds_in_binary(customer: Customer) -> None:
    ticket = ticket_of(customer)
    for number in range(10):
        TimeEntryFactory(ticket=ticket, units=Decimal("0.1"), booked_local=f"2026-10-05 10:00:0{number}")

    assert {name: str(getattr(total(every_entry(IN_OCTOBER)), name)) for name in ("minutes", "unbilled_minutes")} == {
        "minutes": "1.0000",
        "unbilled_minutes": "1.0000",
    }
    assert str(rows(By.TICKET, every_entry(IN_OCTOBER))[0].minutes) == "1.0000"
    assert str(minutes_by(By.QUEUE, every_entry(IN_OCTOBER))[""]) == "1.0000"


def test_groups_are_named(customer: Customer) -> None:
    agents = [
        AgentFactory(system=customer.system, login="anna", name="Anna Müller"),
        AgentFactory(system=customer.system, login="b.schmidt", name=""),
        AgentFactory(system=customer.system, id_only=True, user_id=7),
    ]
    ticket = ticket_of(customer, number="4711", title="Beamer")
    for agent, queue in zip(agents, ["Support", "", ""], strict=True):
        TimeEntryFactory(ticket=ticket, agent=agent, queue=queue)
    nameless = CustomerFactory(system=customer.system, customer_id="K2")
    TimeEntryFactory(ticket=ticket_of(nameless, number="4712"), agent=agents[0], queue="Support", units=1)
    without = ticket_of(None, system=customer.system, number="4713")
    TimeEntryFactory(ticket=without, agent=agents[0], queue="Support", units=2)

    def named(by: By) -> set[tuple[str, str, str]]:
        return {(row.key, row.label, row.system) for row in rows(by, every_entry(IN_OCTOBER))}

    assert named(By.AGENT) == {
        ("anna", "Anna Müller", "Helpdesk"),
        ("b.schmidt", "b.schmidt", "Helpdesk"),
        ("UserID 7", "UserID 7", "Helpdesk"),
    }
    assert named(By.CUSTOMER) == {
        ("K1001", "Königsbau AG", "Helpdesk"),
        ("K2", "K2", "Helpdesk"),
        ("", "no customer", ""),
    }
    assert named(By.QUEUE) == {("Support", "Support", ""), ("", "queue not known", "")}
    assert ("4711", "Beamer", "Helpdesk") in named(By.TICKET)


def test_same_login_in_two_ticket_systems_makes_two_rows(customer: Customer) -> None:
    for name, units in (("A", 1), ("B", 2)):
        ticket = TicketFactory(system__name=name)
        TimeEntryFactory(ticket=ticket, agent=AgentFactory(system=ticket.system, login="anna"), units=units)

    found = sorted((row.key, row.system, row.minutes) for row in rows(By.AGENT, every_entry(IN_OCTOBER)))

    assert found == [("anna", "A", 1), ("anna", "B", 2)]


@pytest.mark.parametrize("name", SUM_FIELDS)
def test_groups_are_ordered_and_cut_in_sql(
    customer: Customer, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in range(1, 6):
        ticket_of(customer, *range(1, count + 1), number=str(count))
    groups = sums_by(By.TICKET, every_entry(IN_OCTOBER))

    with django_assert_num_queries(2):
        found = labelled(By.TICKET, groups.order_by(F(name).desc(), F("group").desc())[1:3])

    expected = sorted(rows(By.TICKET, every_entry(IN_OCTOBER)), key=lambda row: (-getattr(row, name), -_key(row)))
    assert [row.key for row in found] == [row.key for row in expected[1:3]]


def _key(row: Row) -> int:
    assert isinstance(row.group, int)
    return row.group


@pytest.mark.parametrize("by", By)
def test_number_of_queries_does_not_depend_on_the_number_of_groups(
    customer: Customer, by: By, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = manager(*_groups(customer, 1))
    labels = 0 if by == By.QUEUE else 1

    def ask(count: int) -> None:
        entries = select_entries(IN_OCTOBER, user=user)
        with django_assert_num_queries(4 + labels):
            groups = list(sums_by(by, entries))
            found = labelled(by, groups)
            assert len(found) == count_of_groups(by, entries) == count
            assert minutes_of_groups(by, entries, [row.group for row in found]) == {
                row.group: row.minutes for row in found
            }
            assert total(entries).minutes == sum(row.minutes for row in found)

    ask(1)
    user.customers.add(*_groups(customer, 29))
    ask(30)


def _groups(customer: Customer, count: int) -> list[Customer]:
    """As many customers, tickets, agents and queues, with two entries each."""
    customers: list[Customer] = []
    for number in range(count):
        other: Customer = CustomerFactory(system=customer.system)
        entry = TimeEntryFactory(ticket=ticket_of(other), queue=f"Queue {count} {number}")
        TimeEntryFactory(ticket=entry.ticket, agent=entry.agent, queue=entry.queue, units=7)
        customers.append(other)
    return customers


@pytest.mark.parametrize("by", By)
def test_account_manager_sums_only_the_own_customers(customer: Customer, by: By) -> None:
    other = CustomerFactory(system=customer.system, customer_id="K2")
    agent = AgentFactory(system=customer.system, login="shared")
    for owner, units in ((customer, 10), (other, 200), (None, 4000)):
        TimeEntryFactory(ticket=ticket_of(owner, system=customer.system), agent=agent, queue="Shared", units=units)
    bill()

    def seen(user: Any) -> list[Decimal]:
        entries = select_entries(IN_OCTOBER, user=user)
        found = [row.minutes for row in rows(by, entries)]
        assert total(entries).minutes == sum(found)
        assert sum(minutes_by(by, entries).values()) == sum(found)
        return found

    assert seen(manager(customer)) == [10]
    assert seen(manager(other, name="bernd")) == [200]
    assert sum(seen(manager(customer, other, name="clara"))) == 210
    assert seen(manager(name="stranger")) == []
    assert sum(seen(boss())) == 4210


def test_customer_with_two_account_managers_is_counted_once(customer: Customer) -> None:
    ticket_of(customer, 10, 20)
    anna = manager(customer)
    manager(customer, name="bernd")

    assert total(select_entries(IN_OCTOBER, user=anna)).minutes == 30


def test_nothing_booked_gives_no_rows_and_zeros(customer: Customer) -> None:
    assert values(total(every_entry(IN_OCTOBER))) == (0, *[0 for _ in MINUTES_FIELDS])
    assert [rows(by, every_entry(IN_OCTOBER)) for by in By] == [[], [], [], []]
    assert minutes_of_groups(By.CUSTOMER, every_entry(IN_OCTOBER), [customer.pk, None]) == {}


def test_minutes_of_groups_are_of_these_groups_alone(customer: Customer) -> None:
    other = CustomerFactory(system=customer.system)
    ticket_of(customer, 1)
    ticket_of(other, 2)
    ticket_of(None, 4, system=customer.system)
    entries = every_entry(IN_OCTOBER)

    assert minutes_of_groups(By.CUSTOMER, entries, [customer.pk]) == {customer.pk: 1}
    assert minutes_of_groups(By.CUSTOMER, entries, [None, other.pk]) == {None: 4, other.pk: 2}
    assert minutes_of_groups(By.QUEUE, entries, [""]) == {"": 7}
    assert minutes_by(By.CUSTOMER, entries) == {customer.pk: 1, other.pk: 2, None: 4}


def test_names_are_looked_up_in_parts(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [ticket_of(customer, 1) for _ in range(5)]
    monkeypatch.setattr(sums, "AT_ONCE", 2)

    found = labels_of(By.TICKET, [ticket.pk for ticket in tickets])

    assert {group: label.key for group, label in found.items()} == {ticket.pk: ticket.number for ticket in tickets}


def test_equal_bookings_of_one_second_all_count(customer: Customer) -> None:
    ticket, agent = ticket_of(customer), AgentFactory(system=customer.system)
    for number in (1, 2, 3):
        TimeEntryFactory(ticket=ticket, agent=agent, units=15, running_number=number)

    assert TimeEntry.objects.count() == 3
    assert values(rows(By.AGENT, every_entry(IN_OCTOBER))[0])[:2] == (3, 45)
