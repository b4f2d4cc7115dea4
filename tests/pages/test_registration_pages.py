"""The registered systems: list, counts, files, page of one, and what a person may do to it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.templatetags.pages import icon
from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from registration.date_check import GRACE, PATIENCE, SILENCE, Status
from registration.listing import attention_of, counts_of, systems_of
from registration.models import RegisteredSystem, RegistrationEvent
from registration.status_texts import LABELS, LOOKS
from registration.system_pages import system_page
from registration.system_steps import StepRefused, keep_texts, retire
from tests.factories.registered_systems import STATES, AccountFactory, SystemFactory, ago, note, one_of_each, support
from tests.factories.tickets import CustomerFactory
from tests.pages.parts import table_of
from tests.pages.test_start_page import words
from tests.pages.world import NOW, World, account, signed_in

pytestmark = pytest.mark.django_db
LIST_QUERIES = 13
PAGE_QUERIES = 12
LIST = "/registration/"


@pytest.fixture
def admin(now: None) -> Client:
    return signed_in(account("dora", ADMINISTRATOR, is_staff=True))


@pytest.fixture
def dora(admin: Client) -> User:
    return User.objects.get(username="dora")


def names(client: Client, query: str = "") -> list[str]:
    return [row[0] for row in table_of(client.get(LIST + query).content.decode()).texts]


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as context:
        assert client.get(path).status_code == 200
    return len(context)


def test_each_state_stands_in_words_and_colour(admin: Client) -> None:
    one_of_each()

    html = admin.get(LIST).content.decode()

    for status in STATES[:6]:
        css_class, symbol = LOOKS[Status(status)]
        assert f'<span class="state {css_class}">{icon(symbol)}{LABELS[Status(status)]}</span>' in html


def test_counts_lead_to_their_systems(admin: Client, dora: User) -> None:
    one_of_each()
    SystemFactory(fqdn="second", overdue=True)

    counts = counts_of(systems_of(dora, now=NOW))

    assert list(counts) == list(LABELS)
    assert counts == dict.fromkeys(LABELS, 1) | {Status.OVERDUE: 2}
    html = admin.get(LIST).content.decode()
    for status, count in counts.items():
        assert f'href="{LIST}?state={status.value}"' in html or f'href="?state={status.value}"' in html
        assert len(names(admin, f"?state={status.value}")) == count


def test_ended_registrations_are_listed_when_they_are_asked_for(admin: Client) -> None:
    one_of_each()

    assert set(names(admin)) == set(STATES) - {"retired", "deregistered"}
    assert names(admin, "?state=retired") == ["retired"]
    assert set(names(admin, "?state=attention")) == {"conflict", "expired", "grace", "overdue"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=MAIN", ["main.example.org"]),
        ("q=11111111-1111-1111-1111-111111111111", ["main.example.org"]),
        ("q=kept+words", ["main.example.org"]),
        ("q=hidden+words", []),
        ("q=reported+words", ["other.example.org"]),
        ("customer=k77", ["main.example.org"]),
        ("customer=königs", ["main.example.org"]),
        ("type=test", ["main.example.org"]),
        ("type=production", ["other.example.org"]),
        ("version=6.0.30", ["main.example.org"]),
        ("version=5.0.1", ["other.example.org"]),
        ("state=nonsense", ["main.example.org", "other.example.org"]),
    ],
)
def test_list_is_narrowed_down(admin: Client, query: str, found: list[str]) -> None:
    customer = CustomerFactory(customer_id="K77", name="Königsbau AG")
    kept = {"kept_type": "test", "kept_description": "kept words", "reported_description": "hidden words"}
    ids = {"unique_id": "11111111-1111-1111-1111-111111111111", "account__customer": customer}
    SystemFactory(fqdn="main.example.org", **kept, **ids)
    SystemFactory(fqdn="other.example.org", product_version="5.0.1", reported_description="reported words")

    assert names(admin, f"?{query}") == found


def test_list_is_sorted_by_urgency(admin: Client) -> None:
    one_of_each()

    urgent_first = names(admin, "?sort=state")

    assert urgent_first == ["conflict", "expired", "grace", "overdue", "due", "active"]
    assert names(admin, "?sort=-state") == urgent_first[::-1]


@pytest.mark.parametrize("column", ["system", "customer", "account", "type", "version", "last_update", "next_due"])
def test_list_is_sorted_by_every_column(admin: Client, column: str) -> None:
    first, second = (CustomerFactory(customer_id=name) for name in ("A", "B"))
    later = {"last_ok_at": ago(minutes=1), "next_due_at": NOW + timedelta(days=8), "product_version": "7"}
    SystemFactory(fqdn="b", account=AccountFactory(customer=second, otrs_id="b@x"), reported_type="z", **later)
    SystemFactory(fqdn="a", account=AccountFactory(customer=first, otrs_id="a@x"))

    assert (names(admin, f"?sort={column}"), names(admin, f"?sort=-{column}")) == (["a", "b"], ["b", "a"])


def test_otrs_id_is_masked_on_the_page_and_in_files(admin: Client) -> None:
    system = SystemFactory(account__otrs_id="kunde@beispiel.test")

    for path in (LIST, f"{LIST}?export=csv", system.get_absolute_url(), f"{system.get_absolute_url()}retire/"):
        text = admin.get(path).content.decode()
        assert "ku…@beispiel.test" in text, path
        assert "kunde@" not in text, path


def test_file_has_more_columns_than_the_page(admin: Client) -> None:
    SystemFactory(fqdn="a.example.org", unique_id="u-1", os_version="debian 12", database_version="MariaDB 10")

    head, row = admin.get(f"{LIST}?export=csv").content.decode("utf-8-sig").splitlines()

    assert head.startswith("System,State,Customer,OTRS-ID,Type,Version,Last update,Next due,UniqueID,Description")
    assert row.startswith("a.example.org,active,")
    assert "u-1" in row
    assert "debian 12,MariaDB 10" in row


def test_file_holds_what_the_filter_leaves(admin: Client) -> None:
    one_of_each()

    lines = admin.get(f"{LIST}?export=csv&state=attention&sort=state").content.decode().splitlines()

    assert [line.split(",")[1] for line in lines[1:]] == ["conflict", "expired", "on grace period", "overdue"]


def test_query_count_of_the_list_does_not_depend_on_its_rows(admin: Client) -> None:
    SystemFactory()
    one = queries(admin, LIST)
    SystemFactory.create_batch(2)

    assert (one, queries(admin, LIST)) == (LIST_QUERIES, LIST_QUERIES)


def test_query_count_of_a_system_does_not_depend_on_its_history(admin: Client) -> None:
    system = SystemFactory(conflict=True)
    for _once in range(2):
        note(system, "conflict")
        assert queries(admin, system.get_absolute_url()) == PAGE_QUERIES
        for _more in range(2):
            note(system)


def test_start_page_counts_what_needs_attention_of_the_own_customers(now: None) -> None:
    customer = CustomerFactory()
    anna = account("anna", ACCOUNT_MANAGER)
    customer.account_managers.add(anna)
    one_of_each(account=AccountFactory(customer=customer))
    one_of_each(account=AccountFactory(customer=None))

    text = words(signed_in(anna))

    assert "4 Registrations that need attention conflict: 1 expired: 1 on grace period: 1 overdue: 1" in text
    assert sum(attention_of(account("clara", BILLING), now=NOW).values()) == 8
    assert "Registrations that need attention" not in words(signed_in(account("bernd", ACCOUNT_MANAGER)))


def test_systems_without_a_customer_are_for_those_who_see_all(now: None) -> None:
    customer = CustomerFactory()
    anna = account("anna", ACCOUNT_MANAGER)
    customer.account_managers.add(anna)
    lonely = SystemFactory(account__customer=None)

    assert names(signed_in(anna)) == []
    assert signed_in(anna).get(lonely.get_absolute_url()).status_code == 404
    assert names(signed_in(account("clara", BILLING))) == [lonely.fqdn]


def test_empty_list_says_what_to_do(admin: Client) -> None:
    nothing = admin.get(LIST).content.decode()
    AccountFactory()
    account_there = admin.get(LIST).content.decode()
    SystemFactory(retired=True)
    filtered = admin.get(LIST).content.decode()
    stranger = signed_in(account("bernd", ACCOUNT_MANAGER)).get(LIST).content.decode()

    assert "Make a registration account" in nothing
    assert "/admin/registration/account/add/" in nothing
    assert "No ticket system reports here." in account_there
    assert "No registered system passes the filters." in filtered
    assert "No customers are assigned to you" in stranger


def test_customer_leads_to_its_systems(world: World) -> None:
    client = world.clients["manager"]
    link = f'href="{LIST}?customer=K1001"'

    for path in (f"/tickets/{world.ticket.pk}/", f"/orders/{world.order.pk}/"):
        assert link in client.get(path).content.decode()
    assert link in world.clients["admin"].get(f"/admin/tickets/customer/{world.customer.pk}/change/").content.decode()
    assert names(client, "?customer=K1001") == ["otrs.example.org"]


def test_customer_without_systems_has_no_link(world: World) -> None:
    RegisteredSystem.objects.update(state="retired", ended_at=NOW)

    assert LIST + "?customer" not in world.clients["manager"].get(f"/tickets/{world.ticket.pk}/").content.decode()


def test_page_shows_facts_and_where_the_texts_come_from(admin: Client) -> None:
    facts = {"os_version": "debian 12", "database_version": "MariaDB 10", "perl_version": "5.36.0"}
    system = SystemFactory(fqdn="otrs.example.org", kept_type="test", reported_description="From there", **facts)

    text = words(admin, system.get_absolute_url())

    for part in ("otrs.example.org active", "Type test (set in the portal)", "Version 6.0.30", "debian 12"):
        assert part in text
    assert "Description From there Set type" in text
    assert "Expires without an update 2027-01-03 09:00" in text


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("overdue", "The weekly update has not come."),
        ("grace", "The weekly update has not come."),
        ("expired", "No update came in time, so the registration expired on"),
        ("retired", "This registration has ended."),
        ("deregistered", "This registration has ended."),
    ],
)
def test_page_says_what_the_state_means(admin: Client, state: str, sentence: str) -> None:
    assert sentence in words(admin, one_of_each()[state].get_absolute_url())


def test_conflict_is_explained(admin: Client) -> None:
    system = SystemFactory(fqdn="otrs.example.org", conflict=True)
    note(system, "conflict", address="203.0.113.5", facts={"fqdn": ["otrs.example.org", "test.example.org"]})

    text = words(admin, system.get_absolute_url())

    assert "Two systems used the key of otrs.example.org." in text
    assert "The one that reported first is otrs.example.org, from 192.0.2.10, last updated on" in text
    assert "The other one called from 203.0.113.5 and differs: host name: otrs.example.org → test.example.org." in text
    assert "Register the right system again" in text
    assert "nothing is switched off" in text


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (None, "Nothing more is known of the other one."),
        ({}, "Nothing more is known of the other one."),
        ({"address": "203.0.113.5"}, "The other one called from 203.0.113.5."),
        ({"facts": {"os_version": "arch"}}, "The other one called from an unknown address and differs: version of the"),
    ],
)
def test_conflict_says_how_little_is_known(admin: Client, event: dict[str, Any] | None, sentence: str) -> None:
    system = SystemFactory(conflict=True)
    if event is not None:
        note(system, "conflict", **event)

    assert sentence in words(admin, system.get_absolute_url())


def test_expired_conflict_is_still_explained(admin: Client) -> None:
    system = SystemFactory(state="conflict", conflict_at=ago(days=31), address=None)

    text = words(admin, system.get_absolute_url())

    assert "expired Audit log Retire Two systems used the key of" in text
    assert "from an unknown address" in text


def test_suspicion_is_told_and_not_called_a_conflict(admin: Client) -> None:
    system = SystemFactory(suspected_at=ago(days=3))

    text = words(admin, system.get_absolute_url())

    assert "something hinted at a copy of this system and did not prove it" in text
    assert "Two systems used the key" not in text


def test_registration_that_took_the_place_is_named(admin: Client) -> None:
    old = SystemFactory(retired=True)
    new = SystemFactory(replaces=old)

    assert f'href="{new.get_absolute_url()}"' in admin.get(old.get_absolute_url()).content.decode()
    assert f'href="{old.get_absolute_url()}"' in admin.get(new.get_absolute_url()).content.decode()


def test_hostile_reports_are_text(world: World) -> None:
    for path in (LIST, world.registered.get_absolute_url()):
        html = world.clients["admin"].get(path).content.decode()

        assert "<svg onload" not in html
        assert "&lt;svg onload=alert(1)&gt;" in html
    row = world.clients["admin"].get(f"{LIST}?export=csv&customer=K1001").content.decode()
    assert "'=1+1" in row
    assert ",=1+1" not in row


def test_support_data_stand_in_a_table(admin: Client) -> None:
    system = SystemFactory()
    content = [
        {"Label": "Database Size", "Value": "0.038 GB", "Status": "1", "DisplayPath": "Database"},
        {"Label": "Load", "Value": 3.8, "Status": 3, "DisplayPath": "Operating System", "Message": "Too much."},
        {"Label": "Tables", "Value": "", "Status": "4", "DisplayPath": "Database"},
        "nonsense",
    ]
    support(system, content)

    html = admin.get(system.get_absolute_url()).content.decode()

    rows = table_of(html[html.index("Support data</h2>") :]).texts
    assert rows == [
        ["Database"],
        ["Database Size", "0.038 GB", "information"],
        ["Tables", "–", "problem"],
        ["Operating System"],
        ["Load", "3.8 Too much.", "warning"],
    ]
    assert "3 facts, of them problems: 1, warnings: 1." in html


@pytest.mark.parametrize(("sends", "sentence"), [(True, "none have come yet"), (False, "The system sends none.")])
def test_missing_support_data_are_explained(admin: Client, sends: bool, sentence: str) -> None:
    assert sentence in words(admin, SystemFactory(sends_support_data=sends).get_absolute_url())


def test_history_is_paged_and_newest_first(admin: Client, dora: User) -> None:
    system = SystemFactory()
    note(system, "registered", at=ago(days=9), address="198.51.100.77")
    for _week in range(25):
        note(system)
    note(system, "edited", user=dora, facts={"kept_type": ["", "test"]})

    path = system.get_absolute_url()
    first, last = (admin.get(f"{path}?page={page}").content.decode() for page in (1, 2))

    rows = table_of(first[first.index("What happened so far</h2>") :]).texts
    assert len(rows) == 25
    assert rows[0][1:] == ["type or description changed by a person", "type: nothing → test", "dora"]
    assert "198.51.100.77" in last
    assert "198.51.100.77" not in first


def test_person_sets_what_the_next_update_answers(admin: Client, dora: User) -> None:
    system = SystemFactory(reported_type="production", reported_description="theirs")

    response = admin.post(
        f"{system.get_absolute_url()}texts/", {"kept_type": "test", "kept_description": "vom Portal"}, follow=True
    )

    system.refresh_from_db()
    assert (system.type, system.description, system.reported_type) == ("test", "vom Portal", "production")
    assert "Kept. The system takes it over with its next update." in response.content.decode()
    event = system.events.get()
    assert (event.kind, event.user, event.at) == ("edited", dora, NOW)
    assert event.facts == {"kept_type": ["", "test"], "kept_description": ["", "vom Portal"]}


def test_setting_the_same_again_changes_nothing(dora: User) -> None:
    system = SystemFactory()
    values = {"kept_type": "test", "kept_description": ""}

    done = [keep_texts(system.pk, **values, user=dora, now=NOW) for _twice in range(2)]

    assert done == [True, False]
    assert system.events.count() == 1


def test_texts_that_cannot_be_kept_are_refused(admin: Client) -> None:
    system = SystemFactory(reported_type="production")

    response = admin.post(
        f"{system.get_absolute_url()}texts/", {"kept_type": "x" * 101, "kept_description": "y" * 4001}
    )

    html = response.content.decode()
    assert "at most 100 characters" in html
    assert "at most 4000 characters" in html
    assert RegisteredSystem.objects.get().type == "production"
    assert not RegistrationEvent.objects.exists()


def test_administrator_retires_a_system_once(admin: Client, dora: User) -> None:
    system = SystemFactory(conflict=True)
    path = f"{system.get_absolute_url()}retire/"

    asked = admin.get(path).content.decode()
    first, second = (admin.post(path, follow=True).content.decode() for _twice in range(2))

    system.refresh_from_db()
    assert "This cannot be undone." in asked
    assert "is retired. Its next update is refused." in first
    assert "is retired already. Nothing was changed." in second
    assert (system.state, system.ended_at) == ("retired", NOW)
    event = system.events.get()
    assert (event.kind, event.user, event.facts) == ("retired", dora, {"state": ["conflict", "retired"]})


def test_account_of_a_person_who_changed_a_system_stays(admin: Client, dora: User) -> None:
    retire(SystemFactory().pk, user=dora, now=NOW)
    emma = signed_in(account("emma", ADMINISTRATOR, is_staff=True))

    response = emma.post(f"/admin/auth/user/{dora.pk}/delete/", {"post": "yes"})

    assert response.status_code == 200
    assert "would require deleting the following protected related objects" in response.content.decode()
    assert User.objects.filter(pk=dora.pk).exists()


def test_texts_of_an_ended_registration_stay(admin: Client, dora: User) -> None:
    system = SystemFactory(deregistered=True)

    html = admin.post(f"{system.get_absolute_url()}texts/", {"kept_type": "test"}, follow=True).content.decode()

    assert "is deregistered already. Nothing was changed." in html
    with pytest.raises(StepRefused):
        keep_texts(system.pk, kept_type="test", kept_description="", user=dora, now=NOW)
    with pytest.raises(StepRefused):
        retire(system.pk, user=dora, now=NOW)
    assert RegisteredSystem.objects.get().kept_type == ""


@pytest.mark.parametrize("role", [ACCOUNT_MANAGER, BILLING])
def test_only_administrators_change_systems(now: None, role: str) -> None:
    customer = CustomerFactory()
    user = account("clara", role)
    customer.account_managers.add(user)
    system = SystemFactory(account__customer=customer)
    client, path = signed_in(user), system.get_absolute_url()

    html = client.get(path).content.decode()

    assert "Retire" not in html
    assert "Set type and description" not in html
    assert [client.post(f"{path}{step}/").status_code for step in ("texts", "retire")] == [403, 403]


def test_navigation_leads_to_the_list(admin: Client) -> None:
    html = admin.get(LIST).content.decode()

    assert f'<a href="{LIST}" aria-current="true">' in html


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(seconds=1), timedelta(seconds=-1)])
@pytest.mark.parametrize("border", [PATIENCE, SILENCE, SILENCE + GRACE, GRACE])
def test_list_and_page_agree_on_every_border(now: None, border: timedelta, offset: timedelta) -> None:
    at = NOW - border + offset
    for state in ({}, {"state": "conflict", "conflict_at": at}, {"state": "retired", "ended_at": at}):
        for due in (at, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)):
            SystemFactory(**state, last_ok_at=at, next_due_at=due)

    with time_machine.travel(NOW, tick=False):
        found = {row.pk: row.status for row in systems_of(account("clara", BILLING), now=NOW)}

    systems = RegisteredSystem.objects.all()
    assert found == {system.pk: system_page(system, now=NOW).status for system in systems}
