"""What the charts show: the same minutes as the mirror, each leading to its entries."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries

from billing.standing import Standing
from common.charts import Category, Chart
from common.months import Month
from common.spans import Span
from portal.reports.chart_data import MOST_CUSTOMERS, MOST_QUEUES, Subject, charts_of
from portal.reports.choice import Unit, chosen_span
from portal.reports.links import UNKNOWN_QUEUE
from portal.reports.selection import NONE, Narrowing, select_entries
from portal.reports.span_text import span_text
from tests.billing.scenes import bill, book, read_completely, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory, TimeEntryFactory
from tickets.models import Customer, TicketSystem, TimeEntry

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
OCTOBER = Span.of_month(Month(2026, 10))


@pytest.fixture
def reader(django_user_model: type[User]) -> User:
    """Sees all customers."""
    user = django_user_model.objects.create_user("clara")
    user.user_permissions.add(Permission.objects.get(codename="see_all_customers"))
    user.has_perm("")  # reads the rights
    return user


@pytest.fixture
def system(db: None) -> TicketSystem:
    found: TicketSystem = TicketSystemFactory(name="Helpdesk")
    read_completely(found)
    return found


@pytest.fixture
def customer(system: TicketSystem) -> Customer:
    found: Customer = CustomerFactory(system=system, customer_id="K1001", name="Königsbau AG")
    AgreementFactory(customer=found)
    return found


def subject(user: Any, span: Span = OCTOBER, **values: Any) -> Subject:
    given: dict[str, Any] = {"today": TODAY, "narrowing": Narrowing(), "unit": Unit.MINUTES}
    given["parameters"] = {"period": span_text(span), "unit": "minutes"}
    return Subject(span=span, user=user, **given | values)


def chart(key: str, user: Any, span: Span = OCTOBER, **values: Any) -> Chart:
    return {found.key: found for found in charts_of(subject(user, span, **values))}[key]


def minutes(found: Chart) -> dict[str, tuple[Decimal, ...]]:
    """Values by label of the categories that have any."""
    return {row.label: row.values for row in found.categories if any(row.values)}


def entries_behind(url: str, user: User) -> Decimal:
    """Minutes that the page of the link adds up."""
    query = QueryDict(urlsplit(url).query)
    narrowing = Narrowing(
        customer=NONE if query.get("customer") == NONE else int(query["customer"]) if "customer" in query else None,
        queue="" if query.get("queue") == UNKNOWN_QUEUE else query.get("queue"),
        standing=Standing(query["standing"]) if "standing" in query else None,
    )
    entries = select_entries(chosen_span(query, now=NOW).span, user=user, narrowing=narrowing)
    return sum(entries.values_list("minutes", flat=True), Decimal(0))


@pytest.fixture
def varied(customer: Customer, system: TicketSystem) -> None:
    """Time of every standing, of several months, queues and customers, with a correction in it."""
    ticket_of(customer, 30, "12.25")
    ticket_of(customer, 40, closed=None)
    ticket_of(None, 7, system=system)
    unbilled = CustomerFactory(system=system, customer_id="K2", name="")
    AgreementFactory(customer=unbilled, billed=False)
    book(ticket_of(unbilled, 9), "-2.5", at="2026-09-03 10:00:00")
    TimeEntryFactory(ticket=ticket_of(customer, closed=None), queue="Projekte", booked_local="2025-11-01 00:00:00")
    bill(now=NOW)


def test_months_are_stacked_by_standing(reader: User, varied: None) -> None:
    found = chart("month", reader)

    assert found.series == ("billed", "unbilled", "not billable", "blocked")
    assert [row.label for row in found.categories] == [
        *("November 2025", "December 2025", "January 2026", "February 2026", "March 2026", "April 2026"),
        *("May 2026", "June 2026", "July 2026", "August 2026", "September 2026", "October 2026"),
    ]
    assert [row.group for row in found.categories] == 2 * ["2025"] + 10 * ["2026"]
    assert minutes(found) == {
        "November 2025": (0, 15, 0, 0),
        "September 2026": (0, 0, Decimal("-2.5"), 0),
        "October 2026": (Decimal("42.25"), 40, 9, 7),
    }


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (Span.of_year(2025), "January 2025", "December 2025"),
        (Span(date(2026, 10, 5), date(2026, 10, 6)), "November 2025", "October 2026"),
        (Span.everything(), "December 2025", "November 2026"),  # up to today
        (Span.of_month(Month(2027, 3)), "April 2026", "March 2027"),
    ],
)
def test_twelve_months_end_with_the_last_of_the_span(reader: User, span: Span, first: str, last: str) -> None:
    rows = chart("month", reader, span).categories

    assert (len(rows), rows[0].label, rows[-1].label) == (12, first, last)


def test_queues_stand_by_their_minutes(reader: User, varied: None, customer: Customer) -> None:
    TimeEntryFactory(ticket=ticket_of(customer, closed=None), queue="Projekte", units=Decimal(500))

    assert minutes(chart("queue", reader)) == {"Projekte": (500,), "queue not known": (Decimal("98.25"),)}


def test_customers_stand_by_their_minutes(reader: User, varied: None) -> None:
    assert minutes(chart("customer", reader)) == {
        "Königsbau AG (K1001)": (Decimal("82.25"),),
        "K2": (9,),
        "no customer": (7,),
    }


def test_all_beyond_the_largest_are_one_and_nothing_is_lost(reader: User, system: TicketSystem) -> None:
    for number in range(MOST_CUSTOMERS + 3):
        entry = book(ticket_of(CustomerFactory(system=system), closed=None), number + 1)
        TimeEntry.objects.filter(pk=entry.pk).update(queue=f"Q{number}")

    customers = chart("customer", reader).categories
    queues = chart("queue", reader).categories

    assert [row.total for row in customers] == [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 1 + 2 + 3]
    assert (customers[-1].label, customers[-1].urls) == ("All other customers", ())
    assert all(row.label and row.urls for row in customers[:-1])
    assert MOST_QUEUES >= len(queues) == 13
    assert sum(row.total for row in customers) == sum(row.total for row in queues) == 91


def test_many_queues_are_folded(reader: User, customer: Customer) -> None:
    for number in range(MOST_QUEUES + 2):
        TimeEntryFactory(ticket=ticket_of(customer, closed=None), queue=f"Q{number}")

    rows = chart("queue", reader).categories

    assert len(rows) == MOST_QUEUES + 1
    assert (rows[-1].label, rows[-1].total) == ("All other queues", 30)


def test_customers_called_the_same_are_told_apart_by_their_ticket_system(reader: User, customer: Customer) -> None:
    namesake = CustomerFactory(
        system=TicketSystemFactory(name="Second"), customer_id=customer.customer_id, name=customer.name
    )
    for each in (customer, namesake):
        ticket_of(each, 5, closed=None)

    labels = [row.label for row in chart("customer", reader).categories]

    assert sorted(labels) == ["Königsbau AG (K1001), Helpdesk", "Königsbau AG (K1001), Second"]


@pytest.mark.parametrize(
    ("day", "place"),
    [
        ("2026-12-24", 0),  # of a clock that is wrong
        ("2026-11-20", 0),
        ("2026-10-21", 0),  # 30 days ago
        ("2026-10-20", 1),
        ("2026-09-21", 1),  # 60 days
        ("2026-09-20", 2),
        ("2026-08-22", 2),  # 90 days
        ("2026-08-21", 3),
        ("2019-01-01", 3),
    ],
)
def test_age_of_unbilled_time_is_counted_in_days(reader: User, customer: Customer, day: str, place: int) -> None:
    book(ticket_of(customer, closed=None), 17, at=f"{day} 12:00:00")

    rows = chart("age", reader, Span.of_month(Month(2020, 1))).categories

    assert [row.label for row in rows] == ["Up to 30 days", "31 to 60 days", "61 to 90 days", "More than 90 days"]
    assert [row.total for row in rows] == [17 if place == number else 0 for number in range(4)]
    assert entries_behind(rows[place].urls[0], reader) == 17


def test_age_holds_only_unbilled_time(reader: User, varied: None) -> None:
    assert minutes(chart("age", reader)) == {"31 to 60 days": (40,), "More than 90 days": (15,)}


def test_gone_time_is_in_no_chart(reader: User, customer: Customer) -> None:
    TimeEntryFactory(ticket=ticket_of(customer, closed=None), gone=True)

    assert all(found.is_empty for found in charts_of(subject(reader)))


def test_filters_narrow_every_chart(reader: User, varied: None, customer: Customer) -> None:
    narrowing = Narrowing(customer=customer.pk)

    assert minutes(chart("month", reader, narrowing=narrowing))["October 2026"] == (Decimal("42.25"), 40, 0, 0)
    assert minutes(chart("queue", reader, narrowing=narrowing)) == {"queue not known": (Decimal("82.25"),)}
    assert minutes(chart("customer", reader, narrowing=narrowing)) == {"Königsbau AG (K1001)": (Decimal("82.25"),)}
    billed = Narrowing(customer=customer.pk, standing=Standing.BILLED)
    assert minutes(chart("month", reader, narrowing=billed))["October 2026"] == (Decimal("42.25"), 0, 0, 0)
    other = Narrowing(queue="Projekte", standing=Standing.BILLED)
    assert minutes(chart("age", reader, narrowing=other)) == {"More than 90 days": (15,)}


def bars(found: Chart) -> list[tuple[Category, int]]:
    return [(row, place) for row in found.categories for place, value in enumerate(row.values) if value]


def test_every_bar_leads_to_the_entries_that_make_it(reader: User, varied: None) -> None:
    for found in charts_of(subject(reader, Span.of_year(2026))):
        assert bars(found), found.key
        for row, place in bars(found):
            assert entries_behind(row.url(place), reader) == row.values[place], (found.key, row.label)


def test_month_that_was_never_read_is_marked_and_named(reader: User, varied: None) -> None:
    unread = {Month(2026, 7), Month(2026, 8), Month(2020, 1)}

    found, whole = chart("month", reader, unread=unread), chart("month", reader)

    names = {row.short: row.label for row in found.categories}
    assert (names["Jul*"], names["Aug*"], names["Sep"]) == (
        "July 2026 (never read)",
        "August 2026 (never read)",
        "September 2026",
    )
    assert found.description.endswith(" * Never read from at least one ticket system: 2026-07 to 2026-08.")
    assert "*" not in whole.description
    assert [row.values for row in found.categories] == [row.values for row in whole.categories]


def test_links_keep_the_filters_and_the_unit(reader: User, varied: None, customer: Customer) -> None:
    parameters = {"period": "2026-10", "unit": "hhmm", "agent": "3"}

    found = chart("month", reader, parameters=parameters)

    assert parse_qs(urlsplit(found.categories[-1].urls[1]).query) == {
        "period": ["2026-10"],
        "unit": ["hhmm"],
        "agent": ["3"],
        "standing": ["unbilled"],
    }


@pytest.mark.parametrize(
    ("unit", "name", "text"),
    [(Unit.MINUTES, "minutes", "42.25"), (Unit.HHMM, "hours", "0:42"), (Unit.HOURS, "hours", "0.70")],
)
def test_figures_are_in_the_chosen_unit(reader: User, varied: None, unit: Unit, name: str, text: str) -> None:
    found = chart("month", reader, unit=unit)

    assert found.unit.name == name
    assert found.rows[-1][1][0].text == text


def test_manager_sees_the_own_customers_only(varied: None, customer: Customer, django_user_model: type[User]) -> None:
    manager = django_user_model.objects.create_user("anna")
    customer.account_managers.add(manager)

    assert minutes(chart("month", manager))["October 2026"] == (Decimal("42.25"), 40, 0, 0)
    assert minutes(chart("customer", manager)) == {"Königsbau AG (K1001)": (Decimal("82.25"),)}
    assert minutes(chart("age", manager)) == {"31 to 60 days": (40,), "More than 90 days": (15,)}


def test_stranger_sees_nothing(varied: None, django_user_model: type[User]) -> None:
    for user in (django_user_model.objects.create_user("bernd"), AnonymousUser()):
        assert all(found.is_empty for found in charts_of(subject(user)))


def test_number_of_queries_does_not_depend_on_what_is_shown(
    reader: User, varied: None, system: TicketSystem, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        charts_of(subject(reader))
    for number in range(20):
        TimeEntryFactory(ticket=ticket_of(CustomerFactory(system=system), number), queue=f"Q{number}")

    with django_assert_num_queries(QUERIES):
        charts_of(subject(reader))


QUERIES = 5  # queues and customers, names of customers, agreements, rules, days
