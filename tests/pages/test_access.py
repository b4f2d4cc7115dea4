"""Who may see and do what, over every address; a stranger's page holds not one byte of another's customer."""

import io
import zipfile

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core.serializers import serialize
from django.test import Client

from billing.models import BillingRun, Order
from tests.pages.pages import PUBLIC, addresses, names_in_use
from tests.pages.world import MARK, MARKED_MINUTES, World, signed_in

FOR_BILLING = {
    "tickets:readings",
    "tickets:reading",
    "tickets:read_now",
    "billing:change",
    "billing:undo",
    "billing:return",
    "billing:void",
    "billing:approve",
    "billing:issue",
    "billing:close",
    "billing:reopen",
    "billing:export",
    "billing:settle",
    "billing:take_back",
    "billing:kivitendo",
    "billing:kivitendo_refresh",
    "billing:kivitendo_orders",
    "billing:kivitendo_look",
    "billing:runs",
    "billing:start",
    "billing:run",
    "billing:retry",
    "billing:cancel",
    "billing:run_progress",
}
FOR_ADMINISTRATORS = {"units"}
FOR_UPLOADERS = {
    "outofoffice:index",
    "outofoffice:template",
    "outofoffice:calendar",
    "outofoffice:upload",
    "outofoffice:progress",
    "outofoffice:refused",
    "outofoffice:original",
    "outofoffice:confirm",
    "outofoffice:repeat",
    "outofoffice:clear",
}
"""To everybody else they are not there."""
QUERIES = [
    "",
    "?period=all",
    "?period=2026-10",
    "?period=all&q=zebra",
    "?q=zebra-1",
    "?period=all&customer=zebra",
    "?period=all&sort=-minutes",
    "?period=all&export=csv",
    "?period=2026-10&export=csv-german",
    "?period=2026-10&export=xlsx",
    "?by=agent&period=2026",
    "?by=customer&period=2026-10",
    "?by=queue&period=2026-Q4",
    "?by=ticket&period=2026-10&unit=hhmm",
    "?by=agent&standing=billed",
    "?by=ticket&standing=unbilled&export=csv",
    "?by=customer&from=2026-10-01&to=31.10.2026&export=xlsx",
    "?by=agent&period=all&export=csv-german",
    "?period=2026-10&unit=minutes",
    "?kind=agent_day",
    "?kind=customer_month&period=2026",
    "?kind=queue_agent&period=all",
    "?kind=queue_agent&period=all&export=csv",
    "?kind=customer_month&period=2026&export=xlsx",
]


def text_of(content: bytes) -> str:
    """What a file or page says; spreadsheets are unpacked."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode() for name in book.namelist())
    return content.decode()


def test_walk_knows_every_address(world: World) -> None:
    assert {address.name for address in addresses(world)} == names_in_use()


def test_anonymous_visitor_is_sent_to_the_sign_in_page(world: World) -> None:
    client = world.clients["anonymous"]

    for address in addresses(world):
        response = client.post(address.path) if address.posts else client.get(address.path)

        if address.name not in PUBLIC:
            assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/"), address


def test_account_manager_may_not_run_approve_or_export(world: World) -> None:
    client = world.clients["manager"]
    refused: dict[int, set[str]] = {403: set(), 404: set()}

    for address in addresses(world):
        response = client.post(address.path) if address.posts else client.get(address.path)
        if response.status_code in refused:
            refused[response.status_code].add(address.name)

    assert refused == {403: FOR_BILLING | FOR_ADMINISTRATORS, 404: FOR_UPLOADERS}


@pytest.mark.parametrize("role", ["billing", "admin"])
def test_billing_and_administrator_reach_every_page(world: World, role: str) -> None:
    client = world.clients[role]
    left_out = {"account_logout"} | (FOR_ADMINISTRATORS | FOR_UPLOADERS if role == "billing" else set())
    pages = [address for address in addresses(world) if not address.posts and address.name not in left_out]

    statuses = {address.name: client.get(address.path, follow=True).status_code for address in pages}

    assert set(statuses.values()) == {200}, statuses


def test_reader_without_sight_of_all_customers_may_not_bill(world: World, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("half")
    user.user_permissions.add(Permission.objects.get(codename="run_billing"))

    assert signed_in(user).post("/orders/runs/start/", {"period": "2026-10"}).status_code == 403


@pytest.mark.parametrize("query", QUERIES)
def test_manager_finds_no_byte_of_another_customer(world: World, query: str) -> None:
    client = world.clients["manager"]

    for address in addresses(world):
        if address.posts:
            continue
        text = text_of(client.get(address.path + query).content)
        hits = [mark for mark in (MARK, *map(str, MARKED_MINUTES), *map("{:,}".format, MARKED_MINUTES)) if mark in text]
        assert hits == [], address


def test_marks_are_found_by_those_who_may_see_them(world: World) -> None:
    client = world.clients["stranger"]

    for path in ("/tickets/", "/orders/", "/orders/left-out/", "/tickets/?period=all&export=xlsx"):
        assert MARK in text_of(client.get(path).content), path


def test_foreign_objects_are_not_there(world: World) -> None:
    client = world.clients["manager"]

    ticket = client.get(f"/tickets/{world.foreign_ticket.pk}/")
    order = client.get(f"/orders/{world.foreign_order.pk}/")

    assert (ticket.status_code, order.status_code) == (404, 404)
    assert MARK not in text_of(ticket.content + order.content)


def test_exact_number_of_a_foreign_ticket_leads_nowhere(world: World) -> None:
    response = world.clients["manager"].get("/tickets/?q=Zebra-1")

    assert response.status_code == 200


def test_assignment_that_is_taken_away_counts_from_the_next_request(world: World) -> None:
    client = world.clients["manager"]
    assert client.get(f"/orders/{world.order.pk}/").status_code == 200

    world.customer.account_managers.clear()

    assert client.get(f"/orders/{world.order.pk}/").status_code == 404
    assert "No customers are assigned to you" in client.get("/orders/").content.decode()
    assert "No customers are assigned to you" in client.get("/tickets/").content.decode()


def test_buttons_are_absent_without_the_permission(world: World) -> None:
    html = world.clients["manager"].get("/orders/").content.decode()

    assert "/orders/runs/start/" not in html
    assert "/orders/approve/" not in html
    assert "/orders/export/" not in html


def test_reading_changes_nothing(world: World) -> None:
    before = rows()

    for address in addresses(world):
        for query in QUERIES:
            if not address.posts:
                world.clients["admin"].get(address.path + query)

    assert rows() == before


def rows() -> str:
    """All rows that pages could change by mistake."""
    models = [model for app in ("tickets", "billing", "outofoffice") for model in apps.get_app_config(app).get_models()]
    return "".join(serialize("json", model._base_manager.order_by("pk")) for model in models)


def test_forms_without_their_token_are_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="dora"))

    statuses = {address.name: client.post(address.path).status_code for address in addresses(world) if address.posts}

    assert set(statuses.values()) == {403}
    assert BillingRun.objects.get().started_by is None
    assert set(Order.objects.values_list("state", flat=True)) == {"draft"}
