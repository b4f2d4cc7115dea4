"""The start page: what waits, and whether the data can be trusted."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import BillingRun, Order
from portal.roles import ADMINISTRATOR
from portal.worklist import Amount, final_readings, open_drafts, order_states, system_states
from tests.billing.scenes import OCTOBER, bill, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import NOW, World, account, signed_in
from tickets.models import SyncRun

START_QUERIES = 18


def words(client: Client, path: str = "/") -> str:
    html = client.get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") : html.index("</main>")]).split())


def test_drafts_are_counted_and_summed_by_currency(world: World) -> None:
    swiss = CustomerFactory(system=world.system)
    AgreementFactory(customer=swiss, currency="CHF")
    ticket_of(swiss, 10)
    bill(now=NOW)

    drafts = open_drafts(user=User.objects.get(username="clara"))

    assert [(amount.count, str(amount.net), amount.currency) for amount in drafts.amounts] == [
        (1, "10.00", "CHF"),
        (2, "7949.00", "EUR"),
    ]
    assert (drafts.count, drafts.unsafe) == (3, 0)


def test_manager_counts_only_the_own_ones(world: World) -> None:
    text = words(world.clients["manager"])

    assert "draft 1 · 30.00 EUR approved 0 issued 0 exported 0" in text


def test_drafts_of_all_months_wait_for_those_who_may_approve(world: World) -> None:
    assert "Drafts to review, of all months 2 7,949.00 EUR" in words(world.clients["billing"])
    assert "Drafts to review" not in words(world.clients["manager"])


def test_drafts_from_incomplete_data_are_told_apart(world: World) -> None:
    Order.objects.filter(pk=world.order.pk).update(complete=False)

    assert "1 from incomplete data" in words(world.clients["billing"])


def test_states_cover_the_month_only(world: World) -> None:
    user = User.objects.get(username="anna")

    october = {state.value: state.amounts for state in order_states(OCTOBER, user=user)}
    september = [state.amounts for state in order_states(OCTOBER.previous, user=user)]

    assert [amount.count for amount in october["draft"]] == [1]
    assert all(isinstance(amount, Amount) for amount in october["draft"])
    assert september == [[], [], [], []]


def test_last_run_tells_its_problems_to_those_who_can_act(world: World) -> None:
    failure = {"customer": "x", "customer_id": "y", "error": "z"}
    BillingRun.objects.update(complete=False, state="partly", problems=["one", "two"], failures=[failure])

    for role, shown in (("billing", True), ("manager", False)):
        text = words(world.clients[role])

        assert "partly done" in text
        assert ("incomplete data: 2; customers that could not be billed: 1" in text) is shown


def test_each_ticket_system_tells_its_latest_and_its_latest_final_reading(world: World) -> None:
    SyncRunFactory(system=world.system, month="2026-11-01", failed=True)
    TicketSystemFactory(name="Never read")
    TicketSystemFactory(name="Switched off", active=False)

    states = {state.system.name: (state.latest, state.final) for state in system_states()}

    complete, failed = SyncRun.objects.order_by("pk")
    assert states == {"Helpdesk": (failed, complete), "Never read": (None, None)}
    assert "The ticket system does not answer." in words(world.clients["billing"])
    assert "The ticket system does not answer." not in words(world.clients["manager"])
    assert "Never read yet." in words(world.clients["manager"])


def test_reading_of_a_month_that_goes_on_is_not_called_complete(world: World) -> None:
    SyncRunFactory(system=world.system, month="2026-11-01", complete_run=True)

    text = words(world.clients["billing"])

    assert "Helpdesk November 2026 done the month was not over Read in full last: October 2026" in text


def test_latest_final_reading_is_that_of_the_latest_end(db: None) -> None:
    system = TicketSystemFactory()
    early = SyncRunFactory(system=system, complete_run=True, started_at="2026-10-20T04:00Z")
    assert final_readings() == {}

    final = SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=system, failed=True)

    assert final_readings() == {system.pk: final}
    assert early.pk < final.pk


def test_first_steps_lead_to_where_they_are_done(db: None) -> None:
    text = signed_in(account("dora", ADMINISTRATOR, is_staff=True)).get("/").content.decode()

    assert "First steps" in text
    assert 'href="/admin/tickets/ticketsystem/"' in text
    assert 'href="/admin/billing/agreement/"' in text


def test_first_steps_show_what_is_done(db: None) -> None:
    SyncRunFactory(complete_run=True)

    text = words(signed_in(account("dora", ADMINISTRATOR, is_staff=True)))

    assert "Done: Connect a ticket system and check the connection" in text
    assert "Done: Read the tickets of the previous month" in text


def test_first_steps_are_gone_after_the_first_order(world: World) -> None:
    assert "First steps" not in words(world.clients["admin"])


@pytest.mark.parametrize(
    ("systems", "readings", "sentence"),
    [
        (0, 0, "No ticket system is connected yet."),
        (2, 1, "Not every ticket system was read in full after the end of a month yet."),
        (1, 1, "Read in full last: 2026-11-01 06:00"),
    ],
)
def test_footer_tells_the_age_of_the_data(now: None, db: None, systems: int, readings: int, sentence: str) -> None:
    made = [TicketSystemFactory() for _number in range(systems)]
    for system in made[:readings]:
        SyncRunFactory(system=system, complete_run=True)

    assert sentence in signed_in(account("dora", ADMINISTRATOR)).get("/").content.decode()


def test_query_count_does_not_depend_on_systems_and_orders(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = world.clients["billing"]
    with django_assert_num_queries(START_QUERIES):
        client.get("/")
    for _number in range(2):
        SyncRunFactory(complete_run=True)
        ticket_of(CustomerFactory(system=world.system), 10)
    bill(now=NOW)

    with django_assert_num_queries(START_QUERIES):
        client.get("/")
