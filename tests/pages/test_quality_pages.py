"""The data quality page and the page of each check."""

import re
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.months import Month
from tests.billing.scenes import book, read_completely, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.pages import inline_parts
from tests.pages.parts import table_of
from tests.pages.test_access import text_of
from tests.pages.world import HOSTILE, MARK, MARKED_MINUTES, NOW, World, signed_in
from tickets.models import Agent, Customer, Ticket, TicketSystem
from tickets.quality_checks import BULK, CHECKS, WITHOUT_CUSTOMER

KEYS = [check.key for check in CHECKS]


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, address: str = "") -> str:
    response = client.get(f"/tickets/quality/{address}")
    assert response.status_code == 200
    return response.content.decode()


def found(html: str) -> dict[str, str]:
    """What the page says of each check, by its title."""
    parts = re.findall(r"<h2>(.*?)</h2>\s*<p>(.*?)</p>", html, re.DOTALL)
    return {plain(title): plain(text) for title, text in parts}


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


@pytest.fixture
def faulty(world: World) -> Ticket:
    """A ticket of a customer without name whose entries nearly every check finds, and a bulk of closed tickets."""
    nameless = CustomerFactory(system=world.system, customer_id="10005")
    world.system.internal_queues = ["Intern"]
    world.system.save()
    closed_at = datetime.fromisoformat("2026-10-31T23:59:59+01:00")
    for _number in range(BULK):
        ticket_of(nameless, closed_at=closed_at)
    ticket = TicketFactory(system=world.system, customer=nameless, title=HOSTILE)
    by_id, by_login = (
        AgentFactory(system=world.system, id_only=True),
        AgentFactory(system=world.system, login_only=True),
    )
    for units in (600, -5, 0):
        TimeEntryFactory(ticket=ticket, units=units, queue="Intern", agent=by_id)
    TimeEntryFactory(ticket=ticket, agent=by_login)
    book(ticket_of(None, system=world.system), 3)
    book(TicketFactory(system=world.system, customer=nameless, number_only=True), 4)
    book(ticket, 2, at="2026-12-24 10:00:00")
    found: Ticket = ticket
    return found


def test_every_check_says_what_it_found(client: Client, faulty: Ticket) -> None:
    assert found(page(client, "?period=2026-10")) == {
        "Closed tickets without time": "10 tickets · 0 min",
        "Tickets closed in bulk": "10 tickets · 0 min",
        "Time on tickets without customer": "1 entry · 3 min",
        "Customers that nobody has named here": "1 customer · 614 min",
        "Time on tickets that only time accounting named": "1 entry · 4 min",
        "Time on internal queues": "3 entries · 595 min",
        "Time on tickets that are still open": "6 entries · 8,562 min",
        "Entries of more than 8 hours": "3 entries · 16,426 min",
        "Negative entries": "1 entry · -5 min",
        "Entries of zero minutes": "1 entry · 0 min",
        "Entries booked in the future": "nothing found",
        "Agents known by UserID only": "1 agent · 595 min",
        "Agents known by login only": "1 agent · 15 min",
    }


def test_check_that_depends_on_the_set_up_says_so(client: Client) -> None:
    assert found(page(client))["Time on internal queues"] == "no internal queue is set up"

    TicketSystem.objects.update(internal_queues=["Intern"])

    assert found(page(client))["Time on internal queues"] == "nothing found"


@pytest.mark.parametrize("key", KEYS)
def test_page_of_a_check_lists_what_was_counted(client: Client, faulty: Ticket, key: str) -> None:
    counts = re.findall(
        rf'href="/tickets/quality/{key}/\?period=all">[^<]+</a></h2>\s*<p><strong>(\d+)', page(client, "?period=all")
    )

    html = page(client, f"{key}/?period=all")

    rows = table_of(html).rows
    assert counts == [str(len(rows))]
    assert key.startswith("agents") or all(row[0].links or row[1].links for row in rows)
    assert inline_parts(html) == []
    assert "<svg onload" not in html


@pytest.mark.parametrize("key", KEYS)
def test_file_of_a_check_holds_its_rows(client: Client, faulty: Ticket, key: str) -> None:
    rows = table_of(page(client, f"{key}/?period=all")).rows

    response = client.get(f"/tickets/quality/{key}/?period=all&export=csv")

    lines = response.content.decode().splitlines()
    assert response["Content-Disposition"] == f'attachment; filename="{key}_all.csv"'
    assert len(lines) == 1 + len(rows) + 1
    assert lines[-1].startswith("Total")


def test_first_hundred_rows_are_shown_and_the_file_holds_all(world: World, client: Client) -> None:
    for _number in range(101):
        book(world.ticket, 0)

    html = page(client, "zero-entries/?period=2026-10")
    lines = client.get("/tickets/quality/zero-entries/?period=2026-10&export=csv").content.decode().splitlines()

    assert "101 rows" in html
    assert len(table_of(html).rows) == 100
    assert len(lines) == 1 + 101 + 1


def test_file_of_an_unknown_kind_is_refused_in_words(client: Client, faulty: Ticket) -> None:
    response = client.get("/tickets/quality/zero-entries/?export=pdf")

    assert response.status_code == 400
    assert "choose csv, csv-german or xlsx" in response.content.decode()


def test_tickets_closed_together_say_how_many_they_are(client: Client, faulty: Ticket) -> None:
    bulk = table_of(page(client, "bulk-closed/?period=2026-10"))
    without_time = table_of(page(client, "closed-without-time/?period=2026-10"))

    place = [cell.text for cell in bulk.head].index("Closed in the same minute")
    assert {row[place] for row in bulk.texts} == {"10"}
    assert {row[place] for row in without_time.texts} == {"10"}


def test_rows_lead_to_their_ticket(client: Client, faulty: Ticket) -> None:
    html = page(client, "negative-entries/?period=2026-10")

    assert table_of(html).rows[0][1].links == [f"/tickets/{faulty.pk}/"]


def test_names_lead_to_the_set_up_only_for_those_who_may(world: World, faulty: Ticket) -> None:
    customer = Customer.objects.get(customer_id="10005")

    admin = table_of(page(world.clients["admin"], "unnamed-customers/?period=2026-10"))
    billing = table_of(page(world.clients["billing"], "unnamed-customers/?period=2026-10"))
    agents = [
        table_of(page(world.clients[name], "agents-without-login/?period=2026-10")) for name in ("admin", "billing")
    ]

    assert admin.rows[0][0].links == [f"/admin/tickets/customer/{customer.pk}/change/"]
    assert billing.rows[0][0].links == ["/tickets/?period=all&customer=10005"]
    assert agents[0].rows[0][0].links == [f"/admin/tickets/agent/{Agent.objects.get(login=None).pk}/change/"]
    assert agents[1].rows[0][0].links == []


def test_right_without_the_set_up_pages_leads_to_the_tickets(world: World, faulty: Ticket, admin_user: User) -> None:
    User.objects.filter(pk=admin_user.pk).update(is_staff=False)

    table = table_of(page(signed_in(admin_user), "unnamed-customers/?period=2026-10"))

    assert table.rows[0][0].links == ["/tickets/?period=all&customer=10005"]


def test_ticket_system_is_named_where_there_are_several(world: World, client: Client, faulty: Ticket) -> None:
    alone = [cell.text for cell in table_of(page(client, "zero-entries/?period=2026-10")).head]
    TicketSystemFactory(name="Second")
    together = [cell.text for cell in table_of(page(client, "zero-entries/?period=2026-10")).head]

    assert "Ticket system" not in alone
    assert "Ticket system" in together


@pytest.mark.parametrize("address", ["nothing/", "open-tickets/more/", "Open-Tickets/"])
def test_unknown_check_is_not_there(client: Client, address: str) -> None:
    assert client.get(f"/tickets/quality/{address}").status_code == 404


def test_month_that_was_not_read_is_named(world: World, client: Client) -> None:
    sentence = "September 2026 was not yet read in full from Helpdesk: there may be more to find."
    assert sentence in page(client, "?period=2026-09")
    assert sentence in page(client, "zero-entries/?period=2026-09")

    read_completely(world.system, month=Month(2026, 9))

    assert "not yet read in full" not in page(client, "?period=2026-09")


def test_check_without_rows_says_so(client: Client) -> None:
    assert "This check found nothing in the period." in page(client, "zero-entries/?period=2026-10")


@pytest.mark.parametrize("key", [key for key in KEYS if key != WITHOUT_CUSTOMER.key])
@pytest.mark.parametrize("query", ["?period=all", "?period=2026-10&export=csv", "?period=all&sort=-minutes"])
def test_manager_finds_no_byte_of_another_customer(world: World, faulty: Ticket, key: str, query: str) -> None:
    Ticket.objects.filter(customer=world.foreign).update(customer=world.foreign, state_type="open")

    response = world.clients["manager"].get(f"/tickets/quality/{key}/{query}")

    text = text_of(response.content)
    assert response.status_code == 200
    assert [mark for mark in (MARK, "10005", *map("{:,}".format, MARKED_MINUTES)) if mark in text] == []


def test_time_without_customer_is_for_those_who_see_all(world: World, faulty: Ticket) -> None:
    manager = world.clients["manager"]

    assert "without customer" not in page(manager, "?period=2026-10")
    assert manager.get(f"/tickets/quality/{WITHOUT_CUSTOMER.key}/").status_code == 404


def test_manager_finds_what_belongs_to_the_own_customers(world: World, faulty: Ticket) -> None:
    book(world.ticket, 481)

    assert (
        found(page(world.clients["manager"], "?period=2026-10"))["Entries of more than 8 hours"] == "1 entry · 481 min"
    )


def test_whoever_has_no_customers_is_told_so(world: World) -> None:
    world.customer.account_managers.clear()

    html = page(world.clients["manager"])

    assert "No customers are assigned to you" in html
    assert found(html) == {}


@pytest.mark.parametrize("key", KEYS)
def test_query_count_of_a_check_does_not_depend_on_its_rows(
    world: World, client: Client, faulty: Ticket, key: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    number_of_queries = QUERIES_OF.get(key, QUERIES_OF_ENTRIES)
    with django_assert_num_queries(number_of_queries):
        page(client, f"{key}/?period=all")
    for number in range(3):
        nameless = CustomerFactory(system=world.system, customer_id=f"2000{number}")
        ticket_of(nameless, closed_at=NOW)
        for fields in ({"id_only": True}, {"login_only": True}):
            agent = AgentFactory(system=world.system, **fields)
            TimeEntryFactory(ticket=TicketFactory(system=world.system, customer=nameless), agent=agent, queue="Intern")

    with django_assert_num_queries(number_of_queries):
        page(client, f"{key}/?period=all")


# session, user, rights (twice), zones, systems, count, keys, rows, totals, and three for the frame of the page
QUERIES_OF_ENTRIES = 13
QUERIES_OF = {
    "closed-without-time": QUERIES_OF_ENTRIES + 1,  # minutes of bulk closing
    "bulk-closed": QUERIES_OF_ENTRIES + 1,
    "unnamed-customers": QUERIES_OF_ENTRIES - 2,  # sums and names, instead of count, keys, rows and totals
    "agents-without-login": QUERIES_OF_ENTRIES - 2,
    "agents-without-user-id": QUERIES_OF_ENTRIES - 2,
}


def test_query_count_of_the_page_does_not_depend_on_what_is_found(
    world: World, client: Client, faulty: Ticket, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        page(client, "?period=2026-10")
    for _number in range(5):
        ticket_of(world.customer, 600, 0, -3)

    with django_assert_num_queries(QUERIES):
        page(client, "?period=2026-10")


# session, user, rights (twice), zones, systems, readings, eleven for the checks, and three for the frame of the page
QUERIES = 21
