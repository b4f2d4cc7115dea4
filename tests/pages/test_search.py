"""The search: everything with a number or name, an exact number straight away, and nothing of another's customer."""

from urllib.parse import quote_plus

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.issuing import issue_orders, void_order
from billing.orders import approve_orders
from portal.search.hits import MOST_COUNTED
from portal.search.words import clean_text
from tests.factories.registered_systems import SystemFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.world import HOSTILE, MARK, NOW, World
from tickets.models import Customer, Ticket

NOTHING = "Nothing that you may see has"


def search(client: Client, text: str) -> str:
    response = client.get("/search/", {"q": text})
    assert response.status_code == 200, response.get("Location")
    return response.content.decode()


def jump(client: Client, text: str) -> str:
    response = client.get("/search/", {"q": text})
    return str(response.get("Location", ""))


def test_exact_number_leads_straight_to_what_has_it(world: World) -> None:
    client, order = world.clients["manager"], f"/orders/{world.order.pk}/"

    assert jump(client, world.ticket.number) == f"/tickets/{world.ticket.pk}/"
    assert jump(client, world.order.number) == order
    assert jump(client, "k1001") == f"/orders/agreements/{world.customer.pk}/"


def test_document_number_leads_to_its_order(world: World) -> None:
    approve_orders([world.order], user=None, now=NOW)
    [issued] = issue_orders([world.order], user=None, now=NOW)

    assert jump(world.clients["billing"], str(issued.document_number)) == f"/orders/{world.order.pk}/"


def test_void_order_is_found_by_its_number_and_listed_apart(world: World) -> None:
    approve_orders([world.order], user=None, now=NOW)
    [issued] = issue_orders([world.order], user=None, now=NOW)
    void_order(issued, reason="Wrong", user=None, now=NOW)

    html = search(world.clients["billing"], "Königsbau")

    assert jump(world.clients["billing"], issued.number) == f"/orders/{issued.pk}/"
    assert "Void orders" in html
    assert "state=void" in html


def test_what_is_pasted_around_a_number_does_not_matter(world: World) -> None:
    for pasted in ("#{}", "  {}\n", "\u200b{}\ufeff", "\x00{}"):
        text = pasted.format(world.ticket.number)

        assert jump(world.clients["manager"], text) == f"/tickets/{world.ticket.pk}/", pasted


def test_number_of_two_kinds_shows_both(world: World) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(number="K1001")

    html = search(world.clients["manager"], "K1001")

    assert "With exactly this number" in html
    assert f"/tickets/{world.ticket.pk}/" in html
    assert f"/orders/agreements/{world.customer.pk}/" in html


def test_number_that_two_ticket_systems_use_shows_both_tickets(world: World) -> None:
    other = CustomerFactory(system=TicketSystemFactory(), customer_id="K2")
    other.account_managers.add(User.objects.get(username="anna"))
    twin = TicketFactory(customer=other, system=other.system, number=world.ticket.number)

    html = search(world.clients["manager"], world.ticket.number)

    assert f"/tickets/{world.ticket.pk}/" in html
    assert f"/tickets/{twin.pk}/" in html


def test_parts_are_found_in_every_kind_with_counts_and_the_way_to_the_list(world: World) -> None:
    html = search(world.clients["admin"], "önigsbau")

    assert 'href="/orders/agreements/?customer=%C3%B6nigsbau"' in html
    assert 'href="/orders/?period=all&amp;q=%C3%B6nigsbau"' in html
    assert f'href="{world.registered.get_absolute_url()}"' in search(world.clients["admin"], "otrs.example")
    assert "Out-of-office uploads" in search(world.clients["admin"], f"{MARK}.csv")
    assert "Agents" in search(world.clients["admin"], "Zebra agent")
    assert f'href="{world.run.get_absolute_url()}"' in search(world.clients["admin"], "2026-10")


def test_list_that_a_group_leads_to_has_as_many_rows_as_it_says(world: World) -> None:
    for _number in range(7):
        TicketFactory(customer=world.customer, system=world.system, title="Beamer kaputt")

    html = search(world.clients["manager"], "beamer")

    assert "All 7 in the list: Tickets" in html
    assert "7 rows" in world.clients["manager"].get("/tickets/?period=all&q=beamer").content.decode()


def test_orders_in_the_list_are_found_by_number_and_customer(world: World) -> None:
    client = world.clients["billing"]

    assert "1 row" in client.get(f"/orders/?period=all&q={world.order.number}").content.decode()
    assert "1 row" in client.get("/orders/?period=all&q=königsb").content.decode()
    assert "none passes the filters" in client.get("/orders/?period=all&q=nothing-like-this").content.decode()


def test_more_than_are_counted_are_said_to_be_more(world: World) -> None:
    ticket = {"system": world.system, "customer": world.customer, "title": "Masse", "read_at": NOW}
    Ticket.objects.bulk_create(Ticket(number=f"M{number}", **ticket) for number in range(MOST_COUNTED + 1))

    html = search(world.clients["manager"], "masse")

    assert "more than 1,000" in html
    assert "All in the list: Tickets" in html


@pytest.mark.parametrize("path", ["/search/", "/search/suggest/"])
def test_nothing_of_another_customer_is_found(world: World, path: str) -> None:
    for text in (MARK, MARK.lower(), f"{MARK}-1", f"{MARK}-ID", f"{MARK} agent", "zebra.example", "a", "2026-10"):
        response = world.clients["manager"].get(path, {"q": text})

        html = response.content.decode()
        for echo in (f"<bdi>{text}</bdi>", f'value="{text}"', f"?q={quote_plus(text)}"):
            html = html.replace(echo, "")
        assert response.status_code == 200, text
        assert MARK not in html, text
        assert f"/{world.foreign_ticket.pk}/" not in html, text


def test_stranger_finds_what_is_theirs(world: World) -> None:
    client = world.clients["stranger"]

    assert jump(client, f"{MARK}-1") == f"/tickets/{world.foreign_ticket.pk}/"
    assert f"{MARK} agent" in search(client, "agent")
    assert "Out-of-office" not in search(client, MARK)
    assert world.run.get_absolute_url() not in search(client, "2026-10")


def test_run_and_upload_are_found_only_by_those_with_the_right(world: World) -> None:
    assert "Out-of-office uploads" not in search(world.clients["billing"], f"{MARK}.csv")
    assert world.run.get_absolute_url() in search(world.clients["billing"], "2026-10")
    assert world.run.get_absolute_url() not in search(world.clients["manager"], "2026-10")


def test_suggestions_are_options_and_need_two_letters(world: World) -> None:
    client = world.clients["manager"]

    few = client.get("/search/suggest/", {"q": "K"}).content.decode()
    some = client.get("/search/suggest/", {"q": "K1"})

    assert "option" not in few
    assert f'data-href="/orders/agreements/{world.customer.pk}/"' in some.content.decode()
    assert "no-store" in some["Cache-Control"]


def test_hostile_text_is_escaped(world: World) -> None:
    Customer.objects.update(name=HOSTILE)

    for text in (HOSTILE, "<svg onload=alert(1)>", "%", "_", "\\", "'; --", "\x00", "\u202e", "💩" * 300):
        for path in ("/search/", "/search/suggest/"):
            response = world.clients["admin"].get(path, {"q": text}, follow=True)

            assert response.status_code == 200, text
            assert "<svg onload" not in response.content.decode(), text


def test_signs_of_patterns_are_taken_as_they_are(world: World) -> None:
    assert NOTHING in search(world.clients["admin"], "%_%")


def test_more_rows_take_no_more_queries(world: World) -> None:
    client, counts = world.clients["admin"], []

    for number in (1, 3):
        for each in range(number):
            make_one_of_each(world, f"Zoll{number}{each}")
        for path in ("/search/", "/search/suggest/"):
            with CaptureQueriesContext(connection) as queries:
                client.get(path, {"q": "zoll"})
            counts.append(len(queries))

    assert counts[:2] == counts[2:]
    assert max(counts) <= 24


def make_one_of_each(world: World, name: str) -> None:
    customer = CustomerFactory(system=world.system, name=name)
    ticket = TicketFactory(customer=customer, system=world.system, title=name)
    TimeEntryFactory(ticket=ticket, agent=AgentFactory(system=world.system, name=name))
    SystemFactory(fqdn=f"{name}.example".lower())


def test_search_without_text_is_a_page_with_a_box(world: World) -> None:
    html = search(world.clients["manager"], " ")

    assert 'id="search-text"' in html
    assert NOTHING not in html


def test_every_page_has_the_box(world: World) -> None:
    for path in ("/", "/orders/", "/nothing/here/"):
        assert 'action="/search/"' in world.clients["manager"].get(path).content.decode(), path
    assert 'action="/search/"' not in world.clients["anonymous"].get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("", ""),
        ("  a \n b ", "a b"),
        ("#12", "12"),
        ("a\x00b\x1fc", "a b c"),
        ("x" * 300, "x" * 200),
        ("👩\u200d🚀 a", "👩\u200d🚀 a"),
    ],
)
def test_typed_text_becomes_one_line(typed: str, clean: str) -> None:
    assert clean_text(typed) == clean
