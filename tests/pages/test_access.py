"""Who may see and do what, over every address; a stranger's page holds not one byte of another's customer."""

import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.serializers import serialize
from django.db.models import QuerySet
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from billing.agreement_models import Agreement
from billing.message_models import OrderMessage
from billing.models import BillingRun, Order, OrderPosition
from common.fields import DUMPED, decrypt
from portal.models import SavedFilter
from registration.models import RegisteredSystem
from tests.pages.asked import names_asked
from tests.pages.pages import MACHINES, PUBLIC, addresses, names_in_use
from tests.pages.world import MARK, MARKED_MINUTES, World, signed_in
from tickets.models import Customer, Ticket, TicketSystem
from tickets.outbox_models import OutboxItem

pytestmark = pytest.mark.slow

FOR_BILLING = {
    "tickets:readings",
    "tickets:reading",
    "tickets:read_now",
    "tickets:stop_reading",
    "tickets:accept_losses",
    "billing:message_retry",
    "billing:message_settle",
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
    "reports:without_time",
}
FOR_ADMINISTRATORS = {
    "audit:log",
    "units",
    "health",
    "mails",
    "test_mail",
    "metrics",
    "registration:texts",
    "registration:retire",
}
FOR_OWN_REGISTRATION = {
    "own_registration:own",
    "own_registration:register",
    "own_registration:update",
    "own_registration:deregister",
}
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
    "outofoffice:stop",
}
"""To everybody else they are not there."""
FOR_DEVELOPMENT = {"styleguide"}
"""Not there unless ``DEBUG`` is on."""
NOT_FOR_BILLING = FOR_ADMINISTRATORS | FOR_UPLOADERS | FOR_OWN_REGISTRATION
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
    "?state=attention",
    "?state=conflict&sort=-state&export=csv",
    "?q=zebra&customer=zebra&export=xlsx",
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

    hidden = FOR_UPLOADERS | FOR_OWN_REGISTRATION | FOR_DEVELOPMENT
    assert refused == {403: FOR_BILLING | FOR_ADMINISTRATORS, 404: hidden}


@pytest.mark.parametrize("role", ["billing", "admin"])
def test_billing_and_administrator_reach_every_page(world: World, role: str) -> None:
    client = world.clients[role]
    left_out = {"account_logout"} | FOR_DEVELOPMENT | (NOT_FOR_BILLING if role == "billing" else set())
    pages = [address for address in addresses(world) if not address.posts and address.name not in left_out]

    statuses = {address.name: client.get(address.path, follow=True).status_code for address in pages}

    assert set(statuses.values()) == {200}, statuses


def test_reader_without_sight_of_all_customers_may_not_bill(world: World, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("half")
    user.user_permissions.add(Permission.objects.get(codename="run_billing"))

    assert signed_in(user).post("/orders/runs/start/", {"period": "2026-10"}).status_code == 403


def reads(world: World, role: str, path: str, query: str) -> bool:
    """Whether the query says anything to the page; without one every page is asked."""
    if (role, path) not in ASKED:
        ASKED[role, path] = names_asked(world.clients[role], path)
    return not query or not ASKED[role, path].isdisjoint(QueryDict(query[1:]))


ASKED: dict[tuple[str, str], set[str]] = {}


@pytest.mark.parametrize("query", QUERIES)
def test_manager_finds_no_byte_of_another_customer(world: World, query: str) -> None:
    client = world.clients["manager"]

    for address in addresses(world):
        if address.posts or not reads(world, "manager", address.path, query):
            continue
        text = text_of(client.get(address.path + query).content)
        hits = [mark for mark in (MARK, *map(str, MARKED_MINUTES), *map("{:,}".format, MARKED_MINUTES)) if mark in text]
        assert hits == [], address


def test_marks_are_found_by_those_who_may_see_them(world: World) -> None:
    client = world.clients["stranger"]

    for path in (
        "/tickets/written/",
        "/tickets/",
        "/orders/",
        "/orders/left-out/",
        "/tickets/?period=all&export=xlsx",
        "/registration/",
    ):
        assert MARK in text_of(client.get(path).content), path


def test_foreign_objects_are_not_there(world: World) -> None:
    client = world.clients["manager"]

    ticket = client.get(f"/tickets/{world.foreign_ticket.pk}/")
    order = client.get(f"/orders/{world.foreign_order.pk}/")
    registered = client.get(f"/registration/{world.foreign_registered.pk}/")

    assert (ticket.status_code, order.status_code, registered.status_code) == (404, 404, 404)
    assert MARK not in text_of(ticket.content + order.content + registered.content)


def foreign(world: World) -> World:
    """The same with the objects of the other customer, for whoever knows or guesses their numbers."""
    stranger = User.objects.get(username="bernd")
    saved = SavedFilter.objects.create(user=stranger, page="reports:report", name=f"{MARK} filter", query="")
    return replace(
        world,
        customer=world.foreign,
        ticket=world.foreign_ticket,
        order=world.foreign_order,
        registered=world.foreign_registered,
        note=OutboxItem.objects.get(key="form-foreign"),
        message=OrderMessage.objects.create(
            order=world.foreign_order, ticket=world.foreign_ticket, item=OutboxItem.objects.get(key="form-foreign")
        ),
        saved=saved,
    )


@pytest.mark.parametrize("role", ["anonymous", "manager"])
def test_objects_of_another_customer_are_neither_told_nor_changed(world: World, role: str) -> None:
    client, walked = world.clients[role], addresses(foreign(world))
    before = rows()
    told, failed = {}, {}

    for address in walked:
        for method in ("get", "post"):
            if (address.name, method) in OWN_POSTS:
                continue
            response = getattr(client, method)(address.path)
            if MARK in text_of(response.content):
                told[address.name, method] = response.status_code
            if response.status_code >= 500:
                failed[address.name, method] = response.status_code

    assert (told, failed) == ({}, {})
    assert rows() == before


OWN_POSTS = {
    ("account_logout", "get"),
    ("account_logout", "post"),
    ("mfa_deactivate_totp", "post"),
    ("mfa_generate_recovery_codes", "post"),
    ("hide_checklist", "post"),
    ("revoke_api_token", "post"),
}
"""What ends the walk: it signs out, or changes what is the walker's own, the token of the walked addresses included."""


@pytest.mark.parametrize("role", ["manager", "billing"])
def test_set_up_pages_are_there_for_administrators_only(world: World, role: str) -> None:
    client = world.clients[role]
    statuses = {}

    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._base_manager.order_by("pk").last()
        paths = [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        paths += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "delete", "history") if row]
        for path in paths:
            for response in (client.get(path, follow=True), client.post(path, follow=True)):
                statuses[path] = response.status_code
                assert MARK not in text_of(response.content), path

    assert len(statuses) > 40
    assert set(statuses.values()) == {403}


def test_fields_that_a_form_does_not_have_change_nothing(world: World) -> None:
    """Every field of every model beside what a form asks for: no state, total, owner or right comes in that way."""
    client = world.clients["manager"]
    names = {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    extra = dict.fromkeys(names | {f"{name}_id" for name in names}, "1") | {"state": "issued", "is_superuser": "on"}
    walked = [*addresses(world), *addresses(foreign(world))]
    before = guarded_rows()

    for address in walked:
        if (address.name, "post") not in OWN_POSTS:
            assert client.post(address.path, extra).status_code < 500, address

    assert guarded_rows() == before


def test_administrator_gives_no_rights_that_the_form_does_not_have(world: World) -> None:
    user = User.objects.get(username="anna")
    permission = Permission.objects.get(codename="delete_order")
    fields = {"username": "anna", "is_active": "on", "is_superuser": "on", "user_permissions": [permission.pk]}

    response = world.clients["admin"].post(
        f"/admin/auth/user/{user.pk}/change/",
        fields | {"password": "known", "groups": [], "last_login_0": "1999-01-01"},
    )

    changed = User.objects.get(username="anna")
    assert response.status_code == 302
    assert (changed.is_superuser, changed.user_permissions.count()) == (False, 0)
    assert (changed.password, changed.last_login) == (user.password, user.last_login)


def guarded_rows() -> str:
    """What an account manager must not change, whatever is sent along."""
    models = [User, Order, OrderPosition, Agreement, Customer, TicketSystem, Ticket, RegisteredSystem, BillingRun]
    kept = [model._base_manager.order_by("pk") for model in models]
    return dumped([*kept, SavedFilter.objects.filter(user__username="bernd")])


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


@pytest.mark.slow
def test_reading_changes_nothing(world: World) -> None:
    walked = addresses(world)
    before = rows()

    client = world.clients["admin"]
    for address in walked:
        for query in QUERIES:
            if not address.posts and reads(world, "admin", address.path, query):
                client.get(address.path + query)

    assert rows() == before


def rows() -> str:
    """All rows that pages could change by mistake."""
    written = ("tickets", "billing", "outofoffice", "registration", "portal", "auth", "admin", "mfa", "account")
    models = [model for app in written for model in apps.get_app_config(app).get_models()]
    return dumped(model._base_manager.order_by("pk") for model in models)


def dumped(querysets: Iterable[QuerySet[Any]]) -> str:
    """Secrets in clear: each dump encrypts them anew."""
    text = "".join(serialize("json", rows) for rows in querysets)
    return re.sub(DUMPED + r"([\w=-]+)", lambda found: decrypt(found[1]), text)


def test_forms_without_their_token_are_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="dora"))

    statuses = {address.name: client.post(address.path).status_code for address in addresses(world)}

    assert {name for name, status in statuses.items() if status not in (403, 405)} == MACHINES
    assert BillingRun.objects.get().started_by is None
    assert set(Order.objects.values_list("state", flat=True)) == {"draft"}
