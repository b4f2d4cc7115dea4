"""How often somebody may be wrong at the sign-in. Counted in the database by one statement each, so that attempts that
come in the same moment all count; a cache may lose what it holds when it is full.

An attempt is counted before it is looked at and given back when it was right. Whoever was wrong too often waits for the
rest of a pause that begins with the first wrong attempt and never grows: others could lock an account with it.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.db.models import F

from portal.sign_in_models import SignInCounter
from registration.identifiers import keyed_hash


class Kind(StrEnum):
    ACCOUNT = "account"
    ADDRESS = "address"
    CODE = "code"
    USED_CODE = "used-code"


@dataclass(frozen=True, slots=True)
class Limit:
    count: int
    period: timedelta


LIMITS = {
    Kind.ACCOUNT: Limit(5, timedelta(minutes=5)),
    Kind.ADDRESS: Limit(20, timedelta(minutes=5)),
    Kind.CODE: Limit(5, timedelta(minutes=15)),
    Kind.USED_CODE: Limit(1, timedelta(minutes=5)),  # longer than any code of an authenticator is valid
}
KEPT = timedelta(days=1)


class TooManyAttempts(Exception):
    """The limit is reached; ``retry_after`` is the number of seconds until the pause is over."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was counted."""

    kind: Kind
    subject: str
    begun: int


def count_attempt(kind: Kind, value: str, *, now: datetime) -> Attempt:
    """Count one attempt; raises ``TooManyAttempts`` beyond the limit. Call it outside of any transaction, so that the
    count stays whatever becomes of the request."""
    limit, second = LIMITS[kind], int(now.timestamp())
    period = int(limit.period.total_seconds())
    subject = keyed_hash(f"sign-in: {kind.value}", unicodedata.normalize("NFKC", value).casefold())
    count, begun = _increase(kind, subject, second=second, expired=second - period)
    if count > limit.count:
        raise TooManyAttempts(begun + period - second)
    return Attempt(kind, subject, begun)


def give_back(attempt: Attempt) -> None:
    """It was right, so it does not count; the wrong ones before it still do."""
    rows = SignInCounter.objects.filter(kind=attempt.kind, subject=attempt.subject, begun=attempt.begun, count__gt=0)
    rows.update(count=F("count") - 1)


def forget_old_attempts(*, now: datetime) -> int:
    """Delete counters of pauses long over; returns how many."""
    deleted, _by_model = SignInCounter.objects.filter(begun__lt=int((now - KEPT).timestamp())).delete()
    return deleted


def _increase(kind: Kind, subject: str, *, second: int, expired: int) -> tuple[int, int]:
    """Count and beginning of the window that the attempt belongs to; one that is over is begun anew."""
    table = SignInCounter._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (kind, subject, begun, count) VALUES (%s, %s, %s, 1) "  # noqa: S608 - our own name
            "ON CONFLICT (kind, subject) DO UPDATE SET "
            f"count = CASE WHEN {table}.begun <= %s THEN 1 ELSE {table}.count + 1 END, "
            f"begun = CASE WHEN {table}.begun <= %s THEN excluded.begun ELSE {table}.begun END "
            "RETURNING count, begun",
            [kind.value, subject, second, expired, expired],
        )
        row: tuple[int, int] = cursor.fetchone()
    return row
