"""Issue, return, void, close and re-open, by the pages."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from billing.models import ClosedMonth, Order, OrderEvent
from tests.billing.scenes import issue
from tests.pages.world import NOW, World

pytestmark = pytest.mark.django_db
PRICED = {"currency", "tax_rate"}


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_amounts_of_the_history_are_in_the_form_of_the_language(world: World, client: Client) -> None:
    kind = OrderEvent.Kind
    for written, text in (
        (kind.DRAFTED, "1472.50 EUR"),
        (kind.CHANGED, "60.00 → 1472.50 EUR"),
        (kind.COMMENTED, "7.50 EUR"),
    ):
        world.order.events.create(kind=written, at=NOW, text=text)
    client.post("/language/", {"language": "de"})

    html = client.get(f"/orders/{world.order.pk}/").content.decode()

    for text in ("1.472,50 EUR", "60,00 → 1.472,50 EUR", "7.50 EUR"):
        assert f"<div>{text}</div>" in html


def test_order_is_approved_issued_and_voided_by_its_page(world: World, client: Client) -> None:
    page = f"/orders/{world.order.pk}/"
    for step, label in (("approve", "Approve this order"), ("issue", "Issue this order")):
        assert label in client.get(page).content.decode()
        html = client.post(f"/orders/{step}/", {"order": world.order.pk}).content.decode()
        seen = re.search(r'name="seen" value="(\w+)"', html)
        assert seen
        client.post(f"/orders/{step}/", {"order": world.order.pk, "seen": seen[1]})

    issued = client.get(page).content.decode()
    response = client.post(f"{page}void/", {"reason": "Wrong <b>rate</b>"})

    assert "<strong>2026-00001</strong>" in issued
    assert said(response)[-1] == ("Order 2026-00001 is void. Its time is free again: start the run to draft it anew.")
    assert "Wrong &lt;b&gt;rate&lt;/b&gt;" in client.get(page).content.decode()


def test_what_was_issued_in_between_is_not_issued_again(world: World, client: Client) -> None:
    issue(now=NOW)

    html = client.post("/orders/issue/", {"order": [world.order.pk, world.foreign_order.pk]}).content.decode()

    assert "Nothing to issue" in html
    assert "These are not approved yet, or issued already, and stay as they are:" in html


def test_reason_is_asked_for_and_must_be_given(world: World, client: Client) -> None:
    issue(now=NOW)

    asked = client.get(f"/orders/{world.order.pk}/void/")
    refused = client.post(f"/orders/{world.order.pk}/void/", {"reason": "  "})

    assert (asked.status_code, refused.status_code) == (200, 200)
    assert "This field is required." in refused.content.decode()
    assert Order.objects.filter(state="void").count() == 0


def test_handed_over_order_says_that_the_erp_must_follow(world: World, client: Client) -> None:
    issue(now=NOW)
    Order.objects.update(state="exported")

    assert "Cancel it in the ERP as well" in client.get(f"/orders/{world.order.pk}/void/").content.decode()


def test_approval_is_taken_back_with_a_reason(world: World, client: Client) -> None:
    html = client.post("/orders/approve/", {"order": world.order.pk}).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen
    client.post("/orders/approve/", {"order": world.order.pk, "seen": seen[1]})

    asked = client.get(f"/orders/{world.order.pk}/return/").content.decode()
    response = client.post(f"/orders/{world.order.pk}/return/", {"reason": "Time was missing"})

    assert "It has to be approved anew." in asked
    assert said(response)[-1] == f"Order {world.order.number} is a draft again."
    assert "Time was missing" in client.get(f"/orders/{world.order.pk}/").content.decode()


@pytest.mark.parametrize("action", ["void", "return"])
def test_draft_is_neither_voided_nor_returned(world: World, client: Client, action: str) -> None:
    response = client.get(f"/orders/{world.order.pk}/{action}/")

    assert response["Location"] == f"/orders/{world.order.pk}/"
    assert said(response) == ["The order is draft; nothing was changed."]


def test_correction_and_its_void_order_lead_to_each_other(world: World, client: Client) -> None:
    issue(now=NOW)
    client.post(f"/orders/{world.order.pk}/void/", {"reason": "wrong"})
    new = Order.objects.create(
        **{
            name: value
            for name, value in Order.objects.filter(pk=world.order.pk).values().get().items()
            if name in {"customer_id", "agreement_id", "month", "period_start", "erp_customer_number", *PRICED}
        },
        number="new",
        created_at=NOW,
        changed_at=NOW,
        correction_of_id=world.order.pk,
    )

    assert f'href="/orders/{new.pk}/">new</a>' in client.get(f"/orders/{world.order.pk}/").content.decode()
    assert f'href="/orders/{world.order.pk}/"' in client.get(f"/orders/{new.pk}/").content.decode()


def test_void_orders_are_listed_when_they_are_asked_for(world: World, client: Client) -> None:
    issue(now=NOW)
    client.post(f"/orders/{world.order.pk}/void/", {"reason": "wrong"})

    assert world.order.number not in client.get("/orders/?period=2026-10").content.decode()
    assert world.order.number in client.get("/orders/?period=2026-10&state=void").content.decode()


def test_month_is_closed_and_opened_again_by_the_pages(world: World, client: Client) -> None:
    assert "Close the month" not in client.get("/orders/?period=2026-10").content.decode()
    too_early = client.post("/orders/close/", {"period": "2026-10"})
    issue(now=NOW)
    open_page = client.get("/orders/?period=2026-10").content.decode()
    closed = client.post("/orders/close/", {"period": "2026-10"})
    closed_page = client.get("/orders/?period=2026-10").content.decode()
    client.post("/orders/reopen/", {"period": "2026-10", "reason": "late time"})

    assert said(too_early) == ["2 orders of 2026-10 are not issued yet. Issue them first."]
    assert "Close the month" in open_page
    assert said(closed)[-1] == "October 2026 is closed: runs leave its orders as they are."
    assert "The month was closed on 2026-11-20" in closed_page
    assert "Get closed tickets" not in closed_page
    assert ClosedMonth.objects.get().reason == "late time"


@pytest.mark.parametrize(
    ("path", "data", "location"),
    [
        ("/orders/close/", {"period": "2026-13"}, "/orders/"),
        ("/orders/reopen/", {"period": "2026-10", "reason": "why"}, "/orders/?period=2026-10"),
    ],
)
def test_months_that_are_none_or_are_open_are_refused(
    client: Client, path: str, data: dict[str, str], location: str
) -> None:
    response = client.post(path, data)

    assert (response["Location"], len(said(response))) == (location, 1)
    assert not ClosedMonth.objects.exists()


def test_reopening_asks_why(client: Client) -> None:
    assert "Runs may draft and change orders" in client.get("/orders/reopen/?period=2026-10").content.decode()
    assert "This field is required." in client.post("/orders/reopen/", {"period": "2026-10"}).content.decode()


def test_work_statement_is_downloaded_by_those_who_see_the_order(world: World, client: Client) -> None:
    path = f"/orders/{world.foreign_order.pk}/statement/"

    response, foreign = client.post(path, {"language": "de"}), world.clients["manager"].post(path, {"language": "de"})

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith('attachment; filename="work-statement-TK-2026-10-Zebra')
    assert (foreign.status_code, client.post(path, {"language": "fr"}).status_code) == (404, 400)
