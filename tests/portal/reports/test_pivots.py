from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from common.months import Month
from common.spans import Span
from generic_interface.simulator.data_set import DataSet
from portal.reports.pivots import MOST_AGENTS, MOST_MONTHS, Pivot, PivotKind, PivotTooWide, pivot
from portal.reports.selection import every_entry, select_entries
from portal.reports.sums import By, total
from tests.billing.scenes import OCTOBER, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TimeEntryFactory
from tests.portal.reports.support import IN_OCTOBER, MONTHS, boss, manager, minutes
from tickets.models import Agent, Customer, TicketSystem

QUARTER = Span.of_months(MONTHS[0], MONTHS[-1])


def cells(table: Pivot) -> dict[tuple[str, str], Decimal]:
    """By the keys of row and column, without the empty ones."""
    return {
        (row.heading.key, column.key): cell
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell is not None
    }


def assert_adds_up(table: Pivot) -> None:
    """Rows, columns and the total are sums of what is shown."""
    for row in table.rows:
        assert row.total == sum(cell or 0 for cell in row.cells)
        assert any(cell is not None for cell in row.cells)
    for place, column_total in enumerate(table.column_totals):
        assert column_total == sum(row.cells[place] or 0 for row in table.rows)
    assert len(table.column_totals) == len(table.columns)
    assert table.total == sum(table.column_totals) == sum(row.total for row in table.rows)


def agent_of(customer: Customer, login: str) -> Agent:
    agent: Agent = AgentFactory(system=customer.system, login=login)
    return agent


def test_agents_by_day(customer: Customer) -> None:
    ticket, anna, bernd = ticket_of(customer), agent_of(customer, "anna"), agent_of(customer, "bernd")
    for agent, day, units in ((bernd, "01", 1), (anna, "01", 2), (anna, "31", 4), (anna, "31", 8)):
        TimeEntryFactory(ticket=ticket, agent=agent, booked_local=f"2026-10-{day} 23:59:59", units=units)

    table = pivot(PivotKind.AGENT_DAY, every_entry(IN_OCTOBER), IN_OCTOBER)

    assert cells(table) == {("anna", "2026-10-01"): 2, ("bernd", "2026-10-01"): 1, ("anna", "2026-10-31"): 12}
    assert [(row.heading.key, row.heading.value, row.heading.system) for row in table.rows] == [
        ("anna", str(anna.pk), "Helpdesk"),
        ("bernd", str(bernd.pk), "Helpdesk"),
    ]
    assert [column.label for column in table.columns] == [str(day) for day in range(1, 32)]
    assert [column.value for column in table.columns][::30] == ["2026-10-01", "2026-10-31"]
    assert_adds_up(table)


def test_days_of_two_months_are_told_by_month(customer: Customer) -> None:
    span = Span(date(2026, 9, 30), date(2026, 10, 2))

    with translation.override("en-gb"):
        table = pivot(PivotKind.AGENT_DAY, every_entry(span), span)

    assert [column.key for column in table.columns] == ["2026-09-30", "2026-10-01"]
    assert len({column.label for column in table.columns}) == 2
    assert "30" in table.columns[0].label
    assert "09" in table.columns[0].label


def test_customers_by_month(customer: Customer) -> None:
    for owner, month, units in ((customer, 8, 1), (customer, 10, 2), (customer, 10, 4), (None, 9, 8)):
        ticket = ticket_of(owner, system=customer.system)
        TimeEntryFactory(ticket=ticket, booked_local=f"2026-{month:02}-01 00:00:00", units=units)

    table = pivot(PivotKind.CUSTOMER_MONTH, every_entry(QUARTER), QUARTER)

    assert cells(table) == {("K1001", "2026-08"): 1, ("K1001", "2026-10"): 6, ("", "2026-09"): 8}
    assert [(row.heading.label, row.heading.value) for row in table.rows] == [
        ("no customer", "none"),
        ("Königsbau AG", str(customer.pk)),
    ]
    assert [column.label for column in table.columns] == ["August 2026", "September 2026", "October 2026"]
    assert list(table.rows[1].cells) == [1, None, 6]
    assert_adds_up(table)


def test_month_of_which_the_span_holds_a_part_is_a_column(customer: Customer) -> None:
    span = Span(date(2026, 9, 30), date(2026, 10, 6))
    for day in ("09-29", "09-30", "10-05", "10-06"):
        TimeEntryFactory(ticket=ticket_of(customer), booked_local=f"2026-{day} 10:00:00", units=int(day[-2:]))

    table = pivot(PivotKind.CUSTOMER_MONTH, every_entry(span), span)

    assert cells(table) == {("K1001", "2026-09"): 30, ("K1001", "2026-10"): 5}


def test_queues_by_agent(customer: Customer) -> None:
    ticket, anna, bernd = ticket_of(customer), agent_of(customer, "anna"), agent_of(customer, "bernd")
    for agent, queue, units in ((bernd, "Support", 1), (anna, "", 2), (anna, "Support", 4)):
        TimeEntryFactory(ticket=ticket, agent=agent, queue=queue, units=units)

    table = pivot(PivotKind.QUEUE_AGENT, every_entry(IN_OCTOBER), IN_OCTOBER)

    assert cells(table) == {("", "anna"): 2, ("Support", "anna"): 4, ("Support", "bernd"): 1}
    assert [(row.heading.label, row.heading.value) for row in table.rows] == [
        ("queue not known", ""),
        ("Support", "Support"),
    ]
    assert [column.value for column in table.columns] == [str(anna.pk), str(bernd.pk)]
    assert_adds_up(table)


def test_same_login_in_two_ticket_systems_makes_two_columns(customer: Customer) -> None:
    for name, units in (("A", 1), ("B", 2)):
        ticket = TicketFactory(system__name=name)
        TimeEntryFactory(ticket=ticket, agent=AgentFactory(system=ticket.system, login="anna"), units=units)

    table = pivot(PivotKind.QUEUE_AGENT, every_entry(IN_OCTOBER), IN_OCTOBER)

    assert [(column.key, column.system) for column in table.columns] == [("anna", "A"), ("anna", "B")]
    assert table.column_totals == (1, 2)


def test_time_that_adds_up_to_zero_is_not_nothing(customer: Customer) -> None:
    ticket = ticket_of(customer, 30, "-30")

    table = pivot(PivotKind.CUSTOMER_MONTH, every_entry(IN_OCTOBER), IN_OCTOBER)

    assert list(table.rows[0].cells) == [0]
    assert ticket.entries.count() == 2


def test_everything_is_shown_from_the_first_to_the_last_entry(customer: Customer) -> None:
    for local in ("2025-11-30 23:59:59", "2026-02-01 00:00:00"):
        TimeEntryFactory(ticket=ticket_of(customer), booked_local=local)
    everything = Span.everything()

    table = pivot(PivotKind.CUSTOMER_MONTH, every_entry(everything), everything)

    assert [column.key for column in table.columns] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert list(table.rows[0].cells) == [15, None, None, 15]
    with pytest.raises(PivotTooWide, match="these are 64"):
        pivot(PivotKind.AGENT_DAY, every_entry(everything), everything)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", PivotKind)
def test_nothing_booked_makes_an_empty_table(kind: PivotKind) -> None:
    table = pivot(kind, every_entry(Span.everything()), Span.everything())

    assert (table.rows, table.columns, table.total) == ((), (), 0)


@pytest.mark.django_db
def test_too_many_columns_are_refused_with_a_sentence() -> None:
    day = date(2026, 8, 1)
    widest, too_wide = Span(day, day + timedelta(days=62)), Span(day, day + timedelta(days=63))
    months = Span.of_months(OCTOBER, OCTOBER.shift(MOST_MONTHS - 1))
    too_many = Span.of_months(OCTOBER, OCTOBER.shift(MOST_MONTHS))

    assert len(pivot(PivotKind.AGENT_DAY, every_entry(widest), widest).columns) == 62
    assert len(pivot(PivotKind.CUSTOMER_MONTH, every_entry(months), months).columns) == MOST_MONTHS
    with pytest.raises(PivotTooWide, match=r"^A table by day shows up to 62 days; these are 63\. Choose a shorter"):
        pivot(PivotKind.AGENT_DAY, every_entry(too_wide), too_wide)
    with pytest.raises(PivotTooWide, match=r"^A table by month shows up to 36 months; these are 37\."):
        pivot(PivotKind.CUSTOMER_MONTH, every_entry(too_many), too_many)


def test_more_agents_than_a_person_reads_are_refused(customer: Customer) -> None:
    ticket = ticket_of(customer)
    for _ in range(MOST_AGENTS):
        TimeEntryFactory(ticket=ticket)
    widest = pivot(PivotKind.QUEUE_AGENT, every_entry(IN_OCTOBER), IN_OCTOBER)
    TimeEntryFactory(ticket=ticket)

    assert len(widest.columns) == MOST_AGENTS
    with pytest.raises(PivotTooWide, match=r"^A table by agent shows up to 60 agents; these are 61\."):
        pivot(PivotKind.QUEUE_AGENT, every_entry(IN_OCTOBER), IN_OCTOBER)


@pytest.mark.parametrize("kind", PivotKind)
def test_account_manager_sees_only_the_own_customers(customer: Customer, kind: PivotKind) -> None:
    other = CustomerFactory(system=customer.system, customer_id="K2")
    agent = agent_of(customer, "shared")
    for owner, units in ((customer, 10), (other, 200), (None, 4000)):
        TimeEntryFactory(ticket=ticket_of(owner, system=customer.system), agent=agent, queue="Shared", units=units)

    def seen(user: object) -> Decimal:
        table = pivot(kind, select_entries(IN_OCTOBER, user=user), IN_OCTOBER)  # type: ignore[arg-type]
        assert_adds_up(table)
        return table.total

    assert seen(boss()) == 4210
    assert seen(manager(customer)) == 10
    assert seen(manager(other, name="bernd")) == 200
    assert seen(manager(name="stranger")) == seen(AnonymousUser()) == 0


@pytest.mark.parametrize("kind", PivotKind)
def test_number_of_queries_does_not_depend_on_the_size(
    customer: Customer, kind: PivotKind, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    everything = Span.everything()
    queries = {PivotKind.AGENT_DAY: 3, PivotKind.CUSTOMER_MONTH: 3, PivotKind.QUEUE_AGENT: 2}[kind]

    def ask(count: int) -> None:
        for number in range(count):
            ticket = ticket_of(CustomerFactory(system=customer.system))
            local = f"2026-{8 + number % 2:02}-{3 + number % 25:02} 10:00:00"
            TimeEntryFactory(ticket=ticket, booked_local=local, queue=f"Queue {count} {number}")
        entries = every_entry(everything)
        with django_assert_num_queries(queries):
            table = pivot(kind, entries, everything)
        assert table.total == total(entries).minutes

    ask(1)
    ask(30)


def test_pivots_of_the_data_set_hold_what_was_booked(mirrored: TicketSystem, data: DataSet) -> None:
    booked = {str(month): data.minutes_booked_in((month.year, month.month)) for month in MONTHS}

    by_month = pivot(PivotKind.CUSTOMER_MONTH, every_entry(QUARTER), QUARTER)
    by_day = pivot(PivotKind.AGENT_DAY, every_entry(IN_OCTOBER), IN_OCTOBER)
    by_queue = pivot(PivotKind.QUEUE_AGENT, every_entry(IN_OCTOBER), IN_OCTOBER)

    months = zip(by_month.columns, by_month.column_totals, strict=True)
    assert {column.key: found for column, found in months} == booked
    days = dict(zip((column.key for column in by_day.columns), by_day.column_totals, strict=True))
    assert days["2026-10-25"] == sum(
        entry.units for entry in data.entries_booked_in((2026, 10)) if entry.booked.date() == date(2026, 10, 25)
    )
    assert by_day.total == by_queue.total == booked["2026-10"]
    assert {row.heading.key: row.total for row in by_day.rows} == minutes(By.AGENT, every_entry(IN_OCTOBER))
    for table in (by_month, by_day, by_queue):
        assert_adds_up(table)


def test_clock_change_stands_on_its_day(customer: Customer) -> None:
    ticket, agent = ticket_of(customer), agent_of(customer, "anna")
    for number, local in enumerate(("2026-10-25 00:00:00", "2026-10-25 02:30:00", "2026-10-25 02:30:00"), start=1):
        TimeEntryFactory(ticket=ticket, agent=agent, booked_local=local, units=1, running_number=number)
    span = Span.of_month(Month(2026, 10))

    assert cells(pivot(PivotKind.AGENT_DAY, every_entry(span), span)) == {("anna", "2026-10-25"): 3}
