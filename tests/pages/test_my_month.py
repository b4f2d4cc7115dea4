"""What an agent has booked in a month, and on which working days nothing."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.months import Month
from portal.reports.my_month import my_month
from tests.billing.scenes import ticket_of
from tests.factories.tickets import AgentFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.parts import table_of
from tests.pages.world import MARK, NOW, World
from tickets.models import Agent, Ticket

OCTOBER = Month(2026, 10)


@pytest.fixture
def agent(world: World) -> Agent:
    """The manager's own; has booked on a ticket of a customer that the manager does not see."""
    agent: Agent = AgentFactory(system=world.system, name="Anna", account=User.objects.get(username="anna"))
    TimeEntryFactory(ticket=world.ticket, agent=agent, units=20)
    TimeEntryFactory(ticket=world.ticket, agent=agent, units=5, booked_local="2026-10-05 11:00:00")
    own = ticket_of(world.foreign, closed=None, number="T-77", title="Their printer")
    TimeEntryFactory(ticket=own, agent=agent, units=40, booked_local="2026-10-31 23:59:59")
    return agent


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["manager"]


def page(client: Client, query: str = "period=2026-10") -> str:
    return client.get(f"/reports/mine/?{query}").content.decode()


def test_month_is_shown_by_day_and_ticket(world: World, agent: Agent, client: Client) -> None:
    found = table_of(page(client))

    assert [row for row in found.texts if len(row) > 3] == [
        ["Mon 2026-10-05", world.ticket.number, world.ticket.title, "2", "25", "25"],
        ["Sat 2026-10-31", "T-77", "Their printer", "1", "40", "40"],
    ]
    assert found.totals == ["Total", "3", "65", ""]


def test_only_own_entries_count(world: World, agent: Agent, client: Client) -> None:
    html = page(client)

    assert MARK not in html
    assert "30" not in {cell for row in table_of(html).texts for cell in row}


def test_ticket_that_the_agent_may_not_open_has_no_link(world: World, agent: Agent, client: Client) -> None:
    html = page(client)

    own = Ticket.objects.get(number="T-77")
    assert f'href="/tickets/{world.ticket.pk}/"' in html
    assert f'href="/tickets/{own.pk}/"' not in html
    assert client.get(f"/tickets/{own.pk}/").status_code == 404


def test_working_days_without_entries_are_shown(world: World, agent: Agent, client: Client) -> None:
    found = my_month(OCTOBER, user=User.objects.get(username="anna"), now=NOW)

    assert found.empty_days == 21
    assert [day.day for day in found.days if not day.work][:3] == [date(2026, 10, day) for day in (1, 2, 6)]
    assert (found.days[-1].day, found.minutes, found.entries) == (date(2026, 10, 31), Decimal(65), 3)
    assert "On 21 days from Monday to Friday nothing is booked." in page(client)


def test_days_that_are_not_over_are_not_missed(world: World, agent: Agent) -> None:
    found = my_month(Month(2026, 11), user=User.objects.get(username="anna"), now=NOW)

    assert [day.day for day in found.days][-1] == date(2026, 11, 19)
    assert found.empty_days == 14


def test_day_is_over_by_the_clock_of_the_ticket_system(world: World, agent: Agent) -> None:
    world.system.time_zone = "Pacific/Auckland"
    world.system.save()

    evening = NOW.replace(hour=12)
    found = my_month(Month(2026, 11), user=User.objects.get(username="anna"), now=evening)

    assert [day.day for day in found.days][-1] == date(2026, 11, 20)


def test_agents_of_several_systems_are_one_person(world: World, agent: Agent, client: Client) -> None:
    other = AgentFactory(system=TicketSystemFactory(name="Second"), login="a", account=agent.account)
    TimeEntryFactory(ticket=TicketFactory(system=other.system, number="2-1"), agent=other, units=7)

    found = table_of(page(client))

    assert [row[-1] for row in found.texts if row[0].startswith("Mon 2026-10-05")] == ["32"]
    assert "Anna (Helpdesk), a (Second)" in page(client)


def test_gone_entries_do_not_count(world: World, agent: Agent, client: Client) -> None:
    agent.entries.filter(units=40).update(gone_at=NOW)

    assert table_of(page(client)).totals == ["Total", "2", "25", ""]


def test_unit_can_be_chosen(world: World, agent: Agent, client: Client) -> None:
    assert table_of(page(client, "period=2026-10&unit=hours")).totals == ["Total", "3", "1.08", ""]


def test_account_without_agent_is_told_so(world: World) -> None:
    html = page(world.clients["billing"])

    assert "No agent belongs to your account" in html
    assert ">My month</a>" not in html


def test_month_that_has_not_begun_is_empty(world: World, agent: Agent, client: Client) -> None:
    assert "No time of yours was read for January 2027." in page(client, "period=2027-01")


def test_navigation_leads_agents_to_their_month(world: World, agent: Agent, client: Client) -> None:
    assert 'href="/reports/mine/"' in client.get("/").content.decode()
    assert 'href="/reports/mine/"' not in world.clients["billing"].get("/").content.decode()


def test_month_can_be_had_as_a_file(world: World, agent: Agent, client: Client) -> None:
    response = client.get("/reports/mine/?period=2026-10&unit=hhmm&export=csv")

    assert list(csv.reader(io.StringIO(response.content.decode()))) == [
        ["Day", "Ticket", "Title", "Ticket system", "Entries", "Minutes", "Hours"],
        ["2026-10-05", world.ticket.number, f"'{world.ticket.title}", "Helpdesk", "2", "25", "0.42"],
        ["2026-10-31", "T-77", "Their printer", "Helpdesk", "1", "40", "0.67"],
        ["Total", "", "", "", "3", "65", "1.08"],
    ]


def test_file_of_a_month_that_is_none_is_refused(world: World, agent: Agent, client: Client) -> None:
    assert client.get("/reports/mine/?period=2026-13&export=csv").status_code == 400


def test_query_count_does_not_depend_on_the_number_of_rows(
    world: World, agent: Agent, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for month, count in (("2026-08", 1), ("2026-06", 30)):
        for number in range(count):
            ticket = ticket_of(world.customer, closed=None)
            TimeEntryFactory(
                ticket=ticket, agent=agent, units=number + 1, booked_local=f"{month}-{number % 28 + 1:02} 10:00:00"
            )

    for month in ("2026-08", "2026-06"):
        with django_assert_num_queries(12):
            client.get(f"/reports/mine/?period={month}")
