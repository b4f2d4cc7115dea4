"""The six calls against a server on a real socket."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from common.fields import decrypt
from registration.client import (
    deregister,
    register,
    registration_data_get,
    registration_date_check,
    registration_update_send,
    send_due_update,
    token_get,
)
from registration.date_check import EXPIRED, GRACE, ON_GRACE_PERIOD, SILENCE
from registration.own_models import OwnRegistration, OwnRegistrationEvent
from registration.own_steps import AGAIN, keep_deregistration, the_own
from tests.registration.conftest import NOW, register_now
from tests.registration.server import OTRS_ID, PASSWORD, WEEK, RegistrationServer

LATER = NOW + timedelta(seconds=WEEK)
CONFLICT = "The registration server refused the update: UpdateID does not match. Please register again. "
CONFLICT += "Register this portal again."


def answered(rest: str, operation: str = "TokenGet") -> str:
    """The JSON of an answer to one operation."""
    return '{"Success":1,"Results":{"SystemRegistration":[{"Operation":"' + operation + '",' + rest + "}]}}"


def kinds() -> list[str]:
    """Of the events, the oldest first."""
    return list(OwnRegistrationEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_token_comes_for_the_right_password(registry: RegistrationServer) -> None:
    outcome = token_get(otrs_id=OTRS_ID, password=PASSWORD, purpose="Register")

    assert (outcome.success, outcome.token, outcome.reason) == (True, "token-1", "")
    assert "token-1" not in repr(outcome)
    assert registry.forms == [
        {
            "Action": "PublicCloudService",
            "OTRSIDAuth": {"OTRSID": OTRS_ID, "Password": PASSWORD},
            "UniqueIDAuth": "",
            "RequestData": {"SystemRegistration": [{"Operation": "TokenGet", "Data": {"Purpose": "Register"}}]},
        }
    ]


def test_wrong_password_is_told_and_asked_once(registry: RegistrationServer) -> None:
    outcome = token_get(otrs_id=OTRS_ID, password="wrong")

    assert (outcome.success, outcome.reason) == (False, "Username unknown or password incorrect.")
    assert len(registry.bodies) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"Success": 0, "ErrorMessage": "Closed on Sundays."}', "Closed on Sundays."),
        (
            answered(f'"Success":0,"ErrorMessage":"No {PASSWORD}\\nhere"'),
            "No *** here",
        ),
        (
            answered('"Success":1,"Data":{"Auth":"ok"}'),
            "it has no usable Token",
        ),
    ],
)
def test_token_that_does_not_come_has_a_reason(registry: RegistrationServer, body: str, sentence: str) -> None:
    registry.faults = [f"body {body}"]

    outcome = token_get(otrs_id=OTRS_ID, password=PASSWORD)

    assert not outcome.success
    assert sentence in outcome.reason


@pytest.mark.parametrize("url", ["", "registration.example.com", "http://registration.example.com/otrs/public.pl"])
def test_nothing_is_sent_without_a_usable_address(db: None, settings: Settings, url: str) -> None:
    settings.REGISTRATION_URL = url
    outcomes = [
        token_get(otrs_id=OTRS_ID, password=PASSWORD),
        register(token="t", otrs_id=OTRS_ID, system_type="test", now=NOW),
        registration_update_send(now=NOW),
        deregister(token="t", otrs_id=OTRS_ID, now=NOW),
    ]

    assert {(outcome.success, outcome.is_wrong_use) for outcome in outcomes} == {(False, True)}
    assert all("REGISTRATION_URL" in outcome.reason for outcome in outcomes)
    assert OwnRegistration.objects.count() == 0


def test_registration_keeps_everything_at_once(db: None, registry: RegistrationServer) -> None:
    own = register_now()

    assert (own.state, own.unique_id, own.api_key, own.update_id) == ("registered", "unique-2", "key-2", "id-2")
    assert (own.server, own.system_type, own.description) == (registry.url, "production", "Büro")
    assert (own.last_ok, own.next_due, own.pending_attempt) == (NOW, LATER, "")
    told = registry.data()
    assert (told["OTRSID"], told["Token"], told["Type"]) == (OTRS_ID, "token-1", "production")
    assert (told["OldUniqueID"], told["OldAPIKey"], told["State"], told["APIVersion"]) == ("", "", "active", 2)
    assert re.fullmatch(r"Python 3\.\d+\.\d+\S*", told["PerlVersion"])
    assert registry.forms[-1]["UniqueIDAuth"] == ""
    assert kinds() == ["registered"]


def test_key_is_encrypted_and_password_and_token_are_nowhere(
    registered: RegistrationServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    registration_update_send(debug=True, now=NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registration_ownregistration")
        row = [str(value) for value in cursor.fetchone()]
        names = [column[0] for column in cursor.description]
        cursor.execute("SELECT text FROM registration_ownregistrationevent")
        texts = [value for (value,) in cursor.fetchall()]
    kept = " ".join([*row, *texts, *caplog.messages])
    assert decrypt(row[names.index("api_key")]) == "key-2"
    assert [secret for secret in (PASSWORD, "token-1", "key-2") if secret in kept] == []
    assert "The update sends" in caplog.text
    assert "key-2" not in repr(registration_data_get(extended=True))


def test_refused_registration_keeps_nothing_but_the_sentence(db: None, registry: RegistrationServer) -> None:
    outcome = register(token="token-9", otrs_id=OTRS_ID, system_type="test", now=NOW)

    assert (outcome.success, outcome.reason) == (False, "Token unknown or used.")
    assert (the_own().state, the_own().error, kinds()) == ("never", "Token unknown or used.", ["refused"])
    assert registration_date_check(now=NOW + timedelta(days=900)) is None


@pytest.mark.parametrize("missing", ["UniqueID", "APIKey", "LastUpdateID"])
def test_registration_without_all_keys_is_none(db: None, registry: RegistrationServer, missing: str) -> None:
    token = token_get(otrs_id=OTRS_ID, password=PASSWORD).token
    registry.changes = {missing: ...}

    outcome = register(token=token, otrs_id=OTRS_ID, system_type="test", now=NOW)

    assert f"it has no usable {missing}" in outcome.reason
    assert (the_own().state, kinds()) == ("never", ["failed"])


def test_registering_again_names_the_old_keys_and_drops_what_was_begun(registered: RegistrationServer) -> None:
    registered.faults = ["lost request"] * 3
    registration_update_send(now=NOW)
    assert the_own().pending_attempt

    own = register_now(system_type="test")

    assert (registered.data()["OldUniqueID"], registered.data()["OldAPIKey"]) == ("unique-2", "key-2")
    assert registered.forms[-1]["UniqueIDAuth"] == {"UniqueID": "unique-2", "APIKey": "key-2"}
    assert (own.unique_id, own.update_id, own.pending_attempt, own.error) == ("unique-4", "id-4", "", "")
    assert registered.systems["unique-2"].state == "retired"
    assert registration_update_send(now=NOW).success


def test_old_keys_are_not_told_to_another_server(registered: RegistrationServer) -> None:
    OwnRegistration.objects.update(server="https://other.example.com/otrs/public.pl")

    register_now()

    assert (registered.data()["OldUniqueID"], registered.forms[-1]["UniqueIDAuth"]) == ("", "")


def test_registering_again_after_deregistration_shows_no_authentication(registered: RegistrationServer) -> None:
    deregister_now()

    register_now()

    assert (registered.data()["OldUniqueID"], registered.forms[-1]["UniqueIDAuth"]) == ("unique-2", "")


def test_lost_encryption_key_does_not_stand_in_the_way_of_a_new_registration(
    registered: RegistrationServer, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleSE="]
    outcomes = [registration_update_send(now=NOW), deregister(token="t", otrs_id=OTRS_ID, now=NOW)]

    assert all("cannot be decrypted" in outcome.reason and outcome.is_wrong_use for outcome in outcomes)
    assert register_now().api_key == "key-4"
    assert registered.data()["OldAPIKey"] == ""


def test_update_brings_a_new_id_and_the_next_day(registered: RegistrationServer) -> None:
    outcome = registration_update_send(system_type="test", description="Neu", now=LATER)

    own = the_own()
    assert outcome.success
    assert (own.update_id, own.system_type, own.description) == ("id-3", "test", "Neu")
    assert (own.last_ok, own.next_due) == (LATER, LATER + timedelta(days=7))
    told = registered.data()
    assert (told["LastUpdateID"], told["Type"], told["Description"]) == ("id-2", "test", "Neu")
    assert registered.forms[-1]["UniqueIDAuth"] == {"UniqueID": "unique-2", "APIKey": "key-2"}
    assert registered.forms[-1]["OTRSIDAuth"] == ""
    assert kinds() == ["registered", "updated"]


def test_each_update_shows_the_id_before_and_an_attempt_of_its_own(registered: RegistrationServer) -> None:
    for _ in range(3):
        assert registration_update_send(now=NOW).success

    shown = [registered.data(number)["LastUpdateID"] for number in range(3)]
    attempts = {registered.data(number)["AttemptID"] for number in range(3)}
    assert shown == ["id-2", "id-3", "id-4"]
    assert len(attempts) == 3
    assert all(len(attempt) == 32 for attempt in attempts)


def test_update_without_type_leaves_it_as_it_is(registered: RegistrationServer) -> None:
    registered.changes = {"Type": ..., "Description": ...}

    registration_update_send(now=NOW)

    assert (the_own().system_type, the_own().description) == ("production", "Büro")
    assert {"Type", "Description"}.isdisjoint(registered.data())


def test_what_the_server_keeps_of_type_and_description_is_taken_over(registered: RegistrationServer) -> None:
    registered.changes = {"Type": "training", "Description": "vom Portal"}

    registration_update_send(now=NOW)

    assert (the_own().system_type, the_own().description) == ("training", "vom Portal")


def test_unusable_type_does_not_lose_the_new_id(registered: RegistrationServer) -> None:
    registered.changes = {"Type": "x" * 51, "Description": "a\0b"}

    assert registration_update_send(now=NOW).success
    assert (the_own().update_id, the_own().system_type, the_own().description) == ("id-3", "production", "Büro")


@pytest.mark.parametrize(
    ("changes", "unique_id", "key"),
    [
        ({"UniqueID": "unique-7", "APIKey": "key-7"}, "unique-7", "key-7"),
        ({"UniqueID": "unique-7"}, "unique-2", "key-2"),
        ({"APIKey": "key-7"}, "unique-2", "key-2"),
    ],
)
def test_new_unique_id_counts_only_with_its_key(
    registered: RegistrationServer, changes: dict[str, str], unique_id: str, key: str
) -> None:
    registered.changes = dict(changes)

    registration_update_send(now=NOW)

    assert (the_own().unique_id, the_own().api_key) == (unique_id, key)


@pytest.mark.parametrize(
    ("named", "wait"),
    [
        ("604800", timedelta(days=7)),
        (3600, timedelta(hours=1)),
        (60, timedelta(minutes=1)),
        (59, timedelta(hours=24)),
        (1_209_600, timedelta(days=14)),
        (1_209_601, timedelta(hours=24)),
        (-5, timedelta(hours=24)),
        ("soon", timedelta(hours=24)),
        ("9" * 40, timedelta(hours=24)),
        (None, timedelta(hours=24)),
        (True, timedelta(hours=24)),
        ([], timedelta(hours=24)),
    ],
)
def test_next_update_is_what_the_server_says_or_a_day(
    registered: RegistrationServer, named: object, wait: timedelta
) -> None:
    registered.changes = {"NextUpdate": named}

    registration_update_send(now=NOW)

    assert the_own().next_due == NOW + wait


@pytest.mark.parametrize(
    ("fault", "tries"),
    [("lost request", 3), ("lost answer", 3), ("status 500 Internal Server Error", 3), ("body {", 1), ("body ", 1)],
)
def test_update_without_an_answer_is_sent_again_as_it_was(
    registered: RegistrationServer, fault: str, tries: int
) -> None:
    registered.faults = [fault] * tries
    first = registration_update_send(system_type="test", now=LATER)
    waiting = the_own()

    second = registration_update_send(now=LATER + AGAIN)

    assert (first.success, second.success) == (False, True)
    assert (waiting.update_id, waiting.next_due, waiting.error) == ("id-2", LATER + AGAIN, first.reason)
    assert waiting.pending_attempt
    assert len(set(registered.bodies)) == 1
    assert (the_own().pending_attempt, the_own().error, the_own().system_type) == ("", "", "test")
    assert len(registered.only().updates) == 1
    assert kinds() == ["registered", "failed", "updated"]


def test_lost_answer_is_made_up_for_at_once(registered: RegistrationServer) -> None:
    registered.faults = ["lost answer", "status 503 Service Unavailable"]

    assert registration_update_send(now=NOW).success
    assert (len(registered.bodies), len(set(registered.bodies))) == (3, 1)
    assert len(registered.only().updates) == 1


def test_update_with_another_type_waits_for_the_one_that_was_begun(registered: RegistrationServer) -> None:
    registered.faults = ["lost answer"] * 3
    registration_update_send(system_type="test", now=NOW)

    assert registration_update_send(system_type="training", now=NOW).success

    assert [told["Type"] for told in registered.only().updates] == ["test", "training"]
    assert the_own().system_type == "training"


def test_copy_is_refused_and_grace_begins_at_once(registered: RegistrationServer) -> None:
    registered.only().current = "id-of-the-copy"

    outcome = registration_update_send(now=LATER)

    own = the_own()
    assert (outcome.success, outcome.reason) == (False, CONFLICT)
    assert (own.state, own.error, own.refused_at, own.next_due) == ("refused", CONFLICT, LATER, None)
    assert registration_date_check(now=LATER) == ON_GRACE_PERIOD
    assert registration_date_check(now=LATER + GRACE) == ON_GRACE_PERIOD
    assert registration_date_check(now=LATER + GRACE + timedelta(microseconds=1)) == EXPIRED
    assert send_due_update(now=LATER + timedelta(days=90)) is None


def test_second_refusal_does_not_lengthen_the_grace_period(registered: RegistrationServer) -> None:
    registered.only().state = "conflict"
    registration_update_send(now=NOW)

    registration_update_send(now=NOW + timedelta(days=20))

    assert the_own().refused_at == NOW


def test_refused_portal_is_registered_again_by_a_person(registered: RegistrationServer) -> None:
    registered.only().state = "conflict"
    registration_update_send(now=NOW)

    own = register_now(now=LATER)

    assert (own.state, own.refused_at, own.error, own.last_ok) == ("registered", None, "", LATER)
    assert registration_date_check(now=LATER) is None


def test_update_that_the_server_takes_after_all_ends_the_refusal(registered: RegistrationServer) -> None:
    registered.only().state = "conflict"
    registration_update_send(now=NOW)
    registered.only().state = "active"

    assert registration_update_send(now=LATER).success
    assert (the_own().state, the_own().refused_at) == ("registered", None)


def test_attempt_of_long_ago_is_replaced_once(registered: RegistrationServer) -> None:
    """A database put back from a backup in the middle of an update."""
    registered.faults = ["lost request"] * 3
    registration_update_send(now=NOW)
    backup = OwnRegistration.objects.values().get()
    registration_update_send(now=NOW)
    registration_update_send(now=NOW)
    OwnRegistration.objects.update(**backup | {"api_key": the_own().api_key})
    sent = len(registered.bodies)

    outcome = registration_update_send(now=LATER)

    assert (outcome.reason, the_own().state) == (CONFLICT, "refused")
    assert [registered.data(number)["LastUpdateID"] for number in (sent, sent + 1)] == ["id-2", "id-2"]
    assert registered.data(sent)["AttemptID"] != registered.data(sent + 1)["AttemptID"]


def test_trouble_of_the_server_is_no_refusal(registered: RegistrationServer) -> None:
    registered.faults = ["body " + answered('"Success":0,"ErrorMessage":"Database is locked."', "Update")]

    outcome = registration_update_send(now=NOW)

    assert "Database is locked." in outcome.reason
    assert (the_own().state, the_own().next_due) == ("registered", NOW + AGAIN)
    assert registration_update_send(now=NOW).success


def test_too_many_requests_keep_the_attempt(registered: RegistrationServer) -> None:
    registered.faults = ["status 429 Too Many Requests"]

    outcome = registration_update_send(now=NOW)

    assert outcome.reason == "Can't connect to server: it was asked too often. Try again later."
    assert len(registered.bodies) == 1
    assert the_own().pending_attempt
    assert registration_update_send(now=NOW + AGAIN).success


def test_update_goes_to_the_server_of_the_registration_only(registered: RegistrationServer) -> None:
    OwnRegistration.objects.update(server="https://other.example.com/otrs/public.pl")

    outcome = registration_update_send(now=NOW)

    assert (outcome.is_wrong_use, registered.bodies) == (True, [])
    assert "https://other.example.com/otrs/public.pl" in outcome.reason


def test_portal_that_is_not_registered_sends_no_update(db: None, registry: RegistrationServer) -> None:
    outcome = registration_update_send(now=NOW)

    assert (outcome.is_wrong_use, registry.bodies) == (True, [])
    assert OwnRegistration.objects.filter(pending_attempt="").count() == OwnRegistration.objects.count()


def deregister_now() -> None:
    token = token_get(otrs_id=OTRS_ID, password=PASSWORD, purpose="Deregister").token
    outcome = deregister(token=token, otrs_id=OTRS_ID, now=NOW)
    assert outcome.success, outcome.reason


def test_deregistration_stops_the_updates(registered: RegistrationServer) -> None:
    deregister_now()

    own = the_own()
    assert (own.state, own.next_due, registered.only().state) == ("deregistered", None, "deregistered")
    told = registered.data()
    assert (told["UniqueID"], told["APIKey"], told["OTRSID"]) == ("unique-2", "key-2", OTRS_ID)
    assert registration_date_check(now=NOW + timedelta(days=900)) is None
    assert registration_update_send(now=LATER).is_wrong_use
    assert send_due_update(now=LATER) is None


def test_deregistration_whose_answer_was_lost_is_asked_for_again(registered: RegistrationServer) -> None:
    token = token_get(otrs_id=OTRS_ID, password=PASSWORD).token
    registered.faults = ["lost answer"] * 3

    outcome = deregister(token=token, otrs_id=OTRS_ID, now=NOW)

    assert (outcome.success, the_own().state, registered.only().state) == (False, "registered", "deregistered")
    deregister_now()
    assert the_own().state == "deregistered"


def test_refused_deregistration_changes_nothing(registered: RegistrationServer) -> None:
    outcome = deregister(token="token-99", otrs_id=OTRS_ID, now=NOW)

    assert (outcome.success, outcome.reason) == (False, "Deregistration refused.")
    assert (the_own().state, the_own().next_due, the_own().error) == ("registered", LATER, "Deregistration refused.")


def test_data_of_the_registration_tell_the_versions_when_asked(registered: RegistrationServer) -> None:
    short, extended = registration_data_get(), registration_data_get(extended=True)

    assert (short["State"], short["UniqueID"], short["Type"]) == ("registered", "unique-2", "production")
    assert short["NextUpdate"] == LATER.isoformat()
    assert extended["FQDN"] == "portal.example.com"
    assert extended["OTRSVersion"].startswith("Billing portal 0.")
    assert re.fullmatch(r"(SQLite|PostgreSQL) [\d.]+", extended["DatabaseVersion"])
    assert set(extended) - set(short) == {
        "FQDN", "OTRSVersion", "PythonVersion", "OSType", "OSVersion", "DatabaseVersion",
    }  # fmt: skip


def test_data_before_any_registration_are_empty(db: None) -> None:
    data = registration_data_get()

    assert data.pop("State") == "never"
    assert set(data.values()) == {""}


@pytest.mark.parametrize(
    ("age", "found"),
    [
        (timedelta(days=-3), None),
        (SILENCE, None),
        (SILENCE + timedelta(microseconds=1), ON_GRACE_PERIOD),
        (SILENCE + GRACE, ON_GRACE_PERIOD),
        (SILENCE + GRACE + timedelta(microseconds=1), EXPIRED),
    ],
)
def test_date_check_counts_from_the_last_good_update(
    registered: RegistrationServer, age: timedelta, found: str | None
) -> None:
    registration_update_send(now=NOW)

    assert registration_date_check(now=NOW + age) == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"pk": 2},
        {"pk": 1, "state": "registered"},
        {"pk": 1, "unique_id": "u"},
        {"pk": 1, "pending_attempt": "a"},
        {"pk": 1, "state": "refused", "unique_id": "u", "api_key": "k", "update_id": "i", "last_ok": NOW},
        {"pk": 1, "state": "deregistered", "unique_id": "u", "api_key": "k", "update_id": "i", "next_due": NOW},
    ],
)
def test_database_refuses_a_second_row_and_half_a_registration(values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnRegistration.objects.create(**values)


def test_event_is_never_written_over(registered: RegistrationServer) -> None:
    event = OwnRegistrationEvent.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnRegistrationEvent.objects.update(text="Nothing happened.")
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnRegistrationEvent.objects.all()._raw_delete("default")
    assert str(event) == "2026-11-03 12:00 registered"
    assert [str(the_own()), str(OwnRegistration())] == ["unique-2", "never registered"]


def test_event_outlives_the_account_that_caused_it(registered: RegistrationServer) -> None:
    user = User.objects.create_user("dora")
    registration_update_send(now=NOW, user=user)

    user.delete()

    assert list(OwnRegistrationEvent.objects.values_list("kind", "user")) == [("updated", None), ("registered", None)]


def test_deregistration_that_is_kept_twice_is_one(registered: RegistrationServer) -> None:
    deregister_now()

    keep_deregistration("unique-2", now=NOW, user=None)

    assert kinds() == ["registered", "deregistered"]
