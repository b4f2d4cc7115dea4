"""How often a request may come; see ``common.limits``.

Whoever asks too often is told to wait, whether what he sent is right or wrong. Wrong keys are counted by the address
they come from and apart from right ones: nobody can keep a system from reporting by showing wrong keys for it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from common.limits import Limit as Limit
from common.limits import TooMany as TooMany
from common.limits import count_request, forget_old_requests
from registration.identifiers import keyed_hash
from registration.models import RateCounter


class Subject(StrEnum):
    UPDATE_OF_SYSTEM = "update"
    TOKEN_BY_ADDRESS = "token-address"  # noqa: S105 - a name
    TOKEN_OF_ACCOUNT = "token-account"  # noqa: S105 - a name
    WRONG_BY_ADDRESS = "wrong-address"


LIMITS = {
    Subject.UPDATE_OF_SYSTEM: Limit(10, timedelta(hours=1)),
    Subject.TOKEN_BY_ADDRESS: Limit(30, timedelta(hours=1)),
    Subject.TOKEN_OF_ACCOUNT: Limit(5, timedelta(minutes=15)),
    Subject.WRONG_BY_ADDRESS: Limit(30, timedelta(hours=1)),
}


def count(subject: Subject, value: str, *, now: datetime) -> None:
    """Count one request; raises ``TooMany`` beyond the limit. Call it outside the transaction that the request opens,
    so that the count stays whatever becomes of that."""
    hashed = keyed_hash("subject of a counter", value)
    count_request(RateCounter, kind=subject.value, subject=hashed, limit=LIMITS[subject], now=now)


def forget_old_counters(*, now: datetime) -> int:
    """Delete counters of windows long over; returns how many."""
    return forget_old_requests(RateCounter, now=now)
