"""The health page knows whether the audit log is sealed and kept."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from audit import guards
from audit.actions import Action
from audit.recording import record
from audit.sealing import seal_waiting
from portal.health.audit_log import check_audit_log
from portal.health.findings import State
from tests.unguarded import without_guards

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("minutes", "state"), [(1, State.GOOD), (6, State.WARN), (16, State.BAD)])
def test_row_that_waits_for_its_seal(minutes: int, state: State) -> None:
    record(Action.SIGNED_IN, now=NOW - timedelta(minutes=minutes))

    finding = check_audit_log(now=NOW)

    assert finding.state == state
    assert ("verify_audit_log --seal" in finding.advice) == (state != State.GOOD)


def test_sealed_log_is_well() -> None:
    record(Action.SIGNED_IN, now=NOW - timedelta(days=1))
    position = seal_waiting(now=NOW).position

    finding = check_audit_log(now=NOW)

    assert (finding.state, finding.text) == (State.GOOD, f"Sealed up to position {position}.")


def test_newest_rows_that_are_gone() -> None:
    row = record(Action.SIGNED_IN)
    seal_waiting(now=NOW)

    with without_guards(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditrow WHERE id = %s", [row.pk])

    finding = check_audit_log(now=NOW)
    assert (finding.state, finding.text) == (State.BAD, "The newest sealed rows are missing.")


def test_triggers_that_are_gone() -> None:
    guards.remove(connection)

    finding = check_audit_log(now=NOW)

    assert finding.state == State.BAD
    assert "audit_guard_row_delete" in finding.text
    guards.install(connection)
