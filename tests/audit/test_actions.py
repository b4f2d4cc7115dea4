"""Each action leaves exactly one row, and no row holds a secret."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.dispatch import Signal
from django.test import Client, RequestFactory
from django.utils import timezone

from audit import sign_ins
from audit.middleware import MOST_REFUSALS
from audit.models import AuditRow
from audit.watching import changes_of
from billing.agreement_models import Agreement
from portal.api.tokens import make_token, revoke_token
from tests.audit.conftest import Rows
from tests.factories.billing import AgreementFactory
from tests.factories.registration import AccountFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory
from tickets.models import Customer, TicketSystem

SECRETS = ("marker-old-secret-7Zq", "marker-new-secret-9Xw", "marker password 4Kp")
PASSWORD = SECRETS[2]
pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    """Somebody who may do everything; the sign-in itself stands in the log already."""
    client = Client(REMOTE_ADDR="198.51.100.7")
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    return client


def told(rows: list[AuditRow]) -> list[tuple[str, str, str]]:
    return [(row.action, row.object_type, row.result) for row in rows]


def test_sign_in_and_out(new_rows: Rows) -> None:
    User.objects.create_user("anna", password=PASSWORD)
    client = Client(REMOTE_ADDR="198.51.100.7")

    client.post("/accounts/login/", {"login": "anna", "password": PASSWORD})
    client.post("/accounts/logout/")

    rows = new_rows()[1:]
    assert told(rows) == [("sign_in.done", "auth.user", "done"), ("sign_in.ended", "auth.user", "done")]
    assert {(row.actor_kind, row.actor, row.address) for row in rows} == {("user", "anna", "198.51.100.7")}
    assert all(row.source.startswith("request ") for row in rows)


@pytest.mark.parametrize(("name", "object_name"), [("anna", "anna"), (SECRETS[0], ""), ("a\r\nb\u202e", "")])
def test_failed_sign_in_keeps_no_name_that_may_be_a_password(new_rows: Rows, name: str, object_name: str) -> None:
    User.objects.create_user("anna", password=PASSWORD)

    Client().post("/accounts/login/", {"login": name, "password": SECRETS[1]})

    row = new_rows()[-1]
    assert len(new_rows()) == 2
    assert (row.action, row.result, row.actor_kind, row.actor) == ("sign_in.failed", "refused", "nobody", "")
    assert row.object_name == object_name


def test_failed_sign_in_with_a_name_that_no_database_takes(new_rows: Rows) -> None:
    sign_ins.sign_in_failed(None, {"username": "a\0b"}, RequestFactory().get("/"))

    assert [row.action for row in new_rows()] == ["sign_in.failed"]


@pytest.mark.parametrize(
    ("signal", "action", "result"),
    [
        ("authenticator_added", "second_factor.set", "done"),
        ("authenticator_removed", "second_factor.removed", "done"),
        ("authenticator_reset", "second_factor.renewed", "done"),
        ("authentication_failed", "second_factor.failed", "refused"),
    ],
)
def test_second_factor(new_rows: Rows, signal: str, action: str, result: str) -> None:
    """The library's signals; its app may be installed or not."""

    class Signals:
        authenticator_added, authenticator_removed = Signal(), Signal()
        authenticator_reset, authentication_failed = Signal(), Signal()

    class Authenticator:
        type = "totp"

    anna = User.objects.create_user("anna")
    sign_ins.connect_second_factor(Signals)
    request = RequestFactory().get("/")

    getattr(Signals, signal).send(
        None, request=request, user=anna, authenticator=Authenticator(), reauthentication=True
    )

    rows = new_rows()[1:]
    assert told(rows) == [(action, "auth.user", result)]
    assert (rows[0].text, rows[0].object_name) == ("totp", "anna")
    assert rows[0].actor == ("anna" if result == "done" else "")


def test_own_password(root: Client, new_rows: Rows) -> None:
    fresh = SECRETS[1]

    root.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh})

    rows = [row for row in new_rows() if row.action == "password.changed"]
    assert told(rows) == [("password.changed", "auth.user", "done")]
    assert (rows[0].actor, rows[0].object_name, rows[0].changes) == ("root", "root", [])


def test_password_that_an_administrator_sets(root: Client, new_rows: Rows) -> None:
    anna = User.objects.create_user("anna", password=PASSWORD)
    before = len(new_rows())

    root.post(
        f"/admin/auth/user/{anna.pk}/password/",
        {"password1": SECRETS[1], "password2": SECRETS[1], "usable_password": "true"},
    )

    rows = new_rows()[before:]
    assert told(rows) == [("password.changed", "auth.user", "done")]
    assert (rows[0].actor, rows[0].object_name) == ("root", "anna")


def test_hash_made_anew_at_sign_in_is_no_new_password(new_rows: Rows) -> None:
    anna = User.objects.create_user("anna", password=PASSWORD)
    anna.password = "pbkdf2_sha256$1$abc$" + "x" * 43
    anna._password = None  # type: ignore[attr-defined]  # as Django does it
    anna.save(update_fields=["password"])

    assert [row.action for row in new_rows()] == ["object.created"]


def test_user_and_role_in_the_set_up(root: Client, new_rows: Rows) -> None:
    anna = User.objects.create_user("anna", email="old@example.org")
    billing = Group.objects.get(name="Billing")
    before = len(new_rows())
    sent = {"username": "anna", "email": "new@example.org", "is_active": "on", "groups": [billing.pk]}

    root.post(f"/admin/auth/user/{anna.pk}/change/", sent)
    root.post(f"/admin/auth/user/{anna.pk}/change/", sent | {"groups": []})
    root.post(f"/admin/auth/user/{anna.pk}/delete/", {"post": "yes"})

    rows = new_rows()[before:]
    assert told(rows)[:3] == [
        ("object.changed", "auth.user", "done"),
        ("object.linked", "auth.user", "done"),
        ("object.unlinked", "auth.user", "done"),
    ]
    assert rows[0].changes == [["email", "old@example.org", "new@example.org"]]
    assert rows[1].text == rows[2].text == "groups: Billing"
    assert told(rows)[3:] == [("object.deleted", "auth.user", "done")]
    assert {row.actor for row in rows} == {"root"}


def test_permission_given_to_a_role_and_all_taken_away(new_rows: Rows) -> None:
    group = Group.objects.create(name="Guests")
    permission = Permission.objects.get(codename="see_health")

    group.permissions.add(permission)
    group.permissions.add(permission)
    group.permissions.clear()
    group.permissions.clear()

    rows = new_rows()
    assert [row.action for row in rows] == ["object.created", "object.linked", "object.unlinked"]
    assert "Can see the health" in rows[1].text
    assert rows[1].text == rows[2].text


def test_link_from_the_other_end(new_rows: Rows) -> None:
    anna, group = User.objects.create_user("anna"), Group.objects.create(name="Guests")

    group.user_set.add(anna)
    group.user_set.clear()

    rows = new_rows()[2:]
    assert told(rows) == [("object.linked", "auth.group", "done"), ("object.unlinked", "auth.group", "done")]
    assert rows[0].text == rows[1].text == "users: anna"


def test_credentials_of_a_ticket_system(new_rows: Rows) -> None:
    system: TicketSystem = TicketSystemFactory(password="", login="portal")
    created = new_rows()[-1]
    system.password = SECRETS[0]
    system.save()
    system = TicketSystem.objects.get(pk=system.pk)
    system.password = SECRETS[1]
    system.login = "other"
    system.save()
    system.save()  # nothing changes
    again = TicketSystem.objects.get(pk=system.pk)
    assert again.password == SECRETS[1]  # read, so that it is written anew
    again.save()

    rows = new_rows()[1:]
    assert created.action == "object.created"
    assert [row.changes for row in rows] == [
        [["password", "", "set"]],
        [["login", "portal", "other"], ["password", "set", "changed"]],
    ]
    TicketSystem.objects.get(pk=system.pk).delete()
    assert ["password", "set", ""] in new_rows()[-1].changes


def test_secret_that_no_key_reads_counts_as_changed(settings: Any, new_rows: Rows) -> None:
    system: TicketSystem = TicketSystemFactory(password=SECRETS[0])
    settings.FIELD_ENCRYPTION_KEYS = ["YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="]
    system = TicketSystem.objects.get(pk=system.pk)

    system.password = SECRETS[0]
    system.save()

    assert new_rows()[-1].changes == [["password", "set", "changed"]]


def test_account_of_the_registration(new_rows: Rows) -> None:
    account = AccountFactory()
    before = len(new_rows())
    account.password = "pbkdf2_sha256$1$abc$" + SECRETS[1]
    account.note = "why"
    account.save()

    (row,) = new_rows()[before:]
    assert {name: new for name, _old, new in row.changes} == {"password": "changed", "note": "why"}


def test_master_data_of_customers_and_agreements(root: Client, new_rows: Rows) -> None:
    customer: Customer = CustomerFactory(name="Old name")
    agreement: Agreement = AgreementFactory(customer=customer)
    agent = AgentFactory(system=customer.system)
    anna = User.objects.create_user("anna")
    before = len(new_rows())

    customer.name = "New\r\nname"
    customer.save(update_fields=["name"])
    customer.account_managers.set([anna])
    agreement.delete()
    agent.delete()

    rows = new_rows()[before:]
    assert told(rows) == [
        ("object.changed", "tickets.customer", "done"),
        ("object.linked", "tickets.customer", "done"),
        ("object.deleted", "billing.agreement", "done"),
        ("object.deleted", "tickets.agent", "done"),
    ]
    assert rows[0].changes == [["name", "Old name", r"New\u000d\u000aname"]]


def test_equal_numbers_are_no_change() -> None:
    assert changes_of(TicketSystem, {"minutes_per_unit": "90"}, {"minutes_per_unit": "90.00"}) == {}


def test_refusal(new_rows: Rows) -> None:
    client = Client(REMOTE_ADDR="198.51.100.7")
    client.force_login(User.objects.create_user("anna"))
    before = len(new_rows())

    client.get("/audit/?token=marker-old-secret-7Zq")
    client.get("/orders/4711/")
    client.get("/nowhere/")

    rows = new_rows()[before:]
    assert [(row.action, row.result, row.object_key, row.object_name, row.text) for row in rows] == [
        ("access.refused", "refused", "audit:log", "/audit/", "GET"),
        ("access.not_found", "refused", "billing:order", "/orders/4711/", "GET"),
    ]
    assert {row.actor for row in rows} == {"anna"}


def test_form_without_its_token(new_rows: Rows) -> None:
    Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "anna"})

    assert [(row.action, row.actor_kind, row.text) for row in new_rows()] == [("access.refused", "nobody", "POST")]


def test_nobody_fills_the_log_by_knocking(new_rows: Rows) -> None:
    client = Client(enforce_csrf_checks=True)

    for _knock in range(MOST_REFUSALS + 5):
        client.post("/language/")

    assert len(new_rows()) == MOST_REFUSALS + 1
    assert "not recorded" in new_rows()[-1].text


def test_download(root: Client, new_rows: Rows) -> None:
    before = len(new_rows())

    root.get("/audit/?result=refused&export=csv")

    (row,) = new_rows()[before:]
    assert (row.action, row.object_key, row.object_name) == ("file.downloaded", "audit:log", "audit-log.csv")
    assert row.text == "/audit/?result=refused&export=csv"


def test_page_that_is_only_looked_at_leaves_nothing(root: Client, new_rows: Rows) -> None:
    before = len(new_rows())

    root.get("/")
    root.get("/audit/")

    assert new_rows()[before:] == []


def test_backup_that_fails_is_recorded(tmp_path: Path, new_rows: Rows) -> None:
    there = tmp_path / "there.dump"
    there.touch()

    with pytest.raises(Exception, match="exists already"):
        call_command("backup", str(there), stdout=StringIO())

    assert [(row.action, row.object_name, row.result) for row in new_rows()] == [
        ("backup.made", "there.dump", "failed")
    ]


def test_no_row_holds_a_secret(root: Client, new_rows: Rows) -> None:
    """Every way in which a secret comes to the portal, once more and in one go."""
    steps: tuple[Callable[[], object], ...] = (
        lambda: Client().post("/accounts/login/", {"login": "root", "password": SECRETS[0]}),
        lambda: TicketSystemFactory(password=SECRETS[0], rpc_password=SECRETS[1]).delete(),
        lambda: User.objects.create_user("anna", password=SECRETS[1]),
        lambda: AccountFactory(password=SECRETS[0]).delete(),
        lambda: root.get(f"/orders/99/?password={SECRETS[0]}"),
    )

    for step in steps:
        step()

    rows = new_rows()
    assert len(rows) >= len(steps)
    for row in AuditRow.objects.values():
        assert not any(secret in str(row) for secret in SECRETS), row


def test_api_token_made_revoked_and_refused(new_rows: Rows) -> None:
    anna = User.objects.create_user("anna", password=PASSWORD)

    token, text = make_token(user=anna, name="Report", scopes=["tickets:read"], days=30, now=timezone.now())
    revoke_token(token, by=None, now=timezone.now())
    Client().get("/api/v1/tickets", headers={"Authorization": f"Bearer {text}"})

    rows = [row for row in new_rows() if row.action.startswith("api_token")]
    assert told(rows) == [
        ("api_token.made", "portal.apitoken", "done"),
        ("api_token.revoked", "portal.apitoken", "done"),
        ("api_token.refused", "page", "refused"),
    ]
    assert text not in str([(row.object_name, row.text, row.changes) for row in rows])
