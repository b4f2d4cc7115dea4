"""How long a session lasts: from the sign-in, and from when something was last done in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a session is over; ``idle`` says that nothing was done for too long, else it simply lasted too long."""

    idle: bool


def begin_session(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Handler of ``user_logged_in``: the limits count from now. Django has given the session a new key by then."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = timezone.now().timestamp()


def why_ended(session: SessionBase, *, now: datetime) -> Ended | None:
    """Why the session may not be used any more; ``None`` while it may. One that says no times is over."""
    if _seconds_since(session, SIGNED_IN_AT, now) >= timedelta(hours=settings.SESSION_ABSOLUTE_HOURS).total_seconds():
        return Ended(idle=False)
    if _seconds_since(session, SEEN_AT, now) >= timedelta(minutes=settings.SESSION_IDLE_MINUTES).total_seconds():
        return Ended(idle=True)
    return None


def signed_in_recently(session: SessionBase, *, now: datetime) -> bool:
    """Whether the sign-in itself is as young as an identity that was confirmed again must be."""
    return _seconds_since(session, SIGNED_IN_AT, now) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _seconds_since(session: SessionBase, name: str, now: datetime) -> float:
    then: float = session.get(name, 0)
    return now.timestamp() - then
