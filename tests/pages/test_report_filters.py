"""How reports are narrowed down: what is offered, what an address may say, and that none of it breaks a page."""

import re

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.reports.links import UNKNOWN_QUEUE
from tests.billing.scenes import book, ticket_of
from tests.factories.tickets import TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.parts import table_of
from tests.pages.world import MARK, World
from tickets.models import Agent

pytestmark = pytest.mark.slow

PAGES = ("", "entries/", "pivot/")
HUGE = "9" * 40
NOTHING = "What the filters say cannot be answered; the sentence at the field says why."


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def html_of(client: Client, path: str) -> str:
    response = client.get(f"/reports/{path}")
    assert response.status_code == 200
    return response.content.decode()


def minutes(client: Client, query: str) -> str:
    """The total of what passes; empty where nothing does."""
    totals = table_of(html_of(client, f"?by=queue&period=2026-10&{query}")).totals
    return totals[2] if totals else ""


def options(html: str, name: str) -> list[tuple[str, str]]:
    """Value and text of what a field offers."""
    field = re.search(rf'<select[^>]* name="{name}"[^>]*>(.*?)</select>', html, re.DOTALL)
    return re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', field[1]) if field else []


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", "15,908"),
        ("customer={customer}", "75"),
        ("customer=none", "7"),
        ("agent={agent}", "15,826"),
        ("queue=Zebra+queue", "15,826"),
        ("queue=::", "82"),
        ("queue=nowhere", ""),
        ("ticket={number}", "30"),
        ("ticket=+{number}+", "30"),
        ("standing=billed", "7,949"),
        ("standing=unbilled", "7,952"),
        ("standing=blocked", "7"),
        ("standing=unbilled&customer={customer}", "45"),
        ("agent={agent}&customer={customer}", ""),
        ("system={system}", "15,908"),
    ],
)
def test_filter_lets_pass(world: World, client: Client, query: str, total: str) -> None:
    book(ticket_of(None, system=world.system, closed=None), 7)
    names = {"customer": world.customer.pk, "number": world.ticket.number, "system": world.system.pk}
    agent = Agent.objects.get(name=f"{MARK} agent").pk

    assert minutes(client, query.format(agent=agent, **names)) == total


def test_filters_offer_what_the_manager_may_see(world: World) -> None:
    html = html_of(world.clients["manager"], "?by=agent&period=2026-10")

    agents = TimeEntryFactory._meta.model.objects.filter(ticket__customer=world.customer).values_list(
        "agent", flat=True
    )
    assert {value for value, _text in options(html, "agent")} == {"", *map(str, agents)}
    assert [text for _value, text in options(html, "customer")] == ["All customers", "K1001 Königsbau AG"]
    assert [value for value, _text in options(html, "queue")] == ["", UNKNOWN_QUEUE]
    assert options(html, "system") == []


def test_filters_offer_everything_to_those_who_see_it(world: World, client: Client) -> None:
    html = html_of(client, "?by=agent&period=2026-10")

    assert f"{MARK} agent" in [text for _value, text in options(html, "agent")]
    assert [value for value, _text in options(html, "customer")][-1] == "none"
    assert [value for value, _text in options(html, "queue")] == ["", "Zebra queue", UNKNOWN_QUEUE]


def test_foreign_records_are_answered_like_unknown_ones(world: World) -> None:
    client = world.clients["manager"]
    foreign_agent = Agent.objects.get(name=f"{MARK} agent").pk

    for name, foreign in (("agent", foreign_agent), ("customer", world.foreign.pk)):
        pages = [html_of(client, f"?by=agent&period=2026-10&{name}={pk}") for pk in (foreign, 77777)]
        assert [NOTHING in html for html in pages] == [True, True]
        assert [MARK in html for html in pages] == [False, False]


def test_foreign_ticket_is_answered_like_an_unknown_one(world: World) -> None:
    client = world.clients["manager"]

    foreign = html_of(client, f"?by=ticket&period=2026-10&ticket={world.foreign_ticket.number}")
    unknown = html_of(client, "?by=ticket&period=2026-10&ticket=Unknown")

    assert without_tokens(foreign).replace(world.foreign_ticket.number, "Unknown") == without_tokens(unknown)


def without_tokens(html: str) -> str:
    return re.sub(r'csrfmiddlewaretoken" value="[^"]+', "", html)


def test_number_of_two_tickets_asks_for_the_system(world: World, client: Client) -> None:
    second = TicketSystemFactory(name="Second")
    book(TicketFactory(system=second, number=world.ticket.number), 11)

    html = html_of(client, f"?by=queue&period=2026-10&ticket={world.ticket.number}")

    assert "Several tickets have this number. Choose the ticket system, too." in html
    assert minutes(client, f"ticket={world.ticket.number}&system={second.pk}") == "11"


def test_systems_are_offered_where_there_are_several(world: World, client: Client) -> None:
    TicketSystemFactory(name="Second")

    html = html_of(client, "?by=agent&period=2026-10")

    assert [text for _value, text in options(html, "system")] == ["All systems", "Helpdesk", "Second"]
    assert "Zebra agent (Helpdesk)" in [text for _value, text in options(html, "agent")]


def test_chosen_queue_stays_offered_where_nothing_is_booked_in_it(world: World, client: Client) -> None:
    html = html_of(client, "?period=2026-08&queue=Zebra+queue")

    assert '<option value="Zebra queue" selected>Zebra queue</option>' in html


def test_queues_of_a_long_span_are_kept_for_those_who_see_everything(world: World, client: Client) -> None:
    html_of(client, "?period=2026")
    TimeEntryFactory(ticket=world.ticket, queue="New")

    kept = [value for value, _text in options(html_of(client, "?period=2026"), "queue")]
    of_manager = [value for value, _text in options(html_of(world.clients["manager"], "?period=2026"), "queue")]

    assert kept == ["", "Zebra queue", UNKNOWN_QUEUE]
    assert of_manager == ["", "New", UNKNOWN_QUEUE]


def test_chips_name_what_is_filtered_by_and_take_it_away(world: World, client: Client) -> None:
    html = html_of(client, f"?by=ticket&period=2026-10&unit=hours&customer={world.customer.pk}&standing=billed&page=2")

    chips = re.findall(r'<li><a href="([^"]+)">([^<]+)', html[html.index('class="chips"') :])[:3]
    assert [(href.replace("&amp;", "&"), text.strip()) for href, text in chips] == [
        ("?by=ticket&period=2026-10&unit=hours&standing=billed", "Customer: K1001 Königsbau AG"),
        (f"?by=ticket&period=2026-10&unit=hours&customer={world.customer.pk}", "Billing: billed"),
        ("/reports/?by=ticket&period=2026-10&unit=hours", "Clear all"),
    ]


def test_filters_go_along_to_the_other_views(world: World, client: Client) -> None:
    html = html_of(client, f"?by=agent&from=2026-10-01&to=2026-10-15&unit=hhmm&customer={world.customer.pk}")

    tail = f"period=2026-10-01..2026-10-15&amp;unit=hhmm&amp;customer={world.customer.pk}"
    assert f'href="/reports/?by=queue&amp;{tail}"' in html
    assert f'href="/reports/entries/?{tail}"' in html
    assert f'href="/reports/pivot/?kind=queue_agent&amp;{tail}"' in html


@pytest.mark.parametrize("value", ["x", "-1", "0", HUGE, "1.5", "%00", "'--", "%F0%9F%92%A9", "x" * 3000])
def test_filter_that_makes_no_sense_is_answered_with_a_page(world: World, client: Client, value: str) -> None:
    TicketSystemFactory(name="Second")

    for name in ("agent", "customer", "system", "standing", "ticket", "queue"):
        for path in PAGES:
            html = html_of(client, f"{path}?period=2026-10&{name}={value}")

            assert NOTHING in html or (name == "queue" and "no time passes the filters" in html), (path, name)


@pytest.mark.parametrize(
    "query", ["agent=x&period=2026-10", "period=2026-13", "from=2026-10-02&to=2026-10-01", "ticket=none"]
)
def test_file_is_refused_where_the_address_cannot_be_answered(world: World, client: Client, query: str) -> None:
    for path in PAGES:
        assert client.get(f"/reports/{path}?{query}&export=csv").status_code == 400, path


NAMES = ["by", "kind", "period", "from", "to", "unit", "agent", "customer", "queue", "standing", "ticket", "system"]
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.sampled_from(
        ["all", "2026-10", "agent", "ticket", "agent_day", "queue_agent", "billed", "none", "::", "-minutes", "csv"]
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    path=st.sampled_from((*PAGES, "mine/")),
    query=st.dictionaries(st.sampled_from([*NAMES, "sort", "page", "export"]), VALUES, max_size=6),
)
@example(path="", query={"agent": str(2**63), "customer": str(-(2**63) - 1), "system": str(2**64)})
@example(path="entries/", query={"ticket": "\0", "queue": "\0", "sort": "\0"})
@example(path="", query={"sort": "."})
@example(path="pivot/", query={"period": "1971-01-01..9997-12-31", "kind": "customer_month"})
@example(path="", query={"by": "ticket", "sort": "before", "period": "all", "page": "9" * 30})
def test_no_address_breaks_a_page(world: World, path: str, query: dict[str, str]) -> None:
    for role in ("billing", "manager"):
        response = world.clients[role].get(f"/reports/{path}", query)

        assert response.status_code in (200, 400), (role, query)
