"""Reviewing an order by the pages: change a line, undo that, leave one out, comment, ask for a ticket."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.agreement_models import FlatFee
from billing.models import Adjustment, Order, OrderEvent, OrderPosition
from tests.billing.scenes import bill, issue, ticket_of
from tests.pages.parts import table_of
from tests.pages.world import HOSTILE, MARK, NOW, World

pytestmark = pytest.mark.django_db
LINE_QUERIES = 10


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def html_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def address(world: World) -> str:
    return f"/orders/{world.order.pk}/lines/t{world.ticket.pk}/"


def seen(html: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', html)
    assert found
    return found[1]


def send(client: Client, world: World, *, token: str | None = None, **changes: str) -> Any:
    """Fill in the form of the line and send it."""
    html = html_of(client, address(world))
    data = {"minutes": "30", "price": "60", "discount": "0", "text": line().text, "included": "on", "reason": "Agreed"}
    return client.post(address(world), {**data, "seen": token or seen(html), **changes})


def line() -> OrderPosition:
    return OrderPosition.objects.get(order__customer__customer_id="K1001")


def undo(client: Client, world: World, field: str) -> Any:
    token = seen(html_of(client, f"/orders/{world.order.pk}/" if field == "inclusion" else address(world)))
    return client.post(f"{address(world)}undo/", {"field": field, "seen": token})


def test_line_is_changed_and_shown_beside_what_was_computed(world: World, client: Client) -> None:
    response = send(client, world, minutes="20", discount="10", price="90.5", text="Mine")

    html = html_of(client, f"/orders/{world.order.pk}/")
    assert said(response) == ["The line was changed. What was computed is kept beside it."]
    assert response["Location"] == f"/orders/{world.order.pk}/"
    assert "changed, computed 30 min" in html
    assert "changed, computed 60.00" in html
    assert "discount changed, computed 0 %" in html
    assert "text changed" in html
    assert "27.15 EUR" in html


def test_page_of_the_line_compares_field_by_field(world: World, client: Client) -> None:
    send(client, world, minutes="20", reason="By phone")

    rows = table_of(html_of(client, address(world))).texts

    assert rows[0][:3] == ["Minutes to bill", "30 min", "20 min"]
    assert rows[0][3] == "changed changed by clara, 2026-11-20 10:00 (By phone) Undo: minutes to bill"
    assert rows[3] == ["Discount in percent", "0 %", "0 %", "as computed"]


def test_how_it_was_computed_shows_the_person_as_a_step(world: World, client: Client) -> None:
    send(client, world, minutes="20", price="90", discount="5", text="Mine", reason="By phone")

    html = " ".join(html_of(client, f"/orders/{world.order.pk}/").split())
    who = "changed by clara, 2026-11-20 10:00 (By phone)"
    assert f"<li>C{who[1:]}: 30 → <strong>20 min</strong></li>" in html
    assert f"<li>C{who[1:]}: 60 → <strong>90.00 EUR/Std</strong></li>" in html
    assert f"<li>Discount, {who}: <strong>5 %</strong></li>" in html
    assert f"Text, {who}. Computed: Nummer:" in html


def test_line_is_left_out_and_put_back(world: World, client: Client) -> None:
    send(client, world, included="", reason="Goodwill")
    html = html_of(client, f"/orders/{world.order.pk}/")
    listed = html_of(client, "/orders/left-out/?period=2026-10")

    response = undo(client, world, "inclusion")

    assert "Left out of this order by a person" in html
    assert f"Put back: Ticket {world.ticket.number}" in html
    assert "A person has left it out of the order. (Goodwill)" in listed
    assert said(response) == ["Undone: the line is as computed again."]
    assert line().amount == 30


def test_change_is_undone(world: World, client: Client) -> None:
    send(client, world, minutes="20")

    undo(client, world, "minutes")

    assert (line().billable_minutes, Adjustment.objects.count()) == (30, 0)


def test_undoing_what_is_not_there_says_so(world: World, client: Client) -> None:
    response = client.post(
        f"{address(world)}undo/", {"field": "minutes", "seen": seen(html_of(client, address(world)))}
    )
    unread = client.post(f"{address(world)}undo/", {"field": "nothing"})

    assert said(response) == ["There is nothing to undo: the line is as computed. Look at the order again."]
    assert said(unread)[-1] == "What is to be undone could not be read. Nothing was changed."


def test_second_of_two_tabs_keeps_what_was_typed_and_is_told(world: World, client: Client) -> None:
    token = seen(html_of(client, address(world)))
    send(client, world, minutes="20")

    html = send(client, world, token=token, minutes="25").content.decode()

    assert f"Order {world.order.number} was changed just now. Look at it again." in html
    assert 'value="25"' in html
    assert line().billable_minutes == 20


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"minutes": "many"}, "Enter a number."),
        ({"minutes": "-5"}, "Minutes to bill have the sign of the computed ones: 30."),
        ({"minutes": "1e400"}, "Ensure that there are no more than"),
        ({"minutes": ""}, "This field is required."),
        ({"discount": "101"}, "Ensure this value is less than or equal to 100."),
        ({"price": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"price": "0.000001"}, "Ensure that there are no more than 5 decimal places."),
        ({"reason": "  "}, "This field is required."),
        ({"text": ""}, "This field is required."),
        ({"text": "a\x00b"}, "Null characters are not allowed."),
        ({"text": "\x07"}, "A line needs a text."),
        ({}, "Nothing was changed: the line says all this already."),
    ],
)
def test_bad_input_gets_a_sentence(world: World, client: Client, changes: dict[str, str], sentence: str) -> None:
    before = line().amount

    response = send(client, world, **changes)

    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert (line().amount, Adjustment.objects.count()) == (before, 0)


def test_hostile_words_are_shown_as_they_are(world: World, client: Client) -> None:
    send(client, world, text=HOSTILE, reason=HOSTILE)
    send(client, world, text=HOSTILE, included="", reason=HOSTILE)
    client.post(f"/orders/{world.order.pk}/comment/", {"text": HOSTILE})

    for path in (f"/orders/{world.order.pk}/", "/orders/left-out/?period=2026-10"):
        html = html_of(client, path)
        assert "<svg onload" not in html
        assert "&lt;svg onload" in html


def test_draft_out_of_date_is_not_changed(world: World, client: Client) -> None:
    world.ticket.entries.update(minutes=31)

    html = send(client, world, minutes="20").content.decode()

    assert "Start the run again first." in html


@pytest.mark.parametrize("path", ["lines/t999999/", "lines/f1/", "lines/t1-r5/"])
def test_line_that_is_not_there_leads_back(world: World, client: Client, path: str) -> None:
    response = client.get(f"/orders/{world.order.pk}/{path}")

    assert said(response) == ["That line cannot be changed; nothing was changed. Look at the order again."]


def test_address_that_names_no_line_is_not_found(world: World, client: Client) -> None:
    assert client.get(f"/orders/{world.order.pk}/lines/nonsense/").status_code == 404


def test_issued_order_cannot_be_changed_but_shows_what_was(world: World, client: Client) -> None:
    send(client, world, minutes="20")
    issue()

    html = html_of(client, f"/orders/{world.order.pk}/")
    response = client.get(address(world))

    assert "changed, computed 30 min" in html
    assert "Change position" not in html
    assert response["Location"] == f"/orders/{world.order.pk}/"


def test_recurring_line_has_no_minutes_to_change(world: World, client: Client) -> None:
    fee = FlatFee.objects.create(
        agreement=world.order.agreement, text="Wartung", article_number="W", unit="Stk", unit_price=Decimal(100)
    )
    bill(now=NOW)
    path = f"/orders/{world.order.pk}/lines/f{fee.pk}/"
    html = html_of(client, path)

    data = {"price": "100", "discount": "25", "text": "Wartung", "included": "on", "reason": "Agreed"}
    client.post(path, {**data, "seen": seen(html)})

    shown = " ".join(html_of(client, f"/orders/{world.order.pk}/").split())
    assert "minutes to bill" not in html
    assert OrderPosition.objects.get(flat_fee=fee).amount == 75
    assert "<li>Amount: 1 × 100 − 25 % = <strong>75.00 EUR</strong></li>" in shown


def test_account_manager_reads_and_comments_but_changes_nothing(world: World) -> None:
    client = world.clients["manager"]
    html = html_of(client, f"/orders/{world.order.pk}/")

    response = client.post(f"/orders/{world.order.pk}/comment/", {"text": "Please <b>wait</b>"})

    assert "Change position" not in html
    assert client.get(address(world)).status_code == 403
    assert client.post(f"{address(world)}undo/", {"field": "minutes"}).status_code == 403
    assert said(response) == ["Your comment stands in the history."]
    assert "Please &lt;b&gt;wait&lt;/b&gt;" in html_of(client, f"/orders/{world.order.pk}/")


def test_order_that_may_not_be_seen_takes_no_comment(world: World) -> None:
    response = world.clients["manager"].post(f"/orders/{world.foreign_order.pk}/comment/", {"text": "x"})

    assert response.status_code == 404
    assert not OrderEvent.objects.filter(kind="commented").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "This field is required."),
        ("\x07", "Write something first. What you wrote: “\x07”"),
        (
            "x" * 2001,
            f"Ensure this value has at most 2000 characters (it has 2001). What you wrote: “{'x' * 2001}”",
        ),
    ],
)
def test_comment_that_cannot_be_kept_is_told(world: World, client: Client, text: str, sentence: str) -> None:
    response = client.post(f"/orders/{world.order.pk}/comment/", {"text": text})

    assert said(response) == [sentence]
    assert not OrderEvent.objects.filter(kind="commented").exists()


def test_ticket_is_asked_for_on_both_pages(world: World) -> None:
    client = world.clients["manager"]
    open_ticket = Order.objects.get(pk=world.order.pk).customer.tickets.get(title="Still open")
    sentence = f"45 minutes of ticket {open_ticket.number}: The ticket was not closed in this month, or is open again."

    for path in (f"/orders/{world.order.pk}/?", "/orders/left-out/?period=2026-10&"):
        assert sentence in html_of(client, f"{path}ticket={open_ticket.number}")
        assert "There is no ticket “Nothing-1” here" in html_of(client, f"{path}ticket=Nothing-1")


def test_foreign_ticket_is_as_good_as_none(world: World) -> None:
    for path in (f"/orders/{world.order.pk}/?", "/orders/left-out/?period=2026-10&"):
        html = html_of(world.clients["manager"], f"{path}ticket={MARK}-1")

        assert f"There is no ticket “{MARK}-1” here that you may see." in html
        assert f"{MARK} " not in html
        assert f"{MARK}-ID" not in html


def test_approval_says_that_the_order_was_changed(world: World, client: Client) -> None:
    html = client.post("/orders/approve/", {"order": world.order.pk}).content.decode()
    send(client, world, minutes="20")

    again = client.post("/orders/approve/", {"order": world.order.pk, "seen": seen(html)}).content.decode()

    assert "These orders have changed since you looked at them. Nothing was approved." in again


def test_draft_of_which_all_was_left_out_does_not_stop_the_approval_of_others(world: World, client: Client) -> None:
    send(client, world, included="")

    keys = [world.order.pk, world.foreign_order.pk]
    html = client.post("/orders/approve/", {"order": keys}).content.decode()
    client.post("/orders/approve/", {"order": keys, "seen": seen(html)})

    assert "have no position" in html
    assert "Approve 1 order" in html
    assert list(Order.objects.order_by("pk").values_list("state", flat=True)) == ["draft", "approved"]


@pytest.mark.parametrize("tickets", [1, 3])
def test_queries_of_a_line_do_not_grow(
    world: World, client: Client, tickets: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(tickets):
        ticket_of(world.customer, 5)
    bill(now=NOW)

    with django_assert_num_queries(LINE_QUERIES):
        client.get(address(world))
