"""How often something may be asked, counted in the database by one statement each: all processes count together.

An app has a table of its own, a subclass of ``RequestCounter``. The windows of time lie one after another: whoever has
asked too often in one may go on in the next.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    count: int
    period: timedelta


class TooMany(Exception):
    """The limit is reached; ``retry_after`` is the number of seconds until the next window."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class RequestCounter(models.Model):
    """How many requests of a kind came from or for one subject within one window of time."""

    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    begun_at = models.DateTimeField(help_text=_("When it began."))
    count = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject", "begun_at"], name="%(class)s_one_per_window"),
        ]
        indexes = [models.Index(fields=["begun_at"], name="%(class)s_to_forget")]

    def __str__(self) -> str:
        return f"{self.kind} {self.begun_at} {self.count}"


def count_request(counters: type[RequestCounter], *, kind: str, subject: str, limit: Limit, now: datetime) -> None:
    """Count one request; raises ``TooMany`` beyond the limit. Call it outside the transaction that the request opens,
    so that the count stays whatever becomes of that."""
    period = int(limit.period.total_seconds())
    second = int(now.timestamp())
    begun = second - second % period
    if _increase(counters, kind, subject, begun) > limit.count:
        raise TooMany(begun + period - second)


def forget_old_requests(counters: type[RequestCounter], *, now: datetime) -> int:
    """Delete counters of windows long over; returns how many."""
    deleted, _by_model = counters._base_manager.filter(begun_at__lt=now - KEPT).delete()
    return deleted


def _increase(counters: type[RequestCounter], kind: str, subject: str, begun: int) -> int:
    moment = connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(begun, UTC))
    table = counters._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (kind, subject, begun_at, count) VALUES (%s, %s, %s, 1) "  # noqa: S608 - our own name
            f"ON CONFLICT (kind, subject, begun_at) DO UPDATE SET count = {table}.count + 1 RETURNING count",
            [kind, subject, moment],
        )
        row: tuple[int] = cursor.fetchone()
    return row[0]
