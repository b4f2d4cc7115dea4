"""How long a registration holds without an update, and what its state is called on a given day.

Silence for 14 days starts a grace period of 30 days, after which the registration has expired. A conflict starts the
grace period at once. Used on both sides: by the server for the systems that report here, by the client for its own.
"""

from datetime import datetime, timedelta
from enum import StrEnum

SILENCE = timedelta(days=14)
GRACE = timedelta(days=30)
PATIENCE = timedelta(days=1)
"""An update that failed is tried again every two hours; after a day it is called overdue and not only due."""

ON_GRACE_PERIOD = "on-grace-period"
EXPIRED = "expired"


class Status(StrEnum):
    """What a system's state is on a given moment; of these the database holds only what did not come with time."""

    ACTIVE = "active"
    DUE = "due"
    OVERDUE = "overdue"
    GRACE = "grace"
    EXPIRED = "expired"
    CONFLICT = "conflict"
    RETIRED = "retired"
    DEREGISTERED = "deregistered"


def date_check(*, last_ok: datetime, conflict_at: datetime | None, now: datetime) -> str | None:
    """``None``, ``ON_GRACE_PERIOD`` (warn) or ``EXPIRED`` (switch off) for a registration with this last update."""
    if conflict_at is not None:
        return EXPIRED if now - conflict_at > GRACE else ON_GRACE_PERIOD
    silent = now - last_ok
    if silent <= SILENCE:
        return None
    return ON_GRACE_PERIOD if silent <= SILENCE + GRACE else EXPIRED


def status_of(
    *, state: str, last_ok: datetime, next_due: datetime, conflict_at: datetime | None, now: datetime
) -> Status:
    """The state with what time made of it. ``state`` is active, conflict, retired or deregistered.

    ``registration.queries.with_status`` says the same in SQL.
    """
    if state in (Status.RETIRED, Status.DEREGISTERED):
        return Status(state)
    in_conflict = state == Status.CONFLICT
    checked = date_check(last_ok=last_ok, conflict_at=conflict_at if in_conflict else None, now=now)
    if checked == EXPIRED:
        return Status.EXPIRED
    if in_conflict:
        return Status.CONFLICT
    if checked == ON_GRACE_PERIOD:
        return Status.GRACE
    if now > next_due + PATIENCE:
        return Status.OVERDUE
    return Status.DUE if now > next_due else Status.ACTIVE
