"""Tokens, registrations, updates and deregistrations through the endpoint: what is answered, written and told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from portal.tasks import forget_requests
from registration import registering
from registration.models import Account, RateCounter, RegisteredSystem, RegistrationEvent, RegistrationToken
from registration.operations import Key
from tests.factories.registration import PASSWORD, AccountFactory, RegisteredSystemFactory
from tests.factories.tickets import CustomerFactory
from tests.registration.network import post, register
from tests.registration.otrs_client import FACTS, FORM, OtrsClient, form

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 12, 1, tzinfo=UTC)
LOGIN = ("kunde@beispiel.test", PASSWORD)


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def account() -> Account:
    made: Account = AccountFactory(otrs_id=LOGIN[0])
    return made


def result(status_and_body: tuple[str, bytes]) -> dict[str, Any]:
    status, body = status_and_body
    assert status == "200 OK"
    first: dict[str, Any] = json.loads(body)["Results"]["SystemRegistration"][0]
    return first


def token(purpose: str = "", login: tuple[str, str] = LOGIN) -> str:
    data = {"Purpose": purpose} if purpose else {}
    return OtrsClient().read_token(*post(form(("TokenGet", data), login=login)))


def registration(with_token: str, **values: str) -> bytes:
    data = FACTS | {"OTRSID": LOGIN[0], "Token": with_token, "Type": "production", "OldUniqueID": "", "OldAPIKey": ""}
    return form(("Register", data | values))


def deregistration(with_token: str, key: tuple[str, str], otrs_id: str = LOGIN[0]) -> bytes:
    data = {"OTRSID": otrs_id, "Token": with_token, "UniqueID": key[0], "APIKey": key[1], "APIVersion": 2}
    return form(("Deregister", data), key=key)


def update(client: OtrsClient, attempt: str = "", **values: Any) -> tuple[str, bytes]:
    data = FACTS | {"LastUpdateID": client.stored["LastUpdateID"]} | values
    return post(form(("Update", data | ({"AttemptID": attempt} if attempt else {})), key=client.key))


def kinds() -> list[str]:
    return list(RegistrationEvent.objects.values_list("kind", flat=True))


def key_of(client: OtrsClient) -> tuple[str, str]:
    assert client.key is not None
    return client.key


# --- Tokens


@pytest.mark.parametrize(
    ("otrs_id", "password", "active"),
    [(LOGIN[0], "wrong", True), ("nobody@beispiel.test", PASSWORD, True), (LOGIN[0], PASSWORD, False), ("", "", True)],
)
def test_wrong_login_has_one_answer(account: Account, otrs_id: str, password: str, active: bool) -> None:
    Account.objects.update(active=active)

    found = result(post(form(("TokenGet", {}), login=(otrs_id, password))))

    reason = "Username unknown or password incorrect."
    assert found == {
        "Operation": "TokenGet",
        "Success": 0,
        "ErrorMessage": reason,
        "Data": {"Auth": "failed", "Reason": reason},
    }
    assert (RegistrationToken.objects.count(), kinds()) == (0, [])


def test_unknown_login_checks_a_password_too(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal work: as many hashes, made in the same way."""
    checked: list[str] = []

    def check(password: str, encoded: str) -> bool:
        checked.append(encoded.partition("$")[0])
        return False

    monkeypatch.setattr(registering, "check_password", check)
    for otrs_id in (LOGIN[0], "nobody@beispiel.test"):
        post(form(("TokenGet", {}), login=(otrs_id, "wrong")))

    assert checked == 2 * [make_password("x").partition("$")[0]]


def test_otrs_id_is_found_in_capitals_and_with_blanks(account: Account) -> None:
    assert token(login=(" Kunde@Beispiel.test ", PASSWORD))


def test_token_is_stored_as_a_keyed_hash(account: Account) -> None:
    given = token("Register")

    row = RegistrationToken.objects.get()
    assert len(given) == 64
    assert given not in (row.token_hash, row.payload_hash)
    assert (row.account, row.purpose, row.expires_at - row.created_at) == (account, "register", timedelta(minutes=30))


@pytest.mark.parametrize(("minutes", "success"), [(30, 1), (31, 0)])
def test_token_is_good_for_thirty_minutes(account: Account, clock: Any, minutes: int, success: int) -> None:
    given = token()
    clock.shift(timedelta(minutes=minutes))

    assert result(post(registration(given)))["Success"] == success


@pytest.mark.parametrize(("purpose", "success"), [("", 1), ("Register", 1), ("Deregister", 0)])
def test_token_is_bound_to_its_purpose(account: Account, purpose: str, success: int) -> None:
    assert result(post(registration(token(purpose))))["Success"] == success


def test_token_is_bound_to_its_account(account: Account) -> None:
    other = AccountFactory()

    found = result(post(registration(token(login=(other.otrs_id, PASSWORD)))))

    assert found["Success"] == 0
    assert not RegisteredSystem.objects.exists()


def test_token_of_an_account_that_was_switched_off_is_worth_nothing(account: Account) -> None:
    given = token()
    Account.objects.update(active=False)

    assert result(post(registration(given)))["Success"] == 0


def test_unused_tokens_and_old_counters_are_forgotten(account: Account, clock: Any) -> None:
    token()
    used = token()
    post(registration(used))
    clock.shift(timedelta(days=2))
    kept = token()

    for _number in range(2):
        forget_requests()

    assert RegistrationToken.objects.count() == 2
    assert set(RateCounter.objects.values_list("begun_at__date", flat=True)) == {(NOW + timedelta(days=2)).date()}
    assert result(post(registration(kept)))["Success"] == 1


# --- Registrations


def test_repeated_registration_has_the_same_answer_until_the_first_update(account: Account) -> None:
    body = registration(token())
    first, second = result(post(body)), result(post(body))
    client = OtrsClient()
    client.read_registration(*post(body))

    assert first["Data"] == second["Data"]
    client.read_update(*update(client))
    assert result(post(body))["Success"] == 0
    assert kinds() == ["token", "registered", "repeated", "repeated", "updated"]


def test_repeated_registration_survives_a_rotation_of_keys(account: Account, settings: Settings) -> None:
    body = registration(token())
    first = result(post(body))
    settings.FIELD_ENCRYPTION_KEYS = ["newer", *settings.FIELD_ENCRYPTION_KEYS]

    again = result(post(body))

    assert again["Data"]["APIKey"] == first["Data"]["APIKey"]


def test_used_token_with_another_payload_is_refused(account: Account) -> None:
    given = token()
    post(registration(given))

    assert result(post(registration(given, FQDN="other.example.test")))["Success"] == 0
    assert RegisteredSystem.objects.count() == 1


def test_used_token_does_not_deregister(account: Account) -> None:
    given, client = token(), OtrsClient()
    client.read_registration(*post(registration(given)))

    assert result(post(deregistration(given, key_of(client))))["Success"] == 0
    assert RegisteredSystem.objects.get().state == "active"


@pytest.mark.parametrize(("key", "state"), [("right", "retired"), ("wrong", "active")])
def test_new_registration_retires_the_old_one_whose_key_it_has(account: Account, key: str, state: str) -> None:
    client = OtrsClient()
    client.read_registration(*post(registration(token())))
    unique_id, api_key = key_of(client)
    old_key = api_key if key == "right" else "x" + api_key[1:]

    found = result(post(registration(token(), OldUniqueID=unique_id, OldAPIKey=old_key)))

    old, new = RegisteredSystem.objects.order_by("pk")
    assert (found["Success"], old.state, new.replaces == old) == (1, state, key == "right")
    assert result(update(client))["Success"] == (state == "active")


def test_both_copies_register_anew_after_a_conflict(account: Account) -> None:
    client = OtrsClient()
    client.read_registration(*post(registration(token())))
    key = key_of(client)
    RegisteredSystem.objects.update(state="conflict", conflict_at=NOW)

    for _copy in range(2):
        OtrsClient().read_registration(*post(registration(token(), OldUniqueID=key[0], OldAPIKey=key[1])))

    old, *new = RegisteredSystem.objects.order_by("pk")
    assert (old.state, [system.replaces for system in new]) == ("retired", [old, old])
    assert [kind for kind in kinds() if kind != "token"] == ["registered", "retired", "reregistered", "reregistered"]


# --- Updates


def test_update_stores_facts_and_tells_what_changed(account: Account, clock: Any) -> None:
    client = register()
    clock.shift(timedelta(days=7))

    client.read_update(*update(client, OTRSVersion="6.0.30", Type="test", SupportDataSending="Yes"))

    system = RegisteredSystem.objects.get()
    assert (system.product_version, system.reported_type, system.sends_support_data) == ("6.0.30", "test", True)
    assert system.last_ok_at == NOW + timedelta(days=7)
    assert abs(system.next_due_at - system.last_ok_at - timedelta(days=7)) <= timedelta(hours=6)
    assert RegistrationEvent.objects.latest("pk").facts == {
        "product_version": ["6.0.x git", "6.0.30"],
        "reported_type": ["production", "test"],
    }


def test_update_that_says_less_keeps_the_rest(account: Account) -> None:
    client = register()

    data = {"LastUpdateID": client.stored["LastUpdateID"]}
    client.read_update(*post(form(("Update", data), key=client.key)))

    system = RegisteredSystem.objects.get()
    assert (system.fqdn, system.type, system.description) == ("otrs.example.test", "production", "")


def test_next_updates_are_spread(account: Account) -> None:
    client, due = register(), set()
    for _week in range(6):
        client.read_update(*update(client))
        due.add(RegisteredSystem.objects.get().next_due_at)

    assert len(due) == 6


@pytest.mark.parametrize(("attempt", "prolonged"), [("", True), ("one", False)])
def test_repetition_sets_up_the_next_update_anew_only_without_attempts(
    account: Account, monkeypatch: pytest.MonkeyPatch, attempt: str, prolonged: bool
) -> None:
    client = register()
    first = result(update(client, attempt))
    before = RegisteredSystem.objects.get()
    monkeypatch.setattr("registration.updating.next_due", lambda now, other: other + timedelta(days=5))

    again = result(update(client, attempt))

    assert again["Data"]["UpdateID"] == first["Data"]["UpdateID"]
    assert (RegisteredSystem.objects.get().next_due_at != before.next_due_at) == prolonged
    assert RegisteredSystem.objects.get().last_ok_at == before.last_ok_at


def test_repetition_that_looks_like_another_system_is_noted(account: Account) -> None:
    client = register()
    update(client)

    update(client, FQDN="copy.example.test")

    system, event = RegisteredSystem.objects.get(), RegistrationEvent.objects.latest("pk")
    assert (system.state, system.suspected_at, system.fqdn) == ("active", NOW, "otrs.example.test")
    assert (event.kind, event.facts) == ("differs", {"fqdn": ["otrs.example.test", "copy.example.test"]})


def test_copies_of_a_client_of_otrs_are_found(account: Account, clock: Any) -> None:
    client = register()
    copy = OtrsClient(dict(client.stored))
    client.read_update(*update(client))
    clock.shift(timedelta(hours=1))
    copy.read_update(*update(copy))
    clock.shift(timedelta(days=7))

    found = result(update(client))

    assert found["Data"]["Reason"].startswith("UpdateID does not match: two systems use this registration.")
    system = RegisteredSystem.objects.get()
    assert (system.state, system.conflict_at) == ("conflict", NOW + timedelta(days=7, hours=1))
    assert system.suspected_at == NOW + timedelta(hours=1)
    assert result(update(copy))["Data"]["Reason"].startswith("Two systems use this registration.")
    assert kinds()[2:] == ["updated", "forked", "conflict", "refused"]


@pytest.mark.parametrize(("days", "suspected"), [(14, True), (15, False)])
def test_suspicion_ends_when_a_copy_would_have_reported(
    account: Account, clock: Any, days: int, suspected: bool
) -> None:
    client = register()
    update(client)
    clock.shift(timedelta(hours=1))
    client.read_update(*update(client))
    clock.shift(timedelta(days=days))

    client.read_update(*update(client))

    assert (RegisteredSystem.objects.get().suspected_at is not None) == suspected


def test_update_with_attempt_is_recognised_weeks_later(account: Account, clock: Any) -> None:
    client = register()
    body = form(("Update", FACTS | {"LastUpdateID": client.stored["LastUpdateID"], "AttemptID": "one"}), key=client.key)
    client.read_update(*post(body))
    clock.shift(timedelta(days=10))
    client.read_update(*post(body))
    client.read_update(*update(client, "two"))

    late = result(post(body))

    assert late["Data"]["Reason"].startswith("This update came late")
    assert RegisteredSystem.objects.get().state == "active"
    assert kinds()[2:] == ["mode", "repeated", "updated", "stale"]


def test_system_that_was_silent_for_long_is_back(account: Account, clock: Any) -> None:
    client = register()
    clock.shift(timedelta(days=100))

    client.read_update(*update(client))

    assert kinds()[-1] == "back"
    assert RegisteredSystem.objects.get().last_ok_at == NOW + timedelta(days=100)


def test_restored_portal_adopts_the_id_of_the_system(account: Account) -> None:
    client = register()
    backup = RegisteredSystem.objects.values().get()
    for number in range(3):
        client.read_update(*update(client, f"attempt {number}"))
    RegisteredSystem.objects.update(**backup)

    client.read_update(*update(client, "after the restore"))
    client.read_update(*update(client, "and on"))

    assert kinds()[-2:] == ["restored", "updated"]


def test_update_renews_the_hash_of_the_key_when_keys_are_rotated(account: Account, settings: Settings) -> None:
    client = register()
    settings.FIELD_ENCRYPTION_KEYS = ["newer", *settings.FIELD_ENCRYPTION_KEYS]
    client.read_update(*update(client))
    settings.FIELD_ENCRYPTION_KEYS = ["newer"]

    client.read_update(*update(client))


def test_unknown_system_and_wrong_key_have_one_answer(account: Account) -> None:
    client = register()
    unique_id, api_key = key_of(client)
    data = ("Update", FACTS | {"LastUpdateID": client.stored["LastUpdateID"]})
    keys = [(unique_id, "x" + api_key[1:]), ("x" + unique_id[1:], api_key), None]

    answers = [post(form(data, key=key)) for key in keys]

    assert len(set(answers)) == 1
    assert result(answers[0])["Success"] == 0
    assert kinds() == ["token", "registered"]


@pytest.mark.parametrize("state", ["conflict", "retired", "deregistered"])
def test_support_data_of_a_registration_that_is_over_is_refused(account: Account, state: str) -> None:
    client = register()
    times: dict[str, Any] = {"conflict_at": NOW} if state == "conflict" else {"ended_at": NOW}
    RegisteredSystem.objects.update(state=state, **times)

    found = result(post(form(("SupportDataAdd", {"SupportData": [1]}), key=client.key)))

    assert found["Success"] == 0
    assert "register" in found["ErrorMessage"]


def test_support_data_may_come_alone_and_the_last_one_counts(account: Account) -> None:
    client = register()
    for content in ([1], [2]):
        assert result(post(form(("SupportDataAdd", {"SupportData": content}), key=client.key)))["Success"] == 1

    assert RegisteredSystem.objects.get().support_data.content == [2]


def test_support_data_of_a_refused_update_is_refused_for_the_same_reason(account: Account) -> None:
    client = register()
    data = ("Update", {"LastUpdateID": "never given out"})
    _status, body = post(form(data, ("SupportDataAdd", {"SupportData": [1]}), key=client.key))

    reasons = {each["Data"]["Reason"] for each in json.loads(body)["Results"]["SystemRegistration"]}
    assert len(reasons) == 1
    assert not hasattr(RegisteredSystem.objects.get(), "support_data")


# --- Deregistrations


def test_deregistration_is_for_the_account_that_registered(account: Account) -> None:
    client, other = register(), AccountFactory()
    given = token(login=(other.otrs_id, PASSWORD))

    found = result(post(deregistration(given, key_of(client), other.otrs_id)))

    assert "another OTRS-ID" in found["ErrorMessage"]
    assert RegisteredSystem.objects.get().state == "active"


def test_deregistration_with_a_wrong_key_is_refused(account: Account) -> None:
    client = OtrsClient()
    client.read_registration(*post(registration(token())))

    assert result(post(deregistration(token(), (key_of(client)[0], "wrong"))))["Success"] == 0


def test_deregistration_is_done_once(account: Account) -> None:
    client = OtrsClient()
    client.read_registration(*post(registration(token())))
    bodies = [deregistration(token("Deregister"), key_of(client)) for _number in range(2)]

    assert [result(post(body))["Success"] for body in (bodies[0], bodies[0], bodies[1])] == [1, 1, 1]
    assert kinds().count("deregistered") == 1
    assert result(update(client))["Data"]["Reason"].startswith("This system was deregistered.")


# --- Limits


def test_eleventh_update_within_an_hour_must_wait(account: Account, clock: Any) -> None:
    client = register()
    for _number in range(10):
        client.read_update(*update(client))
    before = RegisteredSystem.objects.values().get()

    response = Client().post("/otrs/public.pl", form(("Update", {}), key=client.key), content_type=FORM)

    assert (response.status_code, response["Retry-After"]) == (429, str(59 * 60))
    assert RegisteredSystem.objects.values().get() == before
    clock.shift(timedelta(minutes=59))
    client.read_update(*update(client))


def test_wrong_keys_do_not_keep_the_right_one_out(account: Account) -> None:
    """200 guesses: no change, throttled after 30 from one address, and the system itself reports as before."""
    client = register()
    before = RegisteredSystem.objects.values().get()
    wrong = form(("Update", {"LastUpdateID": "x"}), key=(key_of(client)[0], "guess"))

    statuses = [post(wrong)[0] for _number in range(200)]

    assert statuses == 30 * ["200 OK"] + 170 * ["429 Too Many Requests"]
    assert RegisteredSystem.objects.values().get() == before
    client.read_update(*update(client))


@pytest.mark.parametrize("otrs_id", [LOGIN[0], "nobody@beispiel.test"])
def test_sixth_login_within_a_quarter_must_wait_known_or_not(account: Account, otrs_id: str) -> None:
    statuses = [post(form(("TokenGet", {}), login=(otrs_id, "wrong")))[0] for _number in range(6)]

    assert statuses == 5 * ["200 OK"] + ["429 Too Many Requests"]


def test_thirty_first_token_from_an_address_must_wait(account: Account) -> None:
    logins = [(f"nobody{number}", "wrong") for number in range(31)]

    statuses = [post(form(("TokenGet", {}), login=login))[0] for login in logins]

    assert statuses == 30 * ["200 OK"] + ["429 Too Many Requests"]


@pytest.mark.parametrize(
    ("behind", "forwarded", "address"),
    [
        (False, "192.0.2.7", "127.0.0.1"),
        (True, "192.0.2.7", "192.0.2.7"),
        (True, "10.9.8.7, 2001:DB8::1", "2001:db8::1"),
        (True, "", None),
        (True, "unknown", None),
    ],
)
def test_address_is_the_one_that_the_proxy_saw(
    account: Account, settings: Settings, behind: bool, forwarded: str, address: str | None
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind else None
    body = form(("TokenGet", {}), login=LOGIN)

    Client().post("/otrs/public.pl", body, content_type=FORM, headers={"X-Forwarded-For": forwarded})

    assert RegistrationToken.objects.get().address == address


# --- The form of OTRS 3.3


def flat(subaction: str, **fields: str) -> dict[str, Any]:
    body = urlencode({"Action": "PublicRegistration", "Subaction": subaction, "APIVersion": "2"} | fields).encode()
    status, content = post(body)
    assert status == "200 OK"
    document: dict[str, Any] = json.loads(content)
    return document


def test_client_of_otrs_33_goes_all_the_way(account: Account) -> None:
    facts = {name: str(value) for name, value in FACTS.items()}
    login = {"OTRSID": LOGIN[0], "Password": LOGIN[1]}
    given = flat("TokenGet", **login)
    assert given["Auth"] == "ok"
    made = flat(
        "Register", **facts, OTRSID=LOGIN[0], Token=given["Token"], Type="test", Description="x", OldUniqueID="",
        OldAPIKey="", SupportData=json.dumps([{"Label": "a"}]),
    )  # fmt: skip
    key = {"APIKey": made["APIKey"], "RegistrationKey": made["UniqueID"]}
    assert int(made["NextUpdate"]) > 0
    updated = flat("Update", **facts, **key, LastUpdateID=made["LastUpdateID"], SupportData=json.dumps([]))
    assert (updated["Type"], updated["Description"], bool(updated["UpdateID"])) == ("test", "x", True)
    again = flat("Update", **facts, **key, LastUpdateID=updated["UpdateID"])
    assert again["UpdateID"] != updated["UpdateID"]
    token_to_end = flat("TokenGet", **login)["Token"]

    assert flat("Deregister", **key, OTRSID=LOGIN[0], Token=token_to_end)["Success"] == 1

    system = RegisteredSystem.objects.get()
    assert (system.state, system.support_data.content) == ("deregistered", [])


def test_client_of_otrs_33_is_refused_in_its_words(account: Account) -> None:
    failed = flat("TokenGet", OTRSID=LOGIN[0], Password="wrong")
    refused = flat("Update", APIKey="a", RegistrationKey="b", LastUpdateID="c")

    assert (failed["Success"], failed["Auth"], "Token" in failed) == (0, "failed", False)
    assert (refused["Success"], "UpdateID" in refused) == (0, False)
    assert refused["Reason"] == "Unknown UniqueID or wrong API key. Please register this system again."


# --- Several operations, instances, and what is kept for good


def test_unknown_operations_are_answered_beside_the_others(account: Account) -> None:
    client = register()
    data = {"LastUpdateID": client.stored["LastUpdateID"]}
    operations = [("Destroy", {}), ("Update", data), ("SupportDataAdd", {"SupportData": "no list"})]
    _status, body = post(form(*operations, key=client.key))

    found = json.loads(body)["Results"]["SystemRegistration"]
    assert [(each["Operation"], each["Success"]) for each in found] == [
        ("Destroy", 0),
        ("Update", 1),
        ("SupportDataAdd", 0),
    ]
    assert [each.get("ErrorMessage") for each in found] == ["No such operation.", None, "SupportData must be a list."]


def test_instance_name_comes_back_where_it_was_given(account: Account) -> None:
    element = {"Operation": "Destroy", "Data": {}, "InstanceName": "one"}
    body = form(("Destroy", {})).replace(b"RequestData=", b"Ignored=")
    body += b"&" + urlencode({"RequestData": json.dumps({"SystemRegistration": [element]})}).encode()

    assert result(post(body))["InstanceName"] == "one"


def test_update_takes_few_queries(account: Account, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """The system by its key, the counter, and in the transaction the row locked, written and noted."""
    client = register()

    with django_assert_num_queries(7):
        update(client)


def test_events_stay_as_they_were_written(account: Account) -> None:
    client = register()
    event = RegistrationEvent.objects.latest("pk")
    attempts: list[Callable[[], object]] = [
        lambda: RegistrationEvent.objects.update(kind="updated"),
        lambda: RegistrationEvent.objects.filter(pk=event.pk).delete(),
        event.save,
    ]

    for attempt in attempts:
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()

    assert client.stored["UniqueID"] == RegisteredSystem.objects.get().unique_id


def test_systems_are_visible_to_who_sees_the_customer(django_user_model: Any) -> None:
    customer = CustomerFactory()
    system = RegisteredSystemFactory(account__customer=customer)
    RegisteredSystemFactory()
    manager = django_user_model.objects.create_user("manager")
    customer.account_managers.add(manager)
    boss = django_user_model.objects.create_superuser("boss")
    stranger = django_user_model.objects.create_user("stranger")

    seen = [RegisteredSystem.objects.visible_to(user).for_list() for user in (manager, boss, stranger)]

    assert [list(systems.filter(pk=system.pk)) for systems in seen] == [[system], [system], []]
    assert [systems.count() for systems in seen] == [1, 2, 0]


def test_key_of_nobody_is_nobodys() -> None:
    assert registering.find_system(None) is None
    assert registering.find_system(Key("x", "y")) is None


def test_names() -> None:
    system = RegisteredSystemFactory(account__otrs_id="a", fqdn="")
    counter = RateCounter(kind="update", begun_at=NOW, count=3)

    assert (str(system), str(system.account)) == (system.unique_id, "a")
    assert str(counter) == "update 2026-11-30 12:01:00+00:00 3"
