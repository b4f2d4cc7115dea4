"""Registration accounts in the set-up: the password goes in and never comes out."""

from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.test import Client

from portal.roles import ADMINISTRATOR
from registration.models import Account
from tests.factories.registered_systems import AccountFactory, SystemFactory
from tests.factories.tickets import CustomerFactory
from tests.pages.world import account, signed_in

pytestmark = pytest.mark.django_db
ADD = "/admin/registration/account/add/"
FIELDS = {"otrs_id": " Kunde@Beispiel.test ", "email": "", "note": "", "active": "on", "customer": ""}
PASSWORD = "a long enough secret"


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in(account("dora", ADMINISTRATOR, is_staff=True))


def change(client: Client, found: Account, **values: Any) -> Any:
    return client.post(f"/admin/registration/account/{found.pk}/change/", FIELDS | values)


def test_account_is_made_for_a_customer(admin: Client) -> None:
    customer = CustomerFactory()

    admin.post(ADD, FIELDS | {"new_password": PASSWORD, "customer": customer.pk})

    made = Account.objects.get()
    assert (made.otrs_id, made.customer, made.active) == ("kunde@beispiel.test", customer, True)
    assert check_password(PASSWORD, made.password)
    html = admin.get(f"/admin/registration/account/{made.pk}/change/").content.decode()
    assert "A password is set. Leave this empty to keep it." in html
    assert PASSWORD not in html
    assert made.password not in html


def test_empty_password_keeps_the_one_that_is_set_and_another_replaces_it(admin: Client) -> None:
    admin.post(ADD, FIELDS | {"new_password": PASSWORD})
    made = Account.objects.get()

    change(admin, made, new_password="", note="kept")
    kept = Account.objects.get()
    change(admin, made, new_password="another long secret")

    assert (kept.note, kept.password) == ("kept", made.password)
    assert check_password("another long secret", Account.objects.get().password)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"new_password": ""}, "Enter the password that the ticket system will ask for."),
        ({"new_password": "short"}, "This password is too short."),
        ({"new_password": "x" * 201}, "at most 200 characters"),
        ({"otrs_id": "  ", "new_password": PASSWORD}, "This field is required."),
        ({"otrs_id": "TAKEN@example.org", "new_password": PASSWORD}, "already exists"),
    ],
)
def test_account_that_cannot_work_is_refused(admin: Client, values: dict[str, str], sentence: str) -> None:
    AccountFactory(otrs_id="taken@example.org")

    response = admin.post(ADD, FIELDS | values)

    assert sentence in response.content.decode()
    assert Account.objects.count() == 1


def test_account_is_made_inactive(admin: Client) -> None:
    found = AccountFactory(otrs_id="kunde@beispiel.test")

    change(admin, found, active="", new_password="")

    assert not Account.objects.get().active


def test_account_with_systems_is_not_deleted(admin: Client) -> None:
    system = SystemFactory()

    listed = admin.get("/admin/registration/account/").content.decode()
    admin.post(f"/admin/registration/account/{system.account.pk}/delete/", {"post": "yes"})

    assert '<td class="field-system_count">1</td>' in listed
    assert Account.objects.get() == system.account
