"""Set-up in the admin: what can be changed, what only looked at, and what never comes out again."""

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.agreement_copies import AgreementRefused, copy_agreement
from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, RateRule
from common.admin import ReadOnlyAdmin
from common.months import Month
from tests.pages.world import World
from tickets import admin as tickets_admin
from tickets.checks import Check
from tickets.models import Customer, TicketSystem

READ_ONLY = {
    "Ticket",
    "TimeEntry",
    "SyncRun",
    "BillingRun",
    "Order",
    "Allocation",
    "OrderEvent",
    "Export",
    "Group",
}
SYSTEM: dict[str, Any] = {
    "name": "Second",
    "base_url": "https://help.example.org/otrs",
    "preset": "billing_portal",
    "routes": "{}",
    "authentication": "session",
    "login": "portal-api",
    "password": "entered-secret",
    "time_zone": "Europe/Berlin",
    "minutes_per_unit": "1",
    "closed_state_types": " closed \r\n\r\nbilled\nclosed",
    "internal_queues": "",
    "time_source": "history",
    "look_back_days": "90",
    "search_limit": "10000",
    "deep_link": "",
    "verify_tls": "on",
    "active": "on",
}
AGREEMENT: dict[str, Any] = {
    "billed": "on",
    "erp_customer_number": "",
    "counting_states": "",
    "hourly_rate": "95",
    "currency": "EUR",
    "article_number": "SUP-STD",
    "unit": "Std",
    "minutes_per_unit": "60",
    "tax_rate": "19",
    "rounding_step": "15",
    "rounding_mode": "up",
    "position_text": "{number} {title}",
    "valid_from": "2000-01-01",
    "counting": "closed",
    "period_months": "1",
    "rounding_scope": "ticket",
    "minimum_minutes": "0",
    "included_minutes": "0",
    "grace_days": "0",
    **{
        f"{rows}-{name}_FORMS": "0"
        for rows in ("rate_rules", "flat_fees")
        for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")
    },
}
RULE = {"agreement": "", "queue": "Raw", "hourly_rate": "30", "billable": "on", "valid_from": "2000-01-01"}


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["admin"]


def test_every_model_that_the_portal_writes_itself_is_read_only(client: Client) -> None:
    read_only = {model.__name__ for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)}

    assert read_only == READ_ONLY


@pytest.mark.parametrize("model", ["tickets/ticket", "tickets/timeentry", "billing/order", "billing/billingrun"])
def test_read_only_rows_can_be_looked_at_but_not_changed(world: World, client: Client, model: str) -> None:
    pk = {"tickets/ticket": world.ticket.pk, "billing/order": world.order.pk, "billing/billingrun": world.run.pk}
    key = pk.get(model) or world.ticket.entries.get().pk

    looked = client.get(f"/admin/{model}/{key}/change/").status_code
    added = client.post(f"/admin/{model}/add/", {}).status_code
    changed = client.post(f"/admin/{model}/{key}/change/", {}).status_code
    deleted = client.post(f"/admin/{model}/{key}/delete/", {"post": "yes"}).status_code

    assert (looked, added, changed, deleted) == (200, 403, 403, 403)


def test_lists_of_all_models_open_and_search(client: Client) -> None:
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"

        assert client.get(path).status_code == 200, path
        assert client.get(f"{path}?q=x", follow=True).status_code == 200, path


@pytest.mark.parametrize("role", ["manager", "billing"])
def test_other_roles_have_no_set_up_pages(world: World, role: str) -> None:
    response = world.clients[role].get("/admin/", follow=True)

    assert response.status_code == 403
    assert "Set-up" not in world.clients[role].get("/").content.decode()


def test_password_goes_in_encrypted_and_never_comes_out(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)

    system = TicketSystem.objects.get(name="Second")
    html = client.get(f"/admin/tickets/ticketsystem/{system.pk}/change/").content.decode()
    assert system.password == "entered-secret"
    assert "entered-secret" not in html
    assert "A password is set. Leave this empty to keep it." in html


def test_empty_password_keeps_the_one_that_is_set(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)
    system = TicketSystem.objects.get(name="Second")

    client.post(f"/admin/tickets/ticketsystem/{system.pk}/change/", SYSTEM | {"password": "", "login": "other"})

    system.refresh_from_db()
    assert (system.login, system.password) == ("other", "entered-secret")


def test_names_are_entered_one_a_line(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)

    system = TicketSystem.objects.get(name="Second")
    html = client.get(f"/admin/tickets/ticketsystem/{system.pk}/change/").content.decode()
    assert (system.closed_state_types, system.internal_queues) == (["closed", "billed"], [])
    assert "closed\nbilled</textarea>" in html


def test_password_whose_key_is_lost_can_be_entered_again(world: World, client: Client, settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMDA="]
    path = f"/admin/tickets/ticketsystem/{world.system.pk}/change/"

    listed = client.get("/admin/tickets/ticketsystem/")
    refused = client.post(path, SYSTEM | {"password": ""})
    accepted = client.post(path, SYSTEM)

    assert (listed.status_code, client.get(path).status_code, accepted.status_code) == (200, 200, 302)
    assert "Enter the password of the login." in refused.content.decode()
    assert TicketSystem.objects.get(pk=world.system.pk).password == "entered-secret"


def test_stored_password_is_not_sent_to_another_address(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)
    system = TicketSystem.objects.get(name="Second")
    elsewhere = SYSTEM | {"password": "", "base_url": "https://evil.example/otrs"}

    response = client.post(f"/admin/tickets/ticketsystem/{system.pk}/change/", elsewhere)

    system.refresh_from_db()
    assert "The address is a new one: enter the password again." in response.content.decode()
    assert system.base_url == "https://help.example.org/otrs"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("password", "", "Enter the password of the login."),
        ("routes", "[1]", "Write the routes like"),
        ("routes", '{"TicketGet": 1}', "Write the routes like"),
        ("routes", "{", "Enter a valid JSON."),
        ("closed_state_types", " \n ", "required"),
        ("time_zone", "Berlin", "“Berlin” is not a time zone"),
        ("minutes_per_unit", "0", "greater than or equal"),
        ("base_url", "file:///etc/passwd", "The base URL must look like"),
        ("base_url", "https://user:secret@help.example.org/otrs", "must not contain a login or a password"),
    ],
)
def test_ticket_system_that_cannot_work_is_refused(client: Client, field: str, value: str, sentence: str) -> None:
    response = client.post("/admin/tickets/ticketsystem/add/", SYSTEM | {field: value})

    assert sentence in response.content.decode()
    assert not TicketSystem.objects.filter(name="Second").exists()


def test_connection_is_checked_on_demand(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Check(operation="TicketSearch", works=False, text="Permission denied.", fix="Give the agent the queue."),
        Check(operation="TimeAccountingGet", works=False, text="Not there.", needed=False),
        Check(operation="TicketGet", works=True, text="5 tickets"),
    ]
    asked: list[int] = []

    def check(pk: int) -> list[Check]:
        asked.append(pk)
        return found

    monkeypatch.setattr(tickets_admin, "check_connection", check)
    path = f"/admin/tickets/ticketsystem/{world.system.pk}/check/"

    before, html = client.get(path).content.decode(), client.post(path).content.decode()

    assert asked == [world.system.pk]
    assert "TicketSearch" not in before
    assert "Give the agent the queue." in html
    assert "no, and not needed" in html


def test_connection_is_checked_by_administrators_only(world: World) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    client = Client()
    client.force_login(user)

    assert client.post(f"/admin/tickets/ticketsystem/{world.system.pk}/check/").status_code == 403
    assert world.clients["admin"].get("/admin/tickets/ticketsystem/999/check/").status_code == 404


def test_customer_is_given_to_an_account_manager(world: World, client: Client) -> None:
    bernd = User.objects.get(username="bernd")
    fields = {"system": world.system.pk, "customer_id": "K1001", "name": "Königsbau", "account_managers": [bernd.pk]}

    client.post(f"/admin/tickets/customer/{world.customer.pk}/change/", fields)

    assert list(Customer.objects.get(pk=world.customer.pk).account_managers.all()) == [bernd]


def test_agreement_of_a_customer_is_saved(world: World, client: Client) -> None:
    world.order.delete()
    Agreement.objects.filter(customer=world.customer).delete()

    client.post("/admin/billing/agreement/add/", AGREEMENT | {"customer": world.customer.pk})

    assert Agreement.objects.get(customer=world.customer).position_text == "{number} {title}"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("position_text", "{nummer}", "There is no placeholder {nummer}"),
        ("position_text", "{", "There is a single brace in the text"),
        ("currency", "eur", "Three capitals."),
        ("hourly_rate", "-1", "greater than or equal"),
        ("customer", "", "Choose a customer, or make this the default agreement, but not both."),
        ("is_default", "on", "Choose a customer, or make this the default agreement, but not both."),
        ("valid_from", "2026-10-02", "An agreement begins on the first day of a month."),
        ("valid_to", "2026-10-30", "An agreement ends on the last day of a month."),
        ("valid_to", "1999-12-31", "The agreement would end before it begins."),
        ("minimum_minutes", "-1", "greater than or equal"),
        ("billing_day", "32", "less than or equal"),
    ],
)
def test_agreement_that_cannot_work_is_refused(
    world: World, client: Client, field: str, value: str, sentence: str
) -> None:
    other = Customer.objects.create(system=world.system, customer_id="other")
    before = Agreement.objects.count()

    response = client.post("/admin/billing/agreement/add/", AGREEMENT | {"customer": other.pk} | {field: value})

    assert sentence in response.content.decode()
    assert Agreement.objects.count() == before


def test_quarter_begins_with_a_quarter(world: World, client: Client) -> None:
    other = Customer.objects.create(system=world.system, customer_id="other")
    terms = {"customer": other.pk, "period_months": "3", "valid_from": "2026-11-01"}

    response = client.post("/admin/billing/agreement/add/", AGREEMENT | terms)

    assert "A quarter begins in January, April, July or October." in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"queue": ""}, "Name an agreement, service, queue, type or agent that the rule is for."),
        ({"billable": ""}, "Say why this time is not billed."),
        ({"reason": "Ours"}, "A reason is for time that is not billed."),
        ({"valid_to": "1999-01-01"}, "The rule would end before it begins."),
        ({"hourly_rate": "-1"}, "greater than or equal"),
    ],
)
def test_rate_rule_that_cannot_work_is_refused(client: Client, changes: dict[str, str], sentence: str) -> None:
    response = client.post("/admin/billing/raterule/add/", RULE | changes)

    assert sentence in response.content.decode()
    assert not RateRule.objects.exists()


def test_rate_rule_for_all_customers_is_saved(client: Client) -> None:
    client.post("/admin/billing/raterule/add/", RULE)

    assert str(RateRule.objects.get()) == "Raw"


def test_default_agreement_has_no_recurring_lines(world: World, client: Client) -> None:
    usual = Agreement.objects.get(is_default=True)
    line = {"text": "Flat", "article_number": "A", "quantity": "1", "unit": "Stck", "unit_price": "5"}
    rows = {f"flat_fees-0-{name}": value for name, value in (line | {"valid_from": "2000-01-01"}).items()}
    rows |= {"flat_fees-TOTAL_FORMS": "1", "flat_fees-0-agreement": str(usual.pk), "is_default": "on", "customer": ""}

    response = client.post(f"/admin/billing/agreement/{usual.pk}/change/", AGREEMENT | rows)

    assert "The default agreement has no recurring lines" in response.content.decode()
    assert not FlatFee.objects.exists()


def test_agreement_is_copied_for_the_next_month_once(world: World, client: Client) -> None:
    own, _created = Agreement.objects.get_or_create(customer=world.customer, defaults={"hourly_rate": 80})
    RateRule.objects.create(agreement=own, queue="Raw", hourly_rate=30)
    FlatFee.objects.create(agreement=own, text="Flat", article_number="A", unit="Stck", unit_price=5)
    chosen = {"action": "copy_for_next_month", "_selected_action": [own.pk]}

    for _twice in range(2):
        client.post("/admin/billing/agreement/", chosen)

    newest = Agreement.objects.filter(customer=world.customer).latest("valid_from")
    assert Agreement.objects.filter(customer=world.customer).count() == 2
    assert (newest.hourly_rate, newest.rate_rules.count(), newest.flat_fees.count()) == (own.hourly_rate, 1, 1)
    assert newest.valid_from == Month.of(timezone.localdate()).next.first_day


def test_agreement_of_a_quarter_is_copied_at_a_quarter_only(world: World) -> None:
    own = Agreement(customer=world.customer, hourly_rate=80, period_months=3)

    with pytest.raises(AgreementRefused, match="a new one begins in January"):
        copy_agreement(own, Month(2026, 11))


def test_agreement_is_not_copied_into_the_past(world: World) -> None:
    own = Agreement(customer=world.customer, hourly_rate=80, valid_from=date(2026, 11, 1))

    with pytest.raises(AgreementRefused, match="begins later than that"):
        copy_agreement(own, Month(2026, 10))


def test_prepaid_minutes_are_bought_and_adjusted_through_the_ledger(world: World, client: Client) -> None:
    block = PrepaidBlock.objects.create(customer=world.customer, name="Block", starts=date(2026, 1, 1))
    address, bought = "/admin/billing/prepaidmovement/add/", {"block": block.pk, "kind": "granted", "minutes": "600"}

    client.post(address, bought)
    client.post(address, bought | {"kind": "adjusted", "minutes": "-60", "reason": "Counted twice"})
    refused = client.post(address, bought | {"kind": "adjusted", "minutes": "-601", "reason": "Too much"})

    block.refresh_from_db()
    assert (block.balance, block.movements.count()) == (540, 2)
    assert "There are only 540 minutes left." in refused.content.decode()
    assert "Counted twice" in client.get(f"/admin/billing/prepaidblock/{block.pk}/change/").content.decode()


def test_administrator_cannot_make_a_superuser(world: World, client: Client) -> None:
    anna = User.objects.get(username="anna")
    fields = {"username": "anna", "is_active": "on", "is_superuser": "on", "user_permissions": ["1"]}

    client.post(f"/admin/auth/user/{anna.pk}/change/", fields)

    anna.refresh_from_db()
    assert (anna.is_superuser, anna.user_permissions.count()) == (False, 0)


@pytest.mark.parametrize("action", ["change", "delete", "password"])
def test_administrator_cannot_touch_a_superuser(client: Client, action: str) -> None:
    root = User.objects.create_superuser("root", password="untouched password")

    response = client.post(f"/admin/auth/user/{root.pk}/{action}/", {"post": "yes", "username": "taken"})

    root.refresh_from_db()
    assert response.status_code == 403
    assert root.username == "root"
    assert root.check_password("untouched password")


def test_superuser_may(db: None) -> None:
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)

    assert client.get(f"/admin/auth/user/{root.pk}/change/").status_code == 200
