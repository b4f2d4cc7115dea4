"""The start page: what waits, and whether the data can be trusted."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.agreement_models import PrepaidBlock, PrepaidMovement
from billing.models import Agreement, BillingRun, Order
from billing.prepaid import move
from billing.run_models import RunMail, RunStart
from common.money import plain
from outofoffice.models import Upload
from portal.roles import ADMINISTRATOR
from portal.worklist import time as time_lines
from portal.worklist.lines import Amount, Line
from portal.worklist.orders import open_drafts, order_states
from portal.worklist.readings import final_readings, system_states
from tests.billing.scenes import OCTOBER, bill, book, issue, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, SyncRunFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.world import MARK, NOW, World, account, signed_in
from tickets.models import SyncRun

START_QUERIES = 72
CURRENCIES = ("CHF", "EUR")


def words(client: Client, path: str = "/") -> str:
    html = client.get(path).content.decode()
    html = re.sub(r'<span class="counted-text".*?</span>\s*<a.*?</a></span>', "", html, flags=re.DOTALL)
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", main.replace("How is this counted?", "")).split())


def lines_of(client: Client) -> dict[str, Line]:
    context = client.get("/").context
    return {line.key: line for line in [*context["lines"], *context["notes"]]}


def rows_of(client: Client, url: str) -> int:
    """Of the list that the line leads to, on all of its pages."""
    context = client.get(url).context
    if "systems" in context and "open_only" in context:
        return sum(len(each.months) + len(each.agents) for each in context["systems"])
    return int(context["table"].paginator.count)


def totals_of(client: Client, url: str) -> list[dict[str, str]]:
    return [
        {name: plain(each) for name, each in total.sums.items()} for total in client.get(url).context["table"].totals
    ]


@pytest.fixture
def busy(world: World) -> World:
    """Something of everything waits."""
    bill(now=NOW)
    issue(NOW)
    book(world.ticket, 12)
    book(world.foreign_ticket, 13)
    ticket_of(world.customer, 40, closed=None, title="Old")
    TimeEntryFactory(ticket=world.ticket, booked_local="2026-07-02 10:00:00", units=7)
    SyncRunFactory(system=world.system, month="2026-11-01", failed=True)
    swiss = CustomerFactory(system=world.system)
    AgreementFactory(customer=swiss, currency="CHF")
    ticket_of(swiss, 10)
    ticket_of(CustomerFactory(system=world.system), 20)
    run = bill(now=NOW, customer=swiss)
    bill(now=NOW, customer=world.customer, month=OCTOBER.previous)
    BillingRun.objects.filter(pk=run.pk).update(complete=False, state="partly")
    for customer in (world.customer, world.foreign):
        block = PrepaidBlock.objects.create(customer=customer, name="Block", starts="2026-01-01")
        move(block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(100), reason="", user=None, now=NOW)
        move(block, kind=PrepaidMovement.Kind.ADJUSTED, minutes=Decimal(-80), reason="used", user=None, now=NOW)
    start = RunStart.objects.create(run=run, by="scheduler", at=NOW, ended_at=NOW)
    to = User.objects.get(username="dora")
    RunMail.objects.create(start=start, kind="result", user=to, state="failed", due_at=NOW, ended_at=NOW, error="No")
    return world


def test_every_number_is_that_of_the_rows_behind_it(busy: World) -> None:
    expected = {
        "admin": {"drafts", "discrepancies", "unbilled", "readings", "runs", "prepaid", "uploads", "outbox"}
        | {"registrations", "mails", "agents"},
        "billing": {"drafts", "discrepancies", "unbilled", "readings", "runs", "prepaid", "outbox", "registrations"}
        | {"agents"},
        "manager": {"discrepancies", "unbilled", "prepaid", "outbox", "registrations"},
        "stranger": {"discrepancies", "unbilled", "prepaid", "outbox", "registrations"},
    }

    for role, keys in expected.items():
        client = busy.clients[role]
        lines = lines_of(client)

        assert lines.keys() - {"left_out"} == keys, role
        for line in lines.values():
            assert (line.count, line.count > 0) == (rows_of(client, line.url), True), (role, line)


def test_sums_are_those_of_the_rows_behind_them(busy: World) -> None:
    client = busy.clients["billing"]
    lines = lines_of(client)

    drafts = totals_of(client, lines["drafts"].url)
    unbilled = totals_of(client, lines["unbilled"].url)
    stake = totals_of(client, lines["discrepancies"].url)

    sums = [f"{Decimal(net['net_amount']):,.2f} {currency}" for net, currency in zip(drafts, CURRENCIES, strict=False)]
    assert lines["drafts"].details == (" + ".join(sums),)
    assert lines["unbilled"].title == "Oldest unbilled time, of July 2026"
    assert lines["unbilled"].details == (f"{unbilled[0]['minutes']} min (0:07)", "141 days old")
    assert lines["discrepancies"].details[0] == f"at stake: {Decimal(stake[0]['money_at_stake']):,.2f} EUR"


def test_left_out_time_stands_by_reason_and_leads_to_its_rows(busy: World) -> None:
    client = busy.clients["billing"]
    sums = client.get("/").context["about_time"].left_out
    whole = totals_of(client, "/orders/left-out/?period=2026-10")

    for each in sums:
        assert rows_of(client, each.url) == each.count
        assert totals_of(client, each.url) == [{"minutes": plain(each.minutes)}]
    assert len(sums) > 1
    assert plain(sum(each.minutes for each in sums)) == whole[0]["minutes"]


def test_no_line_names_a_foreign_customer(busy: World) -> None:
    for path in (
        "/",
        "/work-list/",
        "/?period=2026-10",
        "/orders/left-out/?reason=open",
        "/orders/agreements/?prepaid=low",
    ):
        assert MARK not in busy.clients["manager"].get(path).content.decode(), path
    assert MARK in busy.clients["stranger"].get("/orders/agreements/?prepaid=low&period=2026-11").content.decode()


def test_very_many_entries_are_looked_through_after_the_page(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = busy.clients["billing"]
    cache.clear()
    monkeypatch.setattr(time_lines, "ENTRIES_AT_ONCE", 1)

    at_once, later = client.get("/"), client.get("/work-list/", headers={"HX-Request": "true"})
    whole = client.get("/work-list/")

    assert 'hx-get="/work-list/?period=2026-10"' in at_once.content.decode()
    assert {line.key for line in at_once.context["lines"]}.isdisjoint({"discrepancies", "unbilled"})
    assert "<html" not in later.content.decode()
    for response in (later, whole):
        assert {"discrepancies", "unbilled"} <= {line.key for line in response.context["lines"]}
        assert "hx-get" not in response.content.decode()


def test_what_was_found_is_kept_for_some_minutes_and_says_its_time(busy: World) -> None:
    client, part = busy.clients["manager"], {"HX-Request": "true"}
    cache.clear()
    before = client.get("/work-list/", headers=part).context["about_time"]
    book(busy.ticket, 99)

    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        kept = client.get("/work-list/", headers=part)
        looked = client.get("/work-list/").context["about_time"]
        busy.customer.account_managers.clear()
        taken_away = client.get("/work-list/", headers=part).context["about_time"]

    assert kept.context["about_time"] == before
    assert "as of 2026-11-20 10:00." in " ".join(kept.content.decode().split())
    assert looked.lines != before.lines
    assert taken_away.lines == ()


def test_page_is_calm_when_nothing_waits(now: None, db: None) -> None:
    system = TicketSystemFactory()
    SyncRunFactory(system=system, complete_run=True)
    Agreement.objects.filter(is_default=True).update(billing_day=5)

    client = signed_in(account("dora", ADMINISTRATOR))
    client.post("/first-steps/hide/")

    text = words(client)

    assert "Nothing needs you. Next billing run: within minutes, October 2026, for all customers." in text


@pytest.mark.parametrize(
    ("systems", "day", "sentence"),
    [
        (0, None, "No billing run is scheduled: no ticket system is connected."),
        (1, None, "No billing run is scheduled: neither the default agreement nor BILLING_DAY_OF_MONTH names a day"),
        (1, 25, "Next billing run: within minutes, September 2026, for all customers."),
    ],
)
def test_next_run_or_why_there_is_none(now: None, db: None, systems: int, day: int | None, sentence: str) -> None:
    for _number in range(systems):
        TicketSystemFactory()
    Agreement.objects.filter(is_default=True).update(billing_day=day)

    assert sentence in words(signed_in(account("dora", ADMINISTRATOR)))


def test_next_run_comes_when_its_day_has_come(world: World) -> None:
    Agreement.objects.filter(is_default=True).update(billing_day=25)
    RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW)

    text = words(world.clients["billing"])

    assert "Next billing run: 2026-11-25 00:00, October 2026, for all customers." in text


def test_next_run_for_customers_with_terms_of_their_own(world: World) -> None:
    Agreement.objects.filter(customer=world.customer).update(billing_day=24)
    RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW)

    text = words(world.clients["billing"])

    assert "Next billing run: 2026-11-24 00:00, October 2026, for 1 customer with terms of its own." in text


def test_expired_registration_holds_the_next_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.worklist.next_run.hold", lambda **given: "The registration has expired.")

    reason = "No billing run is scheduled while the registration of this portal has expired."

    assert reason in words(world.clients["billing"])


def test_manager_without_customers_is_told_why_nothing_is_there(world: World) -> None:
    world.customer.account_managers.clear()

    assert "No customers are assigned to you, so there is nothing to see yet." in words(world.clients["manager"])


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
    assert "2 Drafts to review, of all months 7,949.00 EUR" in words(world.clients["billing"])
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


@pytest.mark.parametrize(
    ("systems", "readings", "sentence"),
    [
        (0, 0, "No ticket system is connected yet."),
        (2, 1, "Not every ticket system was read yet."),
        (1, 1, "Data as of 2026-11-01 05:00, complete"),
    ],
)
def test_footer_tells_the_age_of_the_data(now: None, db: None, systems: int, readings: int, sentence: str) -> None:
    made = [TicketSystemFactory() for _number in range(systems)]
    for system in made[:readings]:
        SyncRunFactory(system=system, complete_run=True)

    assert sentence in signed_in(account("dora", ADMINISTRATOR)).get("/").content.decode()


def test_query_count_does_not_depend_on_how_much_waits(
    busy: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = busy.clients["admin"]
    with django_assert_num_queries(START_QUERIES):
        client.get("/")
    for number in range(2):
        SyncRunFactory(complete_run=True)
        SyncRunFactory(system=busy.system, month=f"2026-0{8 + number}-01", failed=True)
        ticket_of(CustomerFactory(system=busy.system), 10)
        book(busy.ticket, 3 + number)
        customer = CustomerFactory(system=busy.system)
        block = PrepaidBlock.objects.create(customer=customer, name="Block", starts="2026-01-01")
        move(block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(100), reason="", user=None, now=NOW)
        Upload.objects.filter(pk=busy.upload.pk).update(uploaded_at=NOW - timedelta(days=number))
        agent = AgentFactory(system=busy.system)
        TimeEntryFactory(ticket=busy.ticket, agent=agent)
    bill(now=NOW)

    with django_assert_num_queries(START_QUERIES):
        client.get("/")
