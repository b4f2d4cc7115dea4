from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.date_check import EXPIRED, ON_GRACE_PERIOD, Status, date_check, status_of
from registration.models import RegisteredSystem
from registration.queries import with_status
from tests.factories.registration import RegisteredSystemFactory

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("silent", "found"),
    [
        (timedelta(0), None),
        (timedelta(days=14), None),
        (timedelta(days=14) + SECOND, ON_GRACE_PERIOD),
        (timedelta(days=44), ON_GRACE_PERIOD),
        (timedelta(days=44) + SECOND, EXPIRED),
    ],
)
def test_silence(silent: timedelta, found: str | None) -> None:
    assert date_check(last_ok=NOW - silent, conflict_at=None, now=NOW) == found


@pytest.mark.parametrize(
    ("age", "found"),
    [(timedelta(0), ON_GRACE_PERIOD), (timedelta(days=30), ON_GRACE_PERIOD), (timedelta(days=30) + SECOND, EXPIRED)],
)
def test_conflict_starts_the_grace_period_at_once(age: timedelta, found: str) -> None:
    assert date_check(last_ok=NOW, conflict_at=NOW - age, now=NOW) == found


EDGES = [0, 1, 7, 8, 14, 30, 44]
moments = st.builds(
    lambda days, seconds: NOW - timedelta(days=days, seconds=seconds), st.sampled_from(EDGES), st.integers(-1, 1)
)


@pytest.mark.django_db
@given(state=st.sampled_from(RegisteredSystem.State.values), last_ok=moments, next_due=moments, conflict_at=moments)
def test_database_says_the_same(state: str, last_ok: datetime, next_due: datetime, conflict_at: datetime) -> None:
    over = state in ("retired", "deregistered")
    system = RegisteredSystemFactory(
        state=state,
        last_ok_at=last_ok,
        next_due_at=next_due,
        conflict_at=None if state == "active" else conflict_at,
        ended_at=NOW if over else None,
    )

    found: str = vars(with_status(RegisteredSystem.objects.filter(pk=system.pk), now=NOW).get())["status"]
    named = status_of(state=state, last_ok=last_ok, next_due=next_due, conflict_at=system.conflict_at, now=NOW)
    system.delete()
    assert Status(found) == named


@pytest.mark.parametrize(
    ("state", "days", "due_days", "status"),
    [
        ("active", 1, -6, Status.ACTIVE),
        ("active", 7, 0.5, Status.DUE),
        ("active", 9, 2, Status.OVERDUE),
        ("active", 15, 8, Status.GRACE),
        ("active", 45, 38, Status.EXPIRED),
        ("conflict", 1, -6, Status.CONFLICT),
        ("conflict", 31, 24, Status.EXPIRED),
        ("retired", 99, 90, Status.RETIRED),
        ("deregistered", 99, 90, Status.DEREGISTERED),
    ],
)
def test_status(state: str, days: float, due_days: float, status: Status) -> None:
    last_ok, due = NOW - timedelta(days=days), NOW - timedelta(days=due_days)

    assert status_of(state=state, last_ok=last_ok, next_due=due, conflict_at=last_ok, now=NOW) == status
