"""The copy follows kivitendo, writes only what has changed, and survives whatever kivitendo does not answer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.erp_models import KivitendoArticle, KivitendoContact, KivitendoCopy, KivitendoCustomer, KivitendoUnit
from billing.kivitendo_copy import DUE_AFTER, Written, age_of, refresh_copy, refresh_is_due, the_copy
from billing.kivitendo_database import BadAnswer, NotConfigured, UnitRecord, Unreachable
from tests.at_once import at_once
from tests.billing.erp import V41, Erp, kivitendo
from tests.billing.fake_kivitendo import FakeKivitendo, article, contact, customer
from tests.billing.scenes import NOW

LATER = NOW + timedelta(hours=2)


def rows() -> list[object]:
    models = (KivitendoCustomer, KivitendoContact, KivitendoArticle, KivitendoUnit)
    return [list(model._base_manager.order_by("pk").values()) for model in models]


def test_first_refresh_writes_everything(db: None, erp: FakeKivitendo) -> None:
    erp.contacts = [contact(21, 11), contact(22, 99)]

    done = refresh_copy(now=NOW)

    assert (done.customers, done.articles, done.units) == (
        Written(1, 1, 0, 0),
        Written(1, 1, 0, 0),
        Written(4, 4, 0, 0),
    )
    assert str(KivitendoContact.objects.get()) == "Anna <a@example.org>"  # the other one's customer is not there
    assert str(KivitendoContact.objects.get().customer) == "K1001 Kunde 11"
    copy = the_copy()
    assert (copy.read_at, copy.tried_at, copy.error, copy.customers_source) == (NOW, NOW, "", "portal_customers")


def test_refresh_again_writes_no_row_but_its_time(db: None, erp: FakeKivitendo) -> None:
    erp.contacts = [contact(21, 11)]
    refresh_copy(now=NOW)
    before = rows()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        done = refresh_copy(now=LATER)

    assert {done.customers, done.contacts, done.articles} == {Written(1, 0, 0, 0)}
    assert (rows(), the_copy().read_at) == (before, LATER)
    written = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "DELETE", "INSERT"))]
    assert {sql.split('"')[1] for sql in written} == {"billing_kivitendocopy"}


def test_changes_and_deletions_are_followed(db: None, erp: FakeKivitendo) -> None:
    erp.customers = [customer(11, "K1001"), customer(12, "K1002"), customer(13, "K1003")]
    erp.contacts = [contact(21, 11), contact(22, 12)]
    refresh_copy(now=NOW)
    kept = KivitendoCustomer.objects.get(number="K1001").pk

    erp.customers = [
        customer(11, "K1001", obsolete=True, name="Neuer Name"),
        customer(13, "K1003"),
        customer(14, "K1001"),
    ]
    erp.contacts = [contact(21, 13)]
    erp.articles, erp.units = [article(1, unit="min")], [UnitRecord("Std", "Tag")]
    done = refresh_copy(now=LATER)

    assert done.customers == Written(total=3, new=1, changed=1, gone=1)
    assert list(KivitendoCustomer.objects.values_list("identity", "number", "name", "obsolete")) == [
        ("11", "K1001", "Neuer Name", True),
        ("14", "K1001", "Kunde 14", False),
        ("13", "K1003", "Kunde 13", False),
    ]
    assert KivitendoCustomer.objects.get(identity="11").pk == kept
    assert list(KivitendoContact.objects.values_list("customer__identity", flat=True)) == ["13"]
    assert KivitendoArticle.objects.get().unit == "min"
    assert list(KivitendoUnit.objects.values_list("name", "base")) == [("Std", "Tag")]


def test_contact_that_moves_to_another_customer_moves(db: None, erp: FakeKivitendo) -> None:
    """The classic view has no key of the customer in that of the contact."""
    erp.customers = [customer(11, "K1001"), customer(12, "K1002")]
    erp.contacts = [contact(21, 11)]
    refresh_copy(now=NOW)

    erp.contacts = [type(erp.contacts[0])("11/21", "12", "Anna", "a@example.org", "", True)]

    assert refresh_copy(now=LATER).contacts == Written(1, 0, 1, 0)
    assert KivitendoContact.objects.get().customer.identity == "12"


def test_failure_leaves_the_copy_and_tells_why(db: None, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)
    before = rows()
    erp.failure = Unreachable("The server is down.")

    with pytest.raises(Unreachable):
        refresh_copy(now=LATER)

    copy = the_copy()
    assert (rows(), copy.read_at, copy.tried_at, copy.error) == (before, NOW, LATER, "The server is down.")
    erp.failure = None
    refresh_copy(now=LATER)
    assert the_copy().error == ""


def test_kivitendo_without_customers_is_not_believed(db: None, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)
    erp.customers = []

    with pytest.raises(BadAnswer, match="no customer at all"):
        refresh_copy(now=LATER)

    assert KivitendoCustomer.objects.count() == 1


def test_reading_that_ends_late_does_not_undo_a_later_one(db: None, erp: FakeKivitendo) -> None:
    refresh_copy(now=LATER)
    erp.customers = [customer(12, "K1002")]

    assert refresh_copy(now=NOW).customers == Written(0, 0, 0, 0)

    assert (KivitendoCustomer.objects.get().number, the_copy().read_at) == ("K1001", LATER)


def test_unit_whose_name_cannot_be_one_is_left_out(db: None, erp: FakeKivitendo) -> None:
    erp.units = [UnitRecord("x" * 201, ""), UnitRecord("Std", "y" * 201), UnitRecord("min", "")]

    refresh_copy(now=NOW)

    assert [str(unit) for unit in KivitendoUnit.objects.all()] == ["min"]


def test_statements_do_not_grow_with_the_rows(db: None, erp: FakeKivitendo) -> None:
    def statements(count: int) -> int:
        KivitendoCustomer.objects.all().delete()
        erp.customers = [customer(key, f"K{key}") for key in range(count)]
        erp.contacts = [contact(key, key) for key in range(count)]
        with CaptureQueriesContext(connection) as queries:
            refresh_copy(now=NOW)
        return len(queries)

    refresh_copy(now=NOW)
    assert statements(1) == statements(100)


def test_copy_is_due_once_an_hour_where_kivitendo_is_configured(
    db: None, erp: FakeKivitendo, settings: Settings
) -> None:
    assert refresh_is_due(now=NOW)
    refresh_copy(now=NOW)

    assert not refresh_is_due(now=NOW + DUE_AFTER - timedelta(seconds=1))
    assert refresh_is_due(now=NOW + DUE_AFTER)
    settings.KIVITENDO_DATABASE_URL = ""
    assert not refresh_is_due(now=NOW + DUE_AFTER)


def test_vain_attempt_is_not_made_again_at_once(db: None, erp: FakeKivitendo) -> None:
    erp.failure = Unreachable("The server is down.")
    with pytest.raises(Unreachable):
        refresh_copy(now=NOW)

    assert (refresh_is_due(now=NOW + timedelta(minutes=5)), the_copy().read_at) == (False, None)


def test_age_is_told(db: None, erp: FakeKivitendo) -> None:
    assert age_of(the_copy()) == "kivitendo has not been read yet."
    refresh_copy(now=NOW)
    assert age_of(the_copy()).startswith("As kivitendo was read last: ")


def test_without_an_address_nothing_is_read(db: None) -> None:
    with pytest.raises(NotConfigured):
        refresh_copy(now=NOW)


def test_there_is_one_row_about_the_copy(db: None) -> None:
    KivitendoCopy.objects.create(pk=1)

    with pytest.raises(IntegrityError, match="kivitendocopy_only_one"), transaction.atomic():
        KivitendoCopy.objects.create(pk=2)


@pytest.fixture
def real(transactional_db: None, settings: Settings) -> Iterator[Erp]:
    with kivitendo(V41) as erp:
        erp.views(V41)
        settings.KIVITENDO_DATABASE_URL = erp.address
        yield erp


@pytest.mark.postgresql
def test_hostile_texts_are_kept_as_they_are(real: Erp) -> None:
    hostile = "=1+1 <svg onload=x> 'a' \"b\" \\ %s\r\n\u202e𝒳" + "x" * 20_000
    real.session.execute("UPDATE customer SET customernumber = %s, name = %s WHERE id = 11", [hostile, hostile])
    real.session.execute("UPDATE contacts SET cp_name = %s, cp_email = %s WHERE cp_id = 21", [hostile, hostile])

    refresh_copy(now=NOW)
    done = refresh_copy(now=LATER)

    row = KivitendoCustomer.objects.get(identity="11")
    assert (row.number, row.name, row.contacts.get().email) == (hostile, hostile, hostile)
    assert (done.customers, done.contacts) == (Written(5, 0, 0, 0), Written(4, 0, 0, 0))


@pytest.mark.postgresql
def test_refreshes_at_once_leave_one_copy(real: Erp) -> None:
    at_once(lambda number: refresh_copy(now=NOW + timedelta(seconds=number)), workers=6)

    assert KivitendoCustomer.objects.count() == 5
    assert KivitendoContact.objects.count() == 4
    assert the_copy().read_at == NOW + timedelta(seconds=5)
