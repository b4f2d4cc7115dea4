"""Set-up in the admin: what can be changed, what only looked at, and what never comes out again."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.models import AuditRow
from billing.agreement_copies import AgreementRefused, copy_agreement
from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, RateRule
from common.admin import ReadOnlyAdmin
from common.months import Month
from tests.billing.scenes import ticket_of
from tests.pages.world import World
from tickets import admin as tickets_admin
from tickets.check_results import Check
from tickets.expectations import Expected
from tickets.models import Customer, TicketSystem
from tickets.web_services import Offer, Transport, web_service_definition

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
    "ApiToken",
}
SYSTEM: dict[str, Any] = {
    "name": "Second",
    "base_url": "https://help.example.org/otrs",
    "transport": "rest",
    "preset": "billing_portal",
    "routes": "",
    "authentication": "session",
    "login": "portal-api",
    "password": "entered-secret",
    "rpc_url": "",
    "rpc_user": "",
    "rpc_password": "",
    "rpc_user_id": "1",
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
    "message_language": "de",
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
    assert "Set on 2026-11-20 10:00 by dora. Leave this empty to keep it." in html


def test_a_new_ticket_system_is_led_to_the_check_of_its_connection(client: Client) -> None:
    form = client.get("/admin/tickets/ticketsystem/add/")

    response = client.post("/admin/tickets/ticketsystem/add/", SYSTEM | {"_save": "Save"})

    page = client.get(response["Location"]).content.decode()
    assert form.context["adminform"].form["closed_state_types"].value() == "closed"
    assert "/help/connect-your-ticket-system/" in form.content.decode()
    assert response["Location"] == f"/admin/tickets/ticketsystem/{TicketSystem.objects.get(name='Second').pk}/check/"
    assert "Check now" in page


def test_no_field_of_a_ticket_system_is_left_out_of_its_page() -> None:
    shown = [name for _title, part in tickets_admin.TicketSystemAdmin.fieldsets for name in part["fields"]]

    assert sorted(shown) == sorted(
        field.name for field in TicketSystem._meta.fields if field.editable and field.name != "id"
    )


def test_customers_get_their_names_on_one_page(world: World, client: Client) -> None:
    customers = list(Customer.objects.order_by("pk"))
    rows = {f"form-{row}-id": each.pk for row, each in enumerate(customers)}
    names = {f"form-{row}-name": f"Named {row}" for row in range(len(customers))}
    numbers = {"form-TOTAL_FORMS": len(customers), "form-INITIAL_FORMS": len(customers), "_save": "Save"}

    client.post("/admin/tickets/customer/?o=2", rows | names | numbers)

    assert sorted(Customer.objects.values_list("name", flat=True)) == sorted(names.values())
    changes = AuditRow.objects.filter(object_type="tickets.customer", action="object.changed")
    assert changes.count() == len(customers)


def test_empty_password_keeps_the_one_that_is_set(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)
    system = TicketSystem.objects.get(name="Second")

    client.post(f"/admin/tickets/ticketsystem/{system.pk}/change/", SYSTEM | {"password": "", "login": "other"})

    system.refresh_from_db()
    assert (system.login, system.password) == ("other", "entered-secret")


def test_kept_password_keeps_who_set_it_and_a_new_connection_is_not_checked_yet(world: World, client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM)
    system = TicketSystem.objects.get(name="Second")
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    TicketSystem.objects.filter(pk=system.pk).update(
        password_set_at=long_ago, password_set_by="anna", checked_at=long_ago
    )
    path, same = f"/admin/tickets/ticketsystem/{system.pk}/change/", SYSTEM | {"password": ""}

    client.post(path, same | {"look_back_days": "60"})
    renamed = TicketSystem.objects.get(pk=system.pk)
    client.post(path, same | {"login": "other"})
    other = TicketSystem.objects.get(pk=system.pk)
    client.post(path, SYSTEM | {"login": "other", "password": "a-new-one"})
    new = TicketSystem.objects.get(pk=system.pk)

    assert (renamed.password_set_at, renamed.password_set_by, renamed.checked_at) == (long_ago, "anna", long_ago)
    assert (other.password_set_by, other.checked_at) == ("anna", None)
    assert (new.password_set_at, new.password_set_by) == (timezone.now(), "dora")


@pytest.mark.parametrize("model", ["agreement", "raterule", "prepaidblock", "prepaidmovement"])
def test_each_field_says_what_it_is_for(client: Client, model: str) -> None:
    context = client.get(f"/admin/billing/{model}/add/").context
    inlines = [each.formset for each in context["inline_admin_formsets"] if each.has_add_permission]
    forms = [context["adminform"].form, *(each.empty_form for each in inlines)]

    unsaid = [
        name
        for form in forms
        for name, field in form.fields.items()
        if not field.help_text and not field.widget.is_hidden and name != "DELETE"
    ]

    assert unsaid == []


def test_routes_are_entered_one_a_line(client: Client) -> None:
    routes = " TicketGet: POST MyService /TicketGet \r\n\nTicketSearch: SOAP MyService http://example.org/My/"
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM | {"routes": routes})

    system = TicketSystem.objects.get(name="Second")
    html = client.get(f"/admin/tickets/ticketsystem/{system.pk}/change/").content.decode()
    assert system.routes == {
        "TicketGet": "POST MyService /TicketGet",
        "TicketSearch": "SOAP MyService http://example.org/My/",
    }
    assert (
        "TicketGet: POST MyService /TicketGet\nTicketSearch: SOAP MyService http://example.org/My/</textarea>" in html
    )


def test_known_state_types_are_offered(world: World, client: Client) -> None:
    html = client.get(f"/admin/tickets/ticketsystem/{world.system.pk}/change/").content.decode()

    assert "Known so far: closed, open." in html


def test_values_are_tried_before_they_are_saved(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str, str]] = []

    def check(system: TicketSystem) -> list[Check]:
        asked.append((system.pk, system.login, system.password))
        return [Check(operation="TicketGet", works=True, text="5 tickets")]

    monkeypatch.setattr(tickets_admin, "check_as_entered", check)
    stored = f"/admin/tickets/ticketsystem/{world.system.pk}/try/"
    before = TicketSystem.objects.values().get(pk=world.system.pk)
    kept = SYSTEM | {"name": "Helpdesk", "password": "", "base_url": world.system.base_url}

    new = client.post("/admin/tickets/ticketsystem/add/try/", SYSTEM).content.decode()
    changed = client.post(stored, kept | {"login": "other"}).content.decode()
    wrong = client.post(stored, kept | {"time_zone": "Berlin"}).content.decode()

    assert asked == [(0, "portal-api", "entered-secret"), (world.system.pk, "other", "secret")]
    assert "5 tickets" in new
    assert "5 tickets" in changed
    assert "entered-secret" not in new
    assert "“Berlin” is not a time zone" in wrong
    assert TicketSystem.objects.values().get(pk=world.system.pk) == before
    assert TicketSystem.objects.count() == 1


def test_unsaved_system_that_does_not_answer_is_told_so(db: None, client: Client) -> None:
    values = SYSTEM | {"base_url": "http://127.0.0.1:9/otrs"}

    html = client.post("/admin/tickets/ticketsystem/add/try/", values).content.decode()

    assert "Check the base URL, the firewall" in html


def test_values_are_tried_by_administrators_only(world: World, client: Client) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    other = Client()
    other.force_login(user)

    assert other.post("/admin/tickets/ticketsystem/add/try/", SYSTEM).status_code == 403
    assert other.post(f"/admin/tickets/ticketsystem/{world.system.pk}/try/", SYSTEM).status_code == 403
    assert client.get("/admin/tickets/ticketsystem/add/try/").status_code == 405


RPC: dict[str, Any] = {
    "rpc_url": "https://help.example.org/otrs/rpc.pl",
    "rpc_user": "soapuser",
    "rpc_password": "soap-secret",
    "rpc_user_id": "7",
}


def test_password_of_rpc_goes_in_encrypted_and_never_comes_out(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM | RPC)

    system = TicketSystem.objects.get(name="Second")
    html = client.get(f"/admin/tickets/ticketsystem/{system.pk}/change/").content.decode()
    assert (system.rpc_user, system.rpc_password, system.rpc_user_id) == ("soapuser", "soap-secret", 7)
    assert "soap-secret" not in html
    assert html.count("Set on 2026-11-20 10:00 by dora. Leave this empty to keep it.") == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT rpc_password FROM tickets_ticketsystem WHERE name = 'Second'")
        assert "soap-secret" not in cursor.fetchone()[0]


def test_password_of_rpc_is_kept_and_not_sent_to_another_address(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM | RPC)
    system = TicketSystem.objects.get(name="Second")
    path = f"/admin/tickets/ticketsystem/{system.pk}/change/"
    same = SYSTEM | RPC | {"rpc_password": "", "password": ""}

    refused = client.post(path, same | {"rpc_url": "https://elsewhere.example.org/rpc.pl"})
    accepted = client.post(path, same | {"rpc_user_id": "8"})

    system.refresh_from_db()
    assert "The address is a new one: enter the password again." in refused.content.decode()
    assert accepted.status_code == 302
    assert (system.rpc_url, system.rpc_password, system.rpc_user_id) == (RPC["rpc_url"], "soap-secret", 8)


def test_password_of_rpc_goes_with_its_address(client: Client) -> None:
    client.post("/admin/tickets/ticketsystem/add/", SYSTEM | RPC)
    system = TicketSystem.objects.get(name="Second")

    client.post(f"/admin/tickets/ticketsystem/{system.pk}/change/", SYSTEM | RPC | {"rpc_url": "", "password": ""})

    system.refresh_from_db()
    assert (system.rpc_url, system.rpc_user, system.rpc_password) == ("", "", "")


def test_system_over_rpc_alone_needs_no_agents_login(client: Client) -> None:
    response = client.post(
        "/admin/tickets/ticketsystem/add/", SYSTEM | RPC | {"transport": "rpc", "login": "", "password": ""}
    )

    assert response.status_code == 302
    system = TicketSystem.objects.get(name="Second")
    assert (system.transport, system.login, system.password) == ("rpc", "", "")


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
    elsewhere = SYSTEM | {"password": "", "base_url": "https://elsewhere.example.org/otrs"}

    response = client.post(f"/admin/tickets/ticketsystem/{system.pk}/change/", elsewhere)

    system.refresh_from_db()
    assert "The address is a new one: enter the password again." in response.content.decode()
    assert system.base_url == "https://help.example.org/otrs"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("password", "", "Enter the password of the login."),
        ("login", "", "Enter the login of the agent that the portal uses."),
        ("rpc_url", "https://help.example.org", "The address of rpc.pl must look like"),
        ("rpc_url", "https://help.example.org/rpc.pl", "Enter the password of the login."),
        ("transport", "rpc", "Enter the address of rpc.pl: everything is to go over it."),
        ("routes", "TicketGet: RPC", "Enter the address of rpc.pl: an operation is to go over it."),
        ("routes", "[1]", "“[1]” is no route; write it like “TicketGet: POST MyService /TicketGet”."),
        ("routes", "TicketGet:", "“TicketGet:” is no route"),
        ("routes", "TicketGet: RPC\nTicketGet: RPC", "TicketGet has two routes; keep one of them."),
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

    def check(pk: int, *, expected: Expected) -> list[Check]:
        assert expected == Expected()
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
    world.message.delete()
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
        ({"queue": "Support*"}, "An asterisk stands for all queues below one"),
        ({"queue": "*::Level 2"}, "An asterisk stands for all queues below one"),
        ({"queue": "::*"}, "An asterisk stands for all queues below one"),
    ],
)
def test_rate_rule_that_cannot_work_is_refused(client: Client, changes: dict[str, str], sentence: str) -> None:
    response = client.post("/admin/billing/raterule/add/", RULE | changes)

    assert sentence in response.content.decode()
    assert not RateRule.objects.exists()


def test_rate_rule_for_all_customers_is_saved(client: Client) -> None:
    client.post("/admin/billing/raterule/add/", RULE)

    assert str(RateRule.objects.get()) == "Raw"


def test_rate_rule_offers_the_names_that_the_mirror_knows(world: World, client: Client) -> None:
    ticket_of(world.customer, queue="Support::Level 2", service='"Hosting"', type="Incident")

    for path in (
        "/admin/billing/raterule/add/",
        f"/admin/billing/agreement/{world.customer.agreements.get().pk}/change/",
    ):
        html = client.get(path).content.decode()
        for kind, name in (
            ("queue", "Support::Level 2"),
            ("queue", "Support::*"),
            ("service", "&quot;Hosting&quot;"),
            ("type", "Incident"),
        ):
            offered = html.split(f'<datalist id="known-{kind}">')[1].split("</datalist>")[0]
            assert f'<option value="{name}">' in offered
            assert html.count(f'<datalist id="known-{kind}">') == 1
            assert f'list="known-{kind}"' in html


def test_each_field_of_a_rate_rule_has_an_example(client: Client) -> None:
    html = client.get("/admin/billing/raterule/add/").content.decode()

    for example in ("“Support::*” for it", "“Hosting::Backup”", "“Incident”", "“weber”", "120.00", "“SUP-NIGHT”"):
        assert example in html
    for example in ("“Warranty”", "2026-07-01", "2026-12-31"):
        assert example in html


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


def test_check_of_the_connection_takes_what_should_be_seen(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Expected] = []

    def check(pk: int, *, expected: Expected) -> list[Check]:
        asked.append(expected)
        return []

    monkeypatch.setattr(tickets_admin, "check_connection", check)
    path = f"/admin/tickets/ticketsystem/{world.system.pk}/check/"

    client.post(path, {"queues": "Support\nSupport::Level 2", "number": "4711", "booked_at": "2026-11-22 14:05"})
    alone = client.post(path, {"number": "4711"}).content.decode()

    [expected] = asked
    assert (expected.queues, expected.number) == (("Support", "Support::Level 2"), "4711")
    assert expected.booked_at is not None
    assert "A known booking is a ticket number and a time together." in alone


def test_definition_of_the_web_service_is_handed_out(world: World, client: Client) -> None:
    path = f"/admin/tickets/ticketsystem/{world.system.pk}/web-service/"

    page = client.get(path)
    file = client.get(path, {"transport": "soap", "offer": "otrs6"})

    assert "Web service definition" in page.content.decode()
    assert file["Content-Disposition"] == 'attachment; filename="BillingPortalSOAP.yml"'
    assert file.content.decode() == web_service_definition(transport=Transport.SOAP, offer=Offer.OTRS)


def test_definition_of_the_web_service_is_for_administrators_only(world: World) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    client = Client()
    client.force_login(user)

    assert client.get(f"/admin/tickets/ticketsystem/{world.system.pk}/web-service/").status_code == 403
