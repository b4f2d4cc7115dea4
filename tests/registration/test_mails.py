"""Mails about registrations: what is told to whom, once, and what is not told any more."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from portal import tasks
from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR
from registration.date_check import GRACE, SILENCE
from registration.mail_models import RegistrationMail, RegistrationNotice
from registration.mail_planning import plan_mails
from registration.mail_sending import send_mails
from registration.models import RegisteredSystem
from registration.reminders import NEWS, SOON, Kind, reminder_of
from tests.at_once import at_once
from tests.factories.registered_systems import NOW, AccountFactory, SystemFactory, one_of_each
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer

pytestmark = pytest.mark.django_db
State = RegistrationMail.State
END = SILENCE + GRACE


@pytest.fixture(autouse=True)
def _mail_is_set_up(settings: Settings) -> None:
    settings.SENDS_MAIL = True


def person(name: str, role: str, **fields: Any) -> User:
    user = User.objects.create_user(name, **({"email": f"{name}@portal.example"} | fields))
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def customer(db: None) -> Customer:
    return CustomerFactory(customer_id="K1001", name="Königsbau AG")


@pytest.fixture
def anna(customer: Customer) -> User:
    user = person("anna", ACCOUNT_MANAGER)
    customer.account_managers.add(user)
    return user


def send(now: datetime = NOW) -> int:
    return send_mails(clock=lambda: now, language_of=lambda user: "en")


def told(now: datetime = NOW) -> list[tuple[str, str]]:
    """Host name and kind of what a planning notes."""
    before = set(RegistrationNotice.objects.values_list("pk", flat=True))
    plan_mails(now=now)
    new = RegistrationNotice.objects.exclude(pk__in=before).order_by("pk")
    return list(new.values_list("system__fqdn", "kind"))


@pytest.mark.parametrize(
    ("silent", "kind"),
    [
        (SILENCE, None),
        (SILENCE + timedelta(seconds=1), Kind.SILENT),
        (END - SOON, Kind.SILENT),
        (END - SOON + timedelta(seconds=1), Kind.SOON),
        (END, Kind.SOON),
        (END + timedelta(seconds=1), Kind.EXPIRED),
        (END + NEWS, Kind.EXPIRED),
        (END + NEWS + timedelta(seconds=1), None),
    ],
)
def test_silence_has_three_stages(silent: timedelta, kind: Kind | None) -> None:
    found = reminder_of(in_conflict=False, last_ok=NOW - silent, conflict_at=None, now=NOW)

    assert (found and found.kind, found and found.occasion) == (kind, kind and NOW - silent)


@pytest.mark.parametrize(
    ("open_for", "kind"),
    [
        (timedelta(0), Kind.CONFLICT),
        (GRACE - SOON, Kind.CONFLICT),
        (GRACE - SOON + timedelta(seconds=1), Kind.SOON),
        (GRACE + timedelta(seconds=1), Kind.EXPIRED),
        (GRACE + NEWS + timedelta(seconds=1), None),
    ],
)
def test_conflict_has_three_stages_whatever_the_silence(open_for: timedelta, kind: Kind | None) -> None:
    found = reminder_of(in_conflict=True, last_ok=NOW - timedelta(days=99), conflict_at=NOW - open_for, now=NOW)

    assert (found and found.kind, found and found.occasion) == (kind, kind and NOW - open_for)


@given(st.lists(st.integers(0, 70), min_size=1, max_size=30))
def test_planning_on_any_days_tells_each_stage_once_and_in_order(days: list[int]) -> None:
    stages = [Kind.SILENT, Kind.SOON, Kind.EXPIRED]
    seen: list[Kind] = []
    for day in sorted(days):
        found = reminder_of(in_conflict=False, last_ok=NOW, conflict_at=None, now=NOW + timedelta(days=day))
        if found and found.kind not in seen:
            seen.append(found.kind)

    assert seen == [kind for kind in stages if kind in seen]


def test_each_thing_is_noted_once(anna: User) -> None:
    one_of_each()

    first, second = told(), told()

    assert sorted(first) == [("conflict", "conflict"), ("grace", "silent")]
    assert second == []


def test_new_stage_and_new_silence_are_told_anew(anna: User) -> None:
    system = SystemFactory(fqdn="otrs", grace=True)

    days = [told(NOW + timedelta(days=day)) for day in (0, 1, 18, 19, 25, 26)]
    RegisteredSystem.objects.filter(pk=system.pk).update(last_ok_at=NOW + timedelta(days=27))
    again = told(NOW + timedelta(days=42))

    assert days == [[("otrs", "silent")], [], [("otrs", "soon")], [], [("otrs", "expired")], []]
    assert again == [("otrs", "silent")]


def test_readers_are_the_administrators_the_account_managers_and_the_account(customer: Customer, anna: User) -> None:
    person("dora", ADMINISTRATOR)
    person("gone", ADMINISTRATOR, is_active=False)
    person("silent", ADMINISTRATOR, email="")
    CustomerFactory().account_managers.add(person("bernd", ACCOUNT_MANAGER))
    SystemFactory(fqdn="otrs", conflict=True, account__customer=customer, account__email="Ops@Kunde.example")

    assert plan_mails(now=NOW) == 3
    assert send() == 3

    assert {to for message in mail.outbox for to in message.to} == {
        "anna@portal.example",
        "dora@portal.example",
        "ops@kunde.example",
    }


def test_account_with_the_address_of_a_reader_gets_no_second_mail(customer: Customer, anna: User) -> None:
    SystemFactory(conflict=True, account__customer=customer, account__email="ANNA@portal.example")

    assert plan_mails(now=NOW) == 1


def test_one_mail_tells_a_reader_of_all_systems(customer: Customer, anna: User) -> None:
    one_of_each(account=AccountFactory(customer=customer))
    person("dora", ADMINISTRATOR)
    SystemFactory(fqdn="foreign", conflict=True, account__customer=None)

    plan_mails(now=NOW)
    assert send() == 2

    letters = {message.to[0]: message for message in mail.outbox}
    to_anna = str(letters["anna@portal.example"].body)
    assert letters["anna@portal.example"].subject == "[Billing portal] 2 registered systems need attention"
    assert "- conflict (K1001 Königsbau AG): last update 2026-11-20, expires 2026-12-19" in to_anna
    assert "- grace (K1001 Königsbau AG): last update 2026-10-31, expires 2026-12-14" in to_anna
    assert to_anna.index("Two systems use the same key") < to_anna.index("No update for two weeks")
    assert "https://portal.example.com/registration/?state=attention" in to_anna
    assert "foreign" not in to_anna
    assert "- foreign: last update" in str(letters["dora@portal.example"].body)


def test_account_is_given_no_link_to_the_portal(db: None) -> None:
    SystemFactory(fqdn="otrs", conflict=True, account__email="ops@kunde.example")

    plan_mails(now=NOW)
    send()

    assert "- otrs (" in str(mail.outbox[0].body)
    assert "https://portal" not in str(mail.outbox[0].body)


def test_second_planning_and_second_sending_send_nothing(customer: Customer, anna: User) -> None:
    SystemFactory(conflict=True, account__customer=customer)

    counts = [(plan_mails(now=NOW), send()) for _twice in range(2)]

    assert counts == [(1, 1), (0, 0)]
    assert len(mail.outbox) == 1


def test_what_is_over_by_the_time_of_sending_is_not_told(customer: Customer, anna: User) -> None:
    retired = SystemFactory(conflict=True, account__customer=customer)
    back = SystemFactory(grace=True, account__customer=customer)
    plan_mails(now=NOW)
    RegisteredSystem.objects.filter(pk=retired.pk).update(state="retired", ended_at=NOW)
    RegisteredSystem.objects.filter(pk=back.pk).update(last_ok_at=NOW)

    assert send() == 0
    assert RegistrationMail.objects.get().state == State.UNNEEDED


def test_reader_who_may_not_see_the_system_any_more_is_told_nothing(customer: Customer, anna: User) -> None:
    SystemFactory(conflict=True, account__customer=customer, account__email="ops@kunde.example")
    plan_mails(now=NOW)
    customer.account_managers.clear()
    RegisteredSystem.objects.get().account.__class__.objects.update(email="")

    assert send() == 0
    assert set(RegistrationMail.objects.values_list("state", flat=True)) == {State.UNNEEDED}


def test_reader_who_was_made_inactive_is_told_nothing(customer: Customer, anna: User) -> None:
    SystemFactory(conflict=True, account__customer=customer)
    plan_mails(now=NOW)
    User.objects.update(is_active=False)

    assert send() == 0


def test_nothing_is_noted_where_mail_is_not_set_up(anna: User, settings: Settings) -> None:
    SystemFactory(conflict=True)
    settings.SENDS_MAIL = False

    assert plan_mails(now=NOW) == 0
    assert not RegistrationNotice.objects.exists()


def test_what_nobody_reads_is_noted_all_the_same(db: None) -> None:
    SystemFactory(fqdn="otrs", conflict=True)

    assert told() == [("otrs", "conflict")]
    assert not RegistrationMail.objects.exists()


def test_planning_that_meets_another_one_leaves_it_to_that(
    anna: User, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    SystemFactory(conflict=True, account__customer=customer)
    plan_mails(now=NOW)
    real = RegistrationNotice.objects.all()
    stale = [RegistrationNotice(system_id=n.system_id, kind=n.kind, occasion=n.occasion, at=NOW) for n in real]
    monkeypatch.setattr("registration.mail_planning._new_notices", lambda now: stale)

    assert plan_mails(now=NOW) == 0
    assert (RegistrationNotice.objects.count(), RegistrationMail.objects.count()) == (1, 1)


def test_database_refuses_a_mail_without_a_reader_and_any_change_of_notices(anna: User) -> None:
    system = SystemFactory()
    RegistrationNotice.objects.create(system=system, kind="silent", occasion=NOW, at=NOW)

    for fault in (
        lambda: RegistrationMail.objects.create(due_at=NOW),
        lambda: RegistrationMail.objects.create(due_at=NOW, user=anna, address="x@example.org"),
        lambda: RegistrationNotice.objects.create(system=system, kind="silent", occasion=NOW, at=NOW),
        lambda: RegistrationNotice.objects.update(kind="soon"),
        lambda: RegistrationNotice.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            fault()


def test_planning_takes_as_many_queries_for_three_systems_as_for_one(
    customer: Customer, anna: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 3):
        SystemFactory.create_batch(count, conflict=True, account__customer=customer)
        with django_assert_num_queries(PLANNING_QUERIES):
            plan_mails(now=NOW)


PLANNING_QUERIES = 10


def test_tasks_plan_and_send(customer: Customer, anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    SystemFactory(conflict=True, account__customer=customer)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)

    tasks.plan_registration_mails()
    tasks.send_mails()

    assert [message.to for message in mail.outbox] == [["anna@portal.example"]]


@pytest.mark.postgresql
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_plannings_at_once_tell_once() -> None:
    user = User.objects.create_user("anna", email="anna@portal.example")
    customer = CustomerFactory()
    customer.account_managers.add(user)
    SystemFactory.create_batch(5, conflict=True, account__customer=customer)

    counts = at_once(lambda number: plan_mails(now=NOW), workers=4)

    assert sum(counts) == 1
    assert (RegistrationNotice.objects.count(), RegistrationMail.objects.count()) == (5, 1)


def test_rows_name_themselves(anna: User, customer: Customer) -> None:
    system = SystemFactory(conflict=True, account__customer=customer)
    plan_mails(now=NOW)

    assert str(RegistrationNotice.objects.get()) == f"{system.pk} conflict"
    assert str(RegistrationMail.objects.get()) == "anna 2026-11-20"
