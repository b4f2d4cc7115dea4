"""Each check: what is well, what is not, and that the sentence says what to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connection
from django.utils import timezone
from kombu import Connection
from pytest_django import DjangoAssertNumQueries, Settings

from common.rotation import encrypted_columns
from portal.celery import app
from portal.health import machine
from portal.health.examination import examine
from portal.health.findings import Finding, State, is_well
from portal.health.machine import check_broker, check_database, check_disk, check_keys
from portal.health.readings import check_readings
from portal.health.work import check_work
from portal.signs import note_sign
from tests.factories.tickets import SyncRunFactory, TicketSystemFactory

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
EXAMINATION_QUERIES = 11  # and one for each encrypted column


def states(findings: list[Finding]) -> dict[str, State]:
    return {f"{finding.name} {finding.about}".strip(): finding.state for finding in findings}


@pytest.mark.django_db
def test_database_that_answers_is_well() -> None:
    assert check_database().state == State.GOOD
    assert check_database().advice == ""


def test_database_that_does_not_answer_takes_the_checks_behind_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def cursor() -> None:
        raise OperationalError("postgres://portal:geheim-geheim@db is down")

    monkeypatch.setattr(connection, "cursor", cursor)

    findings = examine(now=NOW)

    assert {finding.name for finding in findings} == {"database", "broker", "disk"}
    assert not is_well(findings)
    assert findings[0].text == "The database does not answer: postgres://portal:[redacted]@db is down"
    assert "DATABASE_URL" in findings[0].advice


def test_broker_that_answers_is_well() -> None:
    assert check_broker().state == State.GOOD


def test_broker_that_does_not_answer_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Connection("amqp://portal:geheim@127.0.0.1:1//")
    monkeypatch.setattr(app, "connection_for_write", lambda: refused)

    finding = check_broker()

    assert (finding.state, "Connection refused" in finding.text) == (State.BAD, True)
    assert "geheim" not in finding.text
    assert "CELERY_BROKER_URL" in finding.advice


@pytest.mark.parametrize(("free", "state"), [(50, State.GOOD), (9, State.WARN), (2, State.BAD)])
def test_disk_by_what_is_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, state: State) -> None:
    usage = SimpleNamespace(total=100 * machine.MEBIBYTE, free=free * machine.MEBIBYTE)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)

    finding = check_disk()

    assert finding.state == state
    assert f"{free} MiB are free ({free} %)" in finding.text
    assert bool(finding.advice) == (state != State.GOOD)


def test_folder_that_is_not_there_yet_is_judged_by_the_one_above(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "later" / "var"

    assert f"where {tmp_path} is" in check_disk().text


def test_disk_that_cannot_be_looked_at_is_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("shutil.disk_usage", fail)

    assert (check_disk().state, "Input/output error" in check_disk().text) == (State.BAD, True)


@pytest.mark.django_db
def test_keys_that_read_what_is_stored_are_well() -> None:
    TicketSystemFactory()

    assert check_keys().state == State.GOOD


@pytest.mark.django_db
def test_key_that_was_lost_is_found(settings: Settings) -> None:
    TicketSystemFactory()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    finding = check_keys()

    assert (finding.state, finding.text) == (
        State.BAD,
        "No key reads what was stored last: audit.AuditKey.secret, tickets.TicketSystem.password.",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [["not a key"], ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "short"]])
def test_key_that_is_none_is_found_before_a_password_is_entered(settings: Settings, keys: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    assert check_keys().state == State.BAD


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("minutes", "state"), [(0, State.GOOD), (3, State.GOOD), (4, State.WARN), (5, State.WARN), (6, State.BAD)]
)
def test_workers_and_scheduler_by_when_they_were_seen(minutes: int, state: State) -> None:
    for name in ("network", "ledger", "beat"):
        note_sign(name, now=NOW - timedelta(minutes=minutes))

    findings = check_work(now=NOW)

    assert states(findings) == {"worker network": state, "worker ledger": state, "beat": state}
    assert {bool(finding.advice) for finding in findings} == {state != State.GOOD}


@pytest.mark.django_db
def test_workers_that_never_worked_are_out_of_order() -> None:
    assert {(finding.state, finding.text) for finding in check_work(now=NOW)} == {(State.BAD, "Never seen at work.")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hours", "complete", "state"),
    [(1, True, State.GOOD), (1, False, State.WARN), (27, True, State.WARN), (51, True, State.BAD)],
)
def test_readings_by_age_and_completeness(settings: Settings, hours: int, complete: bool, state: State) -> None:
    settings.NIGHTLY_READING_HOUR = 3
    values: dict[str, Any] = {"complete_run": True} if complete else {"state": "partly"}
    SyncRunFactory(system=TicketSystemFactory(name="Help"), **values, started_at=NOW - timedelta(hours=hours))

    assert states(check_readings(now=NOW)) == {"reading Help": state}


@pytest.mark.django_db
def test_reading_is_never_late_where_nothing_is_read_at_night() -> None:
    SyncRunFactory(system=TicketSystemFactory(name="Help"), complete_run=True, started_at=NOW - timedelta(days=90))

    assert states(check_readings(now=NOW)) == {"reading Help": State.GOOD}


@pytest.mark.django_db
def test_failed_reading_is_no_reading_and_inactive_systems_are_left_out() -> None:
    SyncRunFactory(system=TicketSystemFactory(name="Help"), failed=True)
    TicketSystemFactory(active=False)

    assert [(found.about, found.state, found.text) for found in check_readings(now=NOW)] == [
        ("Help", State.WARN, "Never read yet.")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("systems", [1, 3])
def test_examination_asks_the_same_number_of_questions(
    systems: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(systems):
        SyncRunFactory(complete_run=True)

    with django_assert_num_queries(EXAMINATION_QUERIES + len(encrypted_columns())):
        examine(now=timezone.now())
