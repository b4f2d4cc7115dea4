"""The checks of the data quality page: what each one finds, and what it must not find."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from pytest_django import DjangoAssertNumQueries

from common.months import Month
from common.spans import Span
from tests.factories.tickets import (
    AgentFactory,
    CustomerFactory,
    SyncRunFactory,
    TicketClosingFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
)
from tickets import quality_checks as checks
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry
from tickets.quality import Group, entries_of, find_all, groups_of, systems_not_read
from tickets.quality_checks import BULK, CHECKS, Check, Kind, Scope, scope_of
from tickets.quality_closings import closed_together, tickets_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
OCTOBER = Span.of_month(Month(2026, 10))
CLOSED_AT = datetime(2026, 10, 20, 15, 3, 7, tzinfo=UTC)
ENTRY_CHECKS = [check for check in CHECKS if check.kind != Kind.TICKETS]


@pytest.fixture
def reader(django_user_model: type[User]) -> User:
    """Sees all customers."""
    user = django_user_model.objects.create_user("clara")
    user.user_permissions.add(Permission.objects.get(codename="see_all_customers"))
    user.has_perm("")  # reads the rights
    return user


@pytest.fixture
def system(db: None) -> TicketSystem:
    found: TicketSystem = TicketSystemFactory(name="Helpdesk", internal_queues=["Intern", "Urlaub"])
    return found


@pytest.fixture
def customer(system: TicketSystem) -> Customer:
    found: Customer = CustomerFactory(system=system, name="Königsbau AG")
    return found


def closed(customer: Customer | None, *, number: int = 1, at: datetime = CLOSED_AT, **fields: Any) -> list[Ticket]:
    """Tickets closed in the month of ``at`` in UTC."""
    system = fields.pop("system", None) or (customer.system if customer else TicketSystemFactory())
    values: dict[str, Any] = {"customer": customer, "system": system, "closed": True, "closed_at": at} | fields
    tickets: list[Any] = [TicketFactory(**values) for _number in range(number)]
    for ticket in tickets:
        TicketClosingFactory(ticket=ticket, month=at.date().replace(day=1))
    return tickets


def booked(customer: Customer, units: int | str = 15, **fields: Any) -> TimeEntry:
    """An entry on a closed ticket unless one is given."""
    ticket = fields.pop("ticket", None) or closed(customer)[0]
    entry: TimeEntry = TimeEntryFactory(ticket=ticket, units=Decimal(units), **fields)
    return entry


def found_by(check: Check, user: Any, span: Span = OCTOBER, now: datetime = NOW) -> set[Any]:
    """Primary keys of what the check lists."""
    scope = scope_of(span, user=user, now=now)
    match check.kind:
        case Kind.TICKETS:
            return set(tickets_of(check, scope).values_list("pk", flat=True))
        case Kind.ENTRIES:
            return set(entries_of(check, scope).values_list("pk", flat=True))
        case _:
            return {group.record.pk for group in groups_of(check, scope)}


def numbers(scope: Scope) -> dict[str, tuple[int, Decimal]]:
    """Count and minutes by check, as far as something was found."""
    return {each.check.key: (each.count, each.minutes) for each in find_all(scope) if each.count}


def october(user: Any) -> Scope:
    return scope_of(OCTOBER, user=user, now=NOW)


def test_nothing_is_found_in_an_empty_mirror(reader: User) -> None:
    findings = find_all(october(reader))

    assert [finding.check for finding in findings] == list(CHECKS)
    assert {(finding.count, finding.minutes) for finding in findings} == {(0, Decimal(0))}


def test_ordinary_time_is_found_by_no_check(reader: User, customer: Customer) -> None:
    booked(customer)

    assert numbers(october(reader)) == {}


def test_ticket_closed_without_time_is_found(reader: User, customer: Customer) -> None:
    (ticket,) = closed(customer, time_units=None)
    booked(customer)

    assert found_by(checks.WITHOUT_TIME, reader) == {ticket.pk}


@pytest.mark.parametrize(
    "fields",
    [
        {"time_units": Decimal(5)},  # the ticket system knows of time: a difference, which the sync reports
        {"state_type": "open"},  # open again
        {"state_type": "merged"},
        {"at": datetime(2026, 9, 20, 15, tzinfo=UTC)},
    ],
)
def test_ticket_without_time_is_not_found_where_it_says_nothing(
    reader: User, customer: Customer, fields: dict[str, Any]
) -> None:
    closed(customer, **fields)

    assert found_by(checks.WITHOUT_TIME, reader) == set()


def test_ticket_whose_time_is_gone_is_without_time(reader: User, customer: Customer) -> None:
    entry = booked(customer, gone=True)

    assert found_by(checks.WITHOUT_TIME, reader) == {entry.ticket_id}


def test_state_types_that_count_as_closed_are_each_systems_own(reader: User) -> None:
    own = TicketSystemFactory(closed_state_types=["done"])
    (ticket,) = closed(None, system=own, state_type="done")
    closed(None, system=own, state_type="closed")

    assert found_by(checks.WITHOUT_TIME, reader) == {ticket.pk}


def test_merged_tickets_are_not_without_time_even_where_they_count_as_closed(reader: User) -> None:
    closed(None, system=TicketSystemFactory(closed_state_types=["closed", "merged"]), state_type="merged")

    assert found_by(checks.WITHOUT_TIME, reader) == set()


def test_ten_tickets_closed_in_one_minute_are_found_with_their_time(reader: User, customer: Customer) -> None:
    tickets = closed(customer, number=BULK, at=CLOSED_AT)
    tickets[0].closed_at = CLOSED_AT + timedelta(seconds=52)  # 15:03:59
    tickets[0].save()
    booked(customer, "7.25", ticket=tickets[0])
    booked(customer, 30, ticket=tickets[1])

    scope = october(reader)

    assert found_by(checks.BULK_CLOSED, reader) == {ticket.pk for ticket in tickets}
    assert numbers(scope)["bulk-closed"] == (10, Decimal("37.25"))
    assert list(closed_together(scope).values()) == [10]


def test_nine_and_the_next_minute_are_no_bulk(reader: User, customer: Customer) -> None:
    closed(customer, number=BULK - 1)
    closed(customer, at=CLOSED_AT + timedelta(seconds=53))

    assert found_by(checks.BULK_CLOSED, reader) == set()


def test_bulk_is_counted_by_ticket_system(reader: User, customer: Customer) -> None:
    closed(customer, number=BULK - 1)
    closed(CustomerFactory(), number=1)

    assert found_by(checks.BULK_CLOSED, reader) == set()


def test_bulk_is_counted_among_the_tickets_one_may_see(
    reader: User, customer: Customer, django_user_model: type[User]
) -> None:
    manager = django_user_model.objects.create_user("anna")
    customer.account_managers.add(manager)
    closed(customer, number=BULK - 1)
    closed(CustomerFactory(system=customer.system), number=1)

    assert len(found_by(checks.BULK_CLOSED, reader)) == BULK
    assert found_by(checks.BULK_CLOSED, manager) == set()


@pytest.mark.parametrize(
    ("zone", "at", "found"),
    [
        ("Europe/Berlin", datetime(2026, 9, 30, 22, tzinfo=UTC), True),  # midnight of October 1 there
        ("Europe/Berlin", datetime(2026, 9, 30, 21, 59, tzinfo=UTC), False),
        ("Europe/Berlin", datetime(2026, 10, 31, 22, 59, tzinfo=UTC), True),
        ("Europe/Berlin", datetime(2026, 10, 31, 23, tzinfo=UTC), False),
        ("Asia/Tokyo", datetime(2026, 9, 30, 15, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC), True),
    ],
)
def test_month_of_bulk_closing_is_the_ticket_systems_own(reader: User, zone: str, at: datetime, found: bool) -> None:
    closed(None, number=BULK, at=at, system=TicketSystemFactory(time_zone=zone))

    assert bool(found_by(checks.BULK_CLOSED, reader)) is found
    assert found_by(checks.BULK_CLOSED, reader, Span.everything())


def test_time_without_customer_is_found(reader: User, system: TicketSystem, customer: Customer) -> None:
    (ticket,) = closed(None, system=system)
    entry = booked(customer, ticket=ticket)
    booked(customer)

    assert found_by(checks.WITHOUT_CUSTOMER, reader) == {entry.pk}


def test_customers_without_a_name_are_found_with_their_time(reader: User, system: TicketSystem) -> None:
    nameless = CustomerFactory(system=system, customer_id="10005")
    booked(nameless, 10)
    booked(nameless, 20)
    CustomerFactory(system=system)  # without time in the month

    scope = october(reader)

    assert groups_of(checks.UNNAMED_CUSTOMERS, scope) == [Group(record=nameless, entries=2, minutes=Decimal(30))]
    assert numbers(scope) == {"unnamed-customers": (1, Decimal(30))}


def test_ticket_that_only_time_accounting_named_is_found(reader: User, customer: Customer) -> None:
    ticket = TicketFactory(customer=customer, system=customer.system, number_only=True)
    entry = booked(customer, ticket=ticket)

    assert found_by(checks.NUMBER_ONLY, reader) == {entry.pk}


@pytest.mark.parametrize(
    ("queue", "queue_of_ticket", "found"),
    [
        ("Intern", "Support", True),
        ("Urlaub", "Support", True),
        ("Support", "Intern", False),  # it was moved there later
        ("", "Intern", True),
        ("", "Support", False),
        ("Intern::Sub", "Support", False),
    ],
)
def test_time_on_internal_queues_is_found(
    reader: User, customer: Customer, queue: str, queue_of_ticket: str, found: bool
) -> None:
    booked(customer, queue=queue, ticket=closed(customer, queue=queue_of_ticket)[0])

    assert bool(found_by(checks.INTERNAL_QUEUES, reader)) is found


def test_internal_queues_are_each_systems_own(reader: User) -> None:
    booked(CustomerFactory(name="Other"), queue="Intern")

    assert found_by(checks.INTERNAL_QUEUES, reader) == set()


@pytest.mark.parametrize(
    ("state_type", "found"),
    [("open", True), ("new", True), ("pending reminder", True), ("closed", False), ("merged", False), ("", False)],
)
def test_time_on_open_tickets_is_found(reader: User, customer: Customer, state_type: str, found: bool) -> None:
    booked(customer, ticket=TicketFactory(customer=customer, system=customer.system, state_type=state_type))

    assert bool(found_by(checks.OPEN_TICKETS, reader)) is found


def test_open_state_type_that_counts_as_closed_is_not_open(reader: User) -> None:
    own = TicketSystemFactory(closed_state_types=["closed", "pending auto"])
    booked(CustomerFactory(), ticket=TicketFactory(system=own, state_type="pending auto"))

    assert found_by(checks.OPEN_TICKETS, reader) == set()


@pytest.mark.parametrize(
    ("units", "key"),
    [
        ("480", None),
        ("480.01", "long-entries"),
        ("-0.01", "negative-entries"),
        ("0", "zero-entries"),
        ("0.01", None),
    ],
)
def test_odd_lengths_are_found(reader: User, customer: Customer, units: str, key: str | None) -> None:
    booked(customer, units)

    assert numbers(october(reader)) == ({key: (1, Decimal(units))} if key else {})


def test_length_is_measured_in_minutes_not_in_time_units(reader: User) -> None:
    system = TicketSystemFactory(minutes_per_unit=Decimal(60))

    entry = booked(CustomerFactory(system=system, name="Other"), "8.5")

    assert numbers(october(reader)) == {"long-entries": (1, Decimal(510))}
    assert found_by(checks.LONG, reader) == {entry.pk}


def test_entry_after_the_clock_of_the_portal_is_found(reader: User, customer: Customer) -> None:
    entry = booked(customer, booked_local="2026-11-20 10:00:01")  # 09:00:01 in UTC
    booked(customer, booked_local="2026-11-20 10:00:00")

    assert found_by(checks.FUTURE, reader, Span.of_month(Month(2026, 11))) == {entry.pk}


def test_half_known_agents_are_found_with_their_time(reader: User, customer: Customer) -> None:
    id_only, login_only = (
        AgentFactory(system=customer.system, id_only=True),
        AgentFactory(system=customer.system, login_only=True),
    )
    booked(customer, 10, agent=id_only)
    booked(customer, 20, agent=id_only)
    booked(customer, 5, agent=login_only)

    scope = october(reader)

    assert groups_of(checks.WITHOUT_LOGIN, scope) == [Group(record=id_only, entries=2, minutes=Decimal(30))]
    assert [(group.key, group.minutes) for group in groups_of(checks.WITHOUT_USER_ID, scope)] == [
        (login_only.login, Decimal(5))
    ]
    assert numbers(scope) == {"agents-without-login": (1, Decimal(30)), "agents-without-user-id": (1, Decimal(5))}


@pytest.mark.parametrize(
    ("day", "found"), [("2026-09-30 23:59:59", 0), ("2026-10-01 00:00:00", 1), ("2026-11-01 00:00:00", 0)]
)
def test_days_of_the_span_count(reader: User, customer: Customer, day: str, found: int) -> None:
    booked(customer, 0, booked_local=day)

    assert len(found_by(checks.ZERO, reader)) == found
    assert len(found_by(checks.ZERO, reader, Span.everything())) == 1


def test_gone_entries_are_not_found(reader: User, customer: Customer) -> None:
    booked(customer, 600, gone=True)

    assert found_by(checks.LONG, reader) == set()


@pytest.fixture
def faulty(system: TicketSystem) -> TimeEntry:
    """One entry that nearly every check finds, and tickets for the others."""
    nameless = CustomerFactory(system=system, customer_id="foreign")
    closed(nameless, number=BULK)
    ticket = TicketFactory(system=system, customer=nameless, ticket_id=None)
    agent = AgentFactory(system=system, id_only=True)
    for units in (600, -5, 0):
        booked(nameless, units, ticket=ticket, agent=agent, queue="Intern")
    entry: TimeEntry = booked(nameless, 7, ticket=ticket, agent=AgentFactory(system=system, login_only=True))
    return entry


def test_counts_are_those_of_the_rows(reader: User, faulty: TimeEntry) -> None:
    scope = scope_of(Span.everything(), user=reader, now=datetime(2026, 10, 2, tzinfo=UTC))

    for finding in find_all(scope):
        if finding.check != checks.WITHOUT_CUSTOMER:
            rows = found_by(finding.check, reader, scope.span, scope.now)
            assert finding.count == len(rows) > 0, finding.check.key
    for check in ENTRY_CHECKS:
        assert dict(numbers(scope)).get(check.key, (0, 0))[1] == minutes_of(check, scope)


def minutes_of(check: Check, scope: Scope) -> Decimal:
    return sum(entries_of(check, scope).values_list("minutes", flat=True), Decimal(0))


def test_stranger_finds_nothing_and_is_not_told_of_time_without_customer(
    reader: User, faulty: TimeEntry, django_user_model: type[User]
) -> None:
    stranger = django_user_model.objects.create_user("bernd")
    scope = scope_of(Span.everything(), user=stranger, now=NOW)

    assert numbers(scope) == {}
    assert checks.WITHOUT_CUSTOMER not in [finding.check for finding in find_all(scope)]
    assert all(found_by(check, stranger, Span.everything()) == set() for check in CHECKS)
    assert all(found_by(check, AnonymousUser(), Span.everything()) == set() for check in CHECKS)


def test_manager_finds_what_belongs_to_the_own_customers(faulty: TimeEntry, django_user_model: type[User]) -> None:
    manager = django_user_model.objects.create_user("anna")
    booked(CustomerFactory(system=faulty.system), 700)
    assert faulty.ticket.customer is not None
    faulty.ticket.customer.account_managers.add(manager)

    found = numbers(october(manager))

    assert found["long-entries"] == (1, Decimal(600))
    assert found["unnamed-customers"] == (1, Decimal(602))


def test_number_of_queries_does_not_depend_on_rows_and_systems(
    reader: User, faulty: TimeEntry, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        find_all(october(reader))
    for number in range(3):
        booked(CustomerFactory(system=TicketSystemFactory(name=f"S{number}", internal_queues=["X"])), 600)

    with django_assert_num_queries(QUERIES):
        find_all(october(reader))


# systems, plain checks, seven about tickets, customers and agents, without time, minutes of bulk, its tickets
QUERIES = 12


def test_systems_that_were_not_read_in_full_are_named(reader: User, system: TicketSystem) -> None:
    other = TicketSystemFactory(name="Second")
    TicketSystemFactory(name="Switched off", active=False)
    SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=other, failed=True)

    assert systems_not_read(october(reader)) == ["Second"]
    assert systems_not_read(scope_of(Span.everything(), user=reader, now=NOW)) == []
    two_months = Span(date(2026, 9, 1), date(2026, 11, 1))
    assert systems_not_read(scope_of(two_months, user=reader, now=NOW)) == ["Helpdesk", "Second"]
