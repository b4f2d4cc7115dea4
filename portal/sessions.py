"""Sessions of people: which there are, when something was last done in them, and how they are ended."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from portal.session_limits import SEEN_AT
from tickets.models import AnyUser

NOTED_EVERY = timedelta(minutes=1)
"""How exactly activity is noted: not every request writes into the database."""


def note_activity(session: SessionBase, *, now: datetime) -> None:
    """Somebody does something; written down once a minute."""
    if now.timestamp() - session.get(SEEN_AT, 0) >= NOTED_EVERY.total_seconds():
        session[SEEN_AT] = now.timestamp()
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=now)


def live_sessions(user: AnyUser, *, now: datetime) -> QuerySet[UserSession]:
    """The user's sessions that have not ended, the latest first."""
    live = Session.objects.filter(expire_date__gt=now).values("session_key")
    active = now - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    sessions: QuerySet[UserSession] = UserSession.objects.filter(user_id=user.pk, session_key__in=live)
    return sessions.filter(last_seen_at__gt=active - NOTED_EVERY).order_by("-created_at", "-pk")


@transaction.atomic
def end_sessions(user: AnyUser, *, but: str | None = None, only: int | None = None) -> int:
    """End the user's sessions, the one with the key ``but`` excepted, or the one with the number ``only``.

    Returns how many; their next request is that of a stranger.
    """
    rows = UserSession.objects.filter(user_id=user.pk)
    if but is not None:
        rows = rows.exclude(session_key=but)
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    ended, _by_model = Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return ended


def forget_ended_sessions(*, now: datetime) -> None:
    """Delete what is left of sessions that have run out."""
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
