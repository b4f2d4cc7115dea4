"""What there is to tell of a registration on a given moment: silence, the nearing end, the end, and a copy."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from registration.date_check import GRACE, SILENCE
from registration.status_texts import expiry

SOON = timedelta(days=7)
"""So long before the end it is told again."""
NEWS = timedelta(days=7)
"""What expired longer ago is not told any more: a portal that begins to send mails begins with what is new."""


class Kind(TextChoices):
    CONFLICT = "conflict", _("two systems use the same key")
    SILENT = "silent", _("no update for two weeks")
    SOON = "soon", _("expires within a week")
    EXPIRED = "expired", _("expired")


@dataclass(frozen=True, slots=True)
class Reminder:
    """``occasion`` is the moment of the conflict or of the last update: another one is told of anew."""

    kind: Kind
    occasion: datetime


def reminder_of(
    *, in_conflict: bool, last_ok: datetime, conflict_at: datetime | None, now: datetime
) -> Reminder | None:
    """Of a registration that has not ended; ``None`` where there is nothing to tell. The latest stage alone counts."""
    occasion = conflict_at if in_conflict and conflict_at is not None else last_ok
    end = expiry(last_ok=last_ok, conflict_at=conflict_at if in_conflict else None)
    if now > end + NEWS:
        return None
    if now > end:
        return Reminder(Kind.EXPIRED, occasion)
    if now > end - SOON:
        return Reminder(Kind.SOON, occasion)
    if in_conflict:
        return Reminder(Kind.CONFLICT, occasion)
    return Reminder(Kind.SILENT, occasion) if now - last_ok > SILENCE else None


def told_from(now: datetime) -> datetime:
    """Who updated last before this has expired too long ago to be told of."""
    return now - SILENCE - GRACE - NEWS
