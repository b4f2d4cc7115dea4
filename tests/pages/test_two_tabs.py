"""Two tabs with the same thing: the second is told, what it entered is kept, and nothing is written over."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from billing.agreement_models import Agreement, RateRule
from billing.models import Order
from billing.orders import approve_orders
from tests.pages.test_set_up_pages import AGREEMENT, RULE
from tests.pages.world import NOW, World

PRICE = "hourly_rate"


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def form_of(client: Client, agreement: Agreement) -> dict[str, Any]:
    """The page of the agreement as a browser would send it, its rate rules included."""
    context = client.get(address(agreement)).context
    fields = AGREEMENT | {"customer": agreement.customer_id, "seen": context["adminform"].form["seen"].value()}
    for formset in (each.formset for each in context["inline_admin_formsets"]):
        fields |= {bound.html_name: bound.value() for bound in formset.management_form}
        for form in formset.forms:
            fields |= {form.add_prefix(name): value for name, value in RULE.items()}
            fields |= {form[name].html_name: form[name].value() for name in ("id", "agreement", "seen")}
    return fields


def address(agreement: Agreement) -> str:
    return f"/admin/billing/agreement/{agreement.pk}/change/"


def test_line_of_an_order_approved_meanwhile_gives_back_what_was_written(world: World, client: Client) -> None:
    approve_orders([world.order], user=None, now=NOW)
    data = {"minutes": "7", "text": "Agreed text", "reason": "Called the customer", "seen": "old"}

    response = client.post(f"/orders/{world.order.pk}/lines/t{world.ticket.pk}/", data)

    assert "cannot be changed; nothing was changed" in said(response)
    assert "What you wrote: “Agreed text\nCalled the customer”" in said(response)


@pytest.mark.parametrize("step", ["return", "void"])
def test_reason_for_a_step_that_is_too_late_is_given_back(world: World, client: Client, step: str) -> None:
    response = client.post(f"/orders/{world.order.pk}/{step}/", {"reason": "A long story"})

    assert "nothing was changed. What you wrote: “A long story”" in said(response)
    assert Order.objects.get(pk=world.order.pk).state == Order.State.DRAFT


def test_comment_that_is_too_long_is_given_back(world: World, client: Client) -> None:
    response = client.post(f"/orders/{world.order.pk}/comment/", {"text": "Long " * 500})

    assert "What you wrote: “Long Long" in said(response)


def test_reason_of_a_settlement_without_a_choice_is_given_back(world: World, client: Client) -> None:
    response = client.post("/orders/discrepancies/settle/", {"reason": "Goodwill", "choice": "nothing"})

    assert "What you wrote: “Goodwill”" in said(response)


def test_settlement_that_is_gone_gives_the_reason_back(world: World, client: Client) -> None:
    response = client.post("/orders/discrepancies/take-back/?settlement=99", {"reason": "Mistaken"})

    assert "taken back already. What you wrote: “Mistaken”" in said(response)


def test_nothing_written_is_not_mentioned(world: World, client: Client) -> None:
    assert "What you wrote" not in said(client.post(f"/orders/{world.order.pk}/void/", {"reason": " "}))


def test_agreement_saved_in_another_tab_is_not_written_over(world: World) -> None:
    client, agreement = world.clients["admin"], Agreement.objects.get(customer=world.customer)
    first, second = form_of(client, agreement), form_of(client, agreement)
    saved = client.post(address(agreement), first | {PRICE: "90.00"})

    refused = client.post(address(agreement), second | {PRICE: "80.00", "unit": "mine"})
    html = refused.content.decode()
    kept = Agreement.objects.get(pk=agreement.pk).hourly_rate
    token = re.search(r'name="seen" value="(\w+)"', html)
    assert token
    again = client.post(address(agreement), second | {PRICE: "80.00", "seen": token[1]})

    assert saved.status_code == 302, saved.context["errors"]
    assert "Somebody has changed this since you opened it. Nothing was saved." in html
    assert "ourly rate is now: 90.00" in html
    assert 'value="80.00"' in html
    assert 'value="mine"' in html
    assert kept == Decimal(90)
    assert again.status_code == 302, again.context["errors"]
    assert Agreement.objects.get(pk=agreement.pk).hourly_rate == Decimal(80)


def test_rate_rule_within_an_agreement_is_guarded_too(world: World) -> None:
    client, agreement = world.clients["admin"], Agreement.objects.get(customer=world.customer)
    rule = RateRule.objects.create(agreement=agreement, queue="Support", hourly_rate=100)
    second = form_of(client, agreement)
    RateRule.objects.filter(pk=rule.pk).update(hourly_rate=110)

    html = client.post(address(agreement), second).content.decode()
    kept = RateRule.objects.get(pk=rule.pk).hourly_rate
    client.post(address(agreement), form_of(client, agreement))

    assert "Somebody has changed this since you opened it" in html
    assert kept == 110
    assert RateRule.objects.get(pk=rule.pk).hourly_rate == 30
