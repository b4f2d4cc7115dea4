"""The inbox of the discrepancies: choosing, looking, settling, what was settled, and taking it back."""

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.discrepancies import discrepancies
from billing.issuing import issue_orders
from billing.models import Order
from billing.orders import approve_orders
from billing.settlement_models import Choice, Settlement
from billing.settling import settle
from tests.billing.scenes import NOVEMBER, bill, book, read_completely
from tests.pages.world import MARK, NOW, World

PAGE, SETTLE, BACK = "/orders/discrepancies/", "/orders/discrepancies/settle/", "/orders/discrepancies/take-back/"


@pytest.fixture
def inbox(world: World) -> World:
    """Both orders issued; then one's 30 minutes vanish and 5 come late, and the other's time vanishes."""
    approve_orders(Order.objects.all(), user=None, now=NOW)
    issue_orders(Order.objects.all(), user=None, now=NOW)
    world.ticket.entries.update(gone_at=NOW)
    world.foreign_ticket.entries.update(gone_at=NOW)
    book(world.ticket, 5)
    return world


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") : html.index("</main>")]).split())


def get(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


def keys(world: World) -> list[str]:
    return [row.key for row in discrepancies(customer=world.customer)]


def ask(client: Client, chosen: list[str], choice: str = "accept", reason: str = "Agreed.", seen: str = "") -> str:
    data = {"discrepancy": chosen, "choice": choice, "reason": reason, "seen": seen}
    return client.post(SETTLE, data, follow=True).content.decode()


def seen_in(html: str) -> str:
    return html.split('name="seen" value="')[1].split('"')[0]


def test_open_ones_can_be_chosen_by_who_bills(inbox: World) -> None:
    html = get(inbox.clients["billing"])

    assert html.count('name="discrepancy"') == 3
    assert "Show what will happen" in html
    assert 'name="discrepancy"' not in get(inbox.clients["manager"])
    assert "At stake -7,944.00 EUR (-7,944 min)" in words(html)


def test_nothing_can_be_chosen_of_an_order_that_is_not_issued(world: World) -> None:
    approve_orders(Order.objects.all(), user=None, now=NOW)
    world.ticket.entries.update(gone_at=NOW)

    html = get(world.clients["billing"])

    assert 'name="discrepancy"' not in html
    assert "The order is not issued yet: issue it, or return it to draft." in html


def test_other_customer_leads_to_voiding(inbox: World) -> None:
    inbox.foreign_ticket.entries.update(gone_at=None)
    inbox.foreign_ticket.customer = inbox.customer
    inbox.foreign_ticket.save()

    assert f'href="/orders/{inbox.foreign_order.pk}/void/"' in get(inbox.clients["billing"])


def test_confirmation_says_what_will_happen_and_settles_nothing(inbox: World) -> None:
    gone, late = keys(inbox)

    text = words(ask(inbox.clients["billing"], [gone, late], "credit"))

    assert "Discrepancies 1 At stake -30.00 EUR (-30 min) What to do credit it with the next order" in text
    assert "next order of a later month gets a line that gives the difference back" in text
    assert "These cannot be settled like this and stay open: booked late" in text
    assert not Settlement.objects.exists()


@pytest.mark.parametrize("choice", ["next_order", "supplement", "not_billable"])
def test_late_time_is_settled_by_each_of_its_choices(inbox: World, choice: str) -> None:
    client, chosen = inbox.clients["billing"], keys(inbox)[1:]
    page = ask(client, chosen, choice)

    done = words(ask(client, chosen, choice, seen=seen_in(page)))

    settlement = Settlement.objects.get()
    assert (settlement.choice, settlement.reason, settlement.minutes_at_stake) == (choice, "Agreed.", 5)
    assert settlement.user is not None
    assert settlement.user.get_username() == "clara"
    assert "1 discrepancy settled." in done
    assert ("Draft supplement: TK-2026-10-K1001-S1." in done) is (choice == "supplement")


def test_sent_twice_settles_once(inbox: World) -> None:
    client, chosen = inbox.clients["billing"], keys(inbox)[:1]
    seen = seen_in(ask(client, chosen))

    ask(client, chosen, seen=seen)
    again = words(ask(client, chosen, seen=seen))

    assert "Nothing to settle" in again
    assert Settlement.objects.count() == 1


def test_what_has_changed_since_is_shown_again(inbox: World) -> None:
    client, chosen = inbox.clients["billing"], keys(inbox)[1:]
    seen = seen_in(ask(client, chosen, "next_order"))
    inbox.ticket.entries.filter(gone_at=None).update(minutes=6)

    again = words(ask(client, chosen, "next_order", seen=seen))

    assert "Something of this has changed since you looked at it. Nothing was settled." in again
    assert not Settlement.objects.exists()


def test_refusal_of_the_service_is_told(inbox: World) -> None:
    inbox.ticket.entries.filter(gone_at=None).update(minutes=-5)
    client, chosen = inbox.clients["billing"], keys(inbox)[1:]
    seen = seen_in(ask(client, chosen, "supplement"))

    assert "would come to less than nothing" in ask(client, chosen, "supplement", seen=seen)


@pytest.mark.parametrize(
    ("chosen", "choice", "reason", "sentence"),
    [
        ([], "accept", "why", "Choose at least one discrepancy."),
        (["é"], "accept", "why", "The choice of discrepancies could not be read."),
        (["x" * 41], "accept", "why", "The choice of discrepancies could not be read."),
        ([",".join(["1-gone"] * 5001)], "accept", "why", "Too many discrepancies at once."),
        (["1-gone"], "", "why", "Choose what to do."),
        (["1-gone"], "accept", " ", "Say why."),
        (["99-gone"], "accept", "why", "None of the chosen discrepancies is open"),
    ],
)
def test_what_cannot_be_used_is_told(inbox: World, chosen: list[str], choice: str, reason: str, sentence: str) -> None:
    assert sentence in words(ask(inbox.clients["billing"], chosen, choice, reason))
    assert not Settlement.objects.exists()


def test_filters_narrow_the_list_down(inbox: World) -> None:
    client = inbox.clients["billing"]

    assert "3 rows" in get(client)
    assert "1 row" in get(client, f"{PAGE}?kind=late")
    assert "At stake 5.00 EUR (5 min)" in words(get(client, f"{PAGE}?kind=late"))
    assert "2 rows" in get(client, f"{PAGE}?customer=k1001")
    assert "1 row" in get(client, f"{PAGE}?customer={MARK}")
    assert "No discrepancy passes the filters." in get(client, f"{PAGE}?kind=changed")
    assert "3 rows" in get(client, f"{PAGE}?kind=nonsense")


def settle_first(world: World, choice: Choice = Choice.CREDIT, kind: str = "") -> Settlement:
    rows = [row for row in discrepancies(customer=world.customer) if choice in row.choices and kind in ("", row.kind)]
    return settle(rows, choice=choice, reason="Agreed.", user=None, now=NOW)[0]


def test_settled_ones_are_listed_with_their_outcome(inbox: World) -> None:
    settle_first(inbox)
    settle_first(inbox, Choice.SUPPLEMENT)
    client = inbox.clients["billing"]

    text = words(get(client, f"{PAGE}?shown=settled"))

    assert "2 rows" in text
    assert "credit it with the next order: Agreed. command line waits for the next order Take it back" in text
    assert "bill it with a supplement now: Agreed. command line TK-2026-10-K1001-S1" in text
    assert "Take it back" not in get(inbox.clients["manager"], f"{PAGE}?shown=settled")
    assert "2 rows" in get(client, f"{PAGE}?shown=settled&customer=K1001&period=2026-10&kind=")
    assert "1 row" in get(client, f"{PAGE}?shown=settled&kind=gone")
    assert "2 rows" in get(client, f"{PAGE}?shown=settled&order={inbox.order.pk}")
    lines = client.get(f"{PAGE}?shown=settled&export=csv").content.decode().splitlines()
    assert [len(lines), lines[1].split(",")[1]] == [4, inbox.order.number]


def test_stranger_sees_no_settlement_of_others(inbox: World) -> None:
    settle_first(inbox)

    assert "No discrepancy passes the filters." in get(inbox.clients["stranger"], f"{PAGE}?shown=settled")


def test_settlement_is_taken_back_with_a_reason(inbox: World) -> None:
    settlement, client = settle_first(inbox), inbox.clients["billing"]
    path = f"{BACK}?settlement={settlement.pk}"

    asked = words(get(client, path))
    empty = client.post(path, {"reason": ""})
    done = client.post(path, {"reason": "A mistake."}, follow=True).content.decode()
    again = client.post(path, {"reason": "A mistake."}, follow=True).content.decode()

    assert "The discrepancy is open again." in asked
    assert empty.status_code == 200
    assert "1 settlement taken back." in done
    assert "There is no such settlement, or it is taken back already." in again
    assert "taken back: A mistake." in words(get(client, f"{PAGE}?shown=settled"))
    assert client.get(f"{PAGE}?shown=settled&export=csv").status_code == 200


def test_settlement_that_an_order_rests_on_is_not_taken_back(inbox: World) -> None:
    settlement, client = settle_first(inbox, Choice.SUPPLEMENT), inbox.clients["billing"]
    assert "goes as a whole" in get(client, f"{BACK}?settlement={settlement.pk}")
    approve_orders(Order.objects.filter(state="draft"), user=None, now=NOW)

    told = client.post(f"{BACK}?settlement={settlement.pk}", {"reason": "No."}, follow=True).content.decode()

    assert "rests on the settlement" in told


@pytest.mark.parametrize("text", ["", "x", "-1", "9" * 30, "99999", "²"])
def test_settlement_that_is_not_there_is_told(inbox: World, text: str) -> None:
    told = inbox.clients["billing"].get(f"{BACK}?settlement={text}", follow=True).content.decode()

    assert "There is no such settlement" in told


@pytest.mark.parametrize("path", [SETTLE, BACK])
def test_manager_settles_nothing(inbox: World, path: str) -> None:
    assert inbox.clients["manager"].post(path).status_code == 403


@pytest.mark.parametrize("query", ["", "?kind=late", "?shown=settled"])
def test_query_count_does_not_depend_on_the_rows(inbox: World, query: str) -> None:
    client, counts = inbox.clients["billing"], []
    settle_first(inbox, Choice.NOT_BILLABLE)
    for number in (1, 3):
        for _ in range(number):
            book(inbox.ticket, 3)
        settle_first(inbox, Choice.NOT_BILLABLE)
        book(inbox.ticket, 4)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{PAGE}{query}")
        counts.append(len(queries))

    assert len(set(counts)) == 1


def test_line_that_corrects_is_explained_by_what_it_charges(inbox: World) -> None:
    settle_first(inbox)
    read_completely(inbox.system, NOVEMBER)
    bill(NOVEMBER, now=NOW)
    order = Order.objects.get(month=NOVEMBER.first_day)

    text = words(get(inbox.clients["billing"], order.get_absolute_url()))

    assert f"Korrektur zu {Order.objects.get(pk=inbox.order.pk).document_number}" in text
    assert "Not rounded" not in text
    assert "-30.00 EUR" in text


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"valid_to": date(2026, 9, 30)}, "waits: the customer's agreement has ended; enter the next one"),
        (
            {"currency": "CHF"},
            "waits: the agreement bills in CHF by now, the order did in EUR; void the order instead",
        ),
        ({}, "waits for the next order"),
    ],
)
def test_credit_that_cannot_be_carried_out_says_why(inbox: World, terms: dict[str, Any], sentence: str) -> None:
    settle_first(inbox, Choice.CREDIT)
    inbox.customer.agreements.update(**terms)

    text = unescape(words(get(inbox.clients["billing"], f"{PAGE}?shown=settled")))

    assert sentence in text
    assert sentence in inbox.clients["billing"].get(f"{PAGE}?shown=settled&export=csv").content.decode()


def test_late_time_waits_for_an_agreement_and_not_for_a_currency(inbox: World) -> None:
    client = inbox.clients["billing"]
    settle_first(inbox, Choice.NEXT_ORDER, kind="late")
    inbox.customer.agreements.update(currency="CHF")
    other_currency = words(get(client, f"{PAGE}?shown=settled"))
    inbox.customer.agreements.update(valid_to=date(2026, 9, 30))

    assert "waits for the next order" in other_currency
    assert "agreement has ended" in words(get(client, f"{PAGE}?shown=settled"))


def test_choice_of_a_credit_says_before_that_it_may_wait(inbox: World) -> None:
    text = words(ask(inbox.clients["billing"], keys(inbox)[:1], choice="credit"))

    assert "has ended or bills in another currency." in text
