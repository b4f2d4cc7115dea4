from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.standing import Standing
from common.months import Month
from common.spans import Span
from portal.reports.selection import NONE, Narrowing, every_entry, own_entries, select_entries
from portal.reports.sums import By, total
from tests.billing.scenes import DAY, OCTOBER, bill, book, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.portal.reports.support import IN_OCTOBER, boss, manager, minutes
from tickets.models import Customer, TicketSystem, TimeEntry

BORDERS = [
    "2026-08-31 23:59:59",
    "2026-09-01 00:00:00",
    "2026-09-30 23:59:59",
    "2026-10-01 00:00:00",
    "2026-10-25 02:30:00",  # twice in that night; the second one has the same local time
    "2026-10-25 03:00:00",
    "2026-10-31 23:59:59",
    "2026-11-01 00:00:00",
    "2026-11-30 23:59:59",
    "2026-12-01 00:00:00",
]


def found(span: Span = IN_OCTOBER, **narrowing: object) -> set[Decimal]:
    """Minutes of what is selected; the tests give each entry minutes of its own."""
    entries = every_entry(span, Narrowing(**narrowing))  # type: ignore[arg-type]
    return {entry.minutes for entry in entries}


def test_entries_at_both_ends_of_a_month_are_counted_once(customer: Customer) -> None:
    ticket, agent = ticket_of(customer), AgentFactory(system=customer.system)
    for number, local in enumerate(BORDERS):
        TimeEntryFactory(ticket=ticket, agent=agent, booked_local=local, units=2**number)
    night = {"ticket": ticket, "agent": agent, "booked_local": "2026-10-25 02:30:00", "units": 2**4}
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    TimeEntryFactory(**night, running_number=2, booked_at=second)

    sums = [total(every_entry(Span.of_month(Month(2026, number)))) for number in (9, 10, 11)]

    assert [(row.entries, row.minutes) for row in sums] == [(2, 2 + 4), (5, 8 + 16 + 16 + 32 + 64), (2, 128 + 256)]
    assert total(every_entry(Span.everything())).minutes == sum(row.minutes for row in sums) + 1 + 512


def test_days_are_those_of_the_ticket_systems_own_zone(system: TicketSystem) -> None:
    there = TicketSystemFactory(time_zone="America/New_York")
    TimeEntryFactory(ticket=TicketFactory(system=there), booked_local="2026-10-31 23:30:00", units=5)
    TimeEntryFactory(ticket=TicketFactory(system=system), booked_local="2026-11-01 00:30:00", units=7)

    assert TimeEntry.objects.filter(booked_at__gte=datetime(2026, 10, 31, 23, tzinfo=UTC)).count() == 2
    assert found() == {5}


def test_what_is_gone_is_not_selected(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    TimeEntryFactory(ticket=ticket, units=20, gone=True)

    assert found() == {10}
    assert found(Span.everything()) == {10}


def test_entries_are_narrowed_down_by_what_they_belong_to(customer: Customer, system: TicketSystem) -> None:
    other = CustomerFactory()
    first = TimeEntryFactory(ticket=ticket_of(customer), units=1, queue="Support")
    second = TimeEntryFactory(ticket=ticket_of(customer), units=2, queue="")
    third = TimeEntryFactory(ticket=ticket_of(other), units=3, queue="Support")
    TimeEntryFactory(
        ticket=ticket_of(None, system=system), units=4, queue="Support", booked_local="2026-10-31 09:00:00"
    )

    assert found() == {1, 2, 3, 4}
    assert found(system=system.pk) == {1, 2, 4}
    assert found(agent=second.agent_id) == {2}
    assert found(customer=customer.pk) == {1, 2}
    assert found(customer=NONE) == {4}
    assert found(queue="Support") == {1, 3, 4}
    assert found(queue="") == {2}
    assert found(ticket=third.ticket_id) == {3}
    assert found(day=date(2026, 10, 31)) == {4}
    assert found(day=date(2026, 11, 1)) == set()
    assert found(customer=customer.pk, queue="Support", ticket=first.ticket_id) == {1}
    assert found(customer=other.pk, system=system.pk) == set()


def test_entries_are_narrowed_down_by_standing(customer: Customer) -> None:
    ticket_of(customer, 1)
    bill()
    ticket_of(customer, 2)
    ticket_of(None, 4, system=customer.system)

    assert {standing: found(standing=standing) for standing in Standing} == {
        Standing.BILLED: {1},
        Standing.UNBILLED: {2},
        Standing.NOT_BILLABLE: set(),
        Standing.BLOCKED: {4},
    }


def test_account_manager_selects_only_the_own_customers(customer: Customer) -> None:
    other = CustomerFactory(system=customer.system)
    ticket_of(customer, 1)
    ticket_of(other, 2)
    ticket_of(None, 4, system=customer.system)
    anna, stranger = manager(customer), manager(name="stranger")

    def seen(user: object, **narrowing: object) -> set[Decimal]:
        entries = select_entries(IN_OCTOBER, user=user, narrowing=Narrowing(**narrowing))  # type: ignore[arg-type]
        return {entry.minutes for entry in entries}

    assert seen(boss()) == {1, 2, 4}
    assert seen(anna) == {1}
    assert seen(anna, customer=other.pk) == seen(anna, customer=NONE) == set()
    assert seen(stranger) == seen(AnonymousUser()) == set()


def test_own_entries_are_those_of_the_accounts_agents_whatever_the_customer(customer: Customer) -> None:
    anna, other_system = manager(), TicketSystemFactory()
    here = AgentFactory(system=customer.system, account=anna)
    there = AgentFactory(system=other_system, account=anna)
    ticket = ticket_of(customer, 1)
    TimeEntryFactory(ticket=ticket, agent=here, units=2)
    TimeEntryFactory(ticket=TicketFactory(system=other_system, customer=None), agent=there, units=4)
    TimeEntryFactory(ticket=ticket, agent=here, units=8, gone=True)
    TimeEntryFactory(ticket=ticket, agent=here, units=16, booked_local="2026-11-01 00:00:00")

    own = own_entries(IN_OCTOBER, user=anna)

    assert {entry.minutes for entry in own} == {2, 4}
    assert minutes(By.CUSTOMER, own) == {"K1001": 2, "": 4}
    assert not select_entries(IN_OCTOBER, user=anna).exists()


def test_who_is_no_agent_or_not_signed_in_has_no_own_entries(customer: Customer) -> None:
    ticket_of(customer, 1)

    assert not own_entries(IN_OCTOBER, user=manager(customer)).exists()
    assert not own_entries(IN_OCTOBER, user=AnonymousUser()).exists()


@pytest.mark.parametrize("asked", [Narrowing(), Narrowing(standing=Standing.UNBILLED)])
def test_selection_without_standing_is_the_same_selection(customer: Customer, asked: Narrowing) -> None:
    book(ticket_of(customer, 1), 2, at=DAY)
    user = boss()

    entries = select_entries(Span.of_month(OCTOBER), user=user, narrowing=asked, standing=False)

    assert set(entries) == set(select_entries(Span.of_month(OCTOBER), user=user, narrowing=asked))
    assert total(entries).unbilled_minutes == 3


def test_claims_are_not_read_for_a_selection_without_standing(customer: Customer) -> None:
    user = boss()
    with CaptureQueriesContext(connection) as queries:
        list(select_entries(IN_OCTOBER, user=user, standing=False))

    assert "allocation" not in queries.captured_queries[-1]["sql"]
