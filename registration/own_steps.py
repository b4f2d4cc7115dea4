"""What is kept of the own registration, one transaction a step; nothing here goes out.

Every step locks the one row and, when an answer comes in, looks whether the row is still the one that was asked for:
of two workers that sent the same update the later one changes nothing.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audit.actions import Action, Result
from audit.recording import record
from common.fields import DecryptionError
from registration.client_answers import Keys, NotPossible
from registration.models import OwnRegistration, OwnRegistrationEvent
from tickets.models import AnyUser

AGAIN = timedelta(hours=2)
"""So long after an update that got no usable answer the scheduler sends it again."""

State, Kind = OwnRegistration.State, OwnRegistrationEvent.Kind
RESULTS = {Kind.FAILED.value: Result.FAILED, Kind.REFUSED.value: Result.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldKeys:
    """Of a registration that a new one replaces; both empty where there is none, or its key cannot be read."""

    unique_id: str = ""
    api_key: str = field(default="", repr=False)
    is_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One update as it stands in the row: sent again and again, byte for byte, until an answer is kept."""

    unique_id: str
    api_key: str = field(repr=False)
    update_id: str
    attempt: str
    given: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What a good update brought; ``None`` is what the server did not name."""

    update_id: str
    next_update: timedelta
    system_type: str | None
    description: str | None
    unique_id: str | None = None
    api_key: str | None = field(default=None, repr=False)


def the_own() -> OwnRegistration:
    """The one row; an unsaved one before anything was ever sent."""
    return OwnRegistration.objects.filter(pk=OwnRegistration.ONLY).first() or OwnRegistration(pk=OwnRegistration.ONLY)


def old_keys(*, server: str) -> OldKeys:
    """What the server at this address knows this portal by. Keys of another server are not told to this one."""
    own = the_own()
    if own.state == State.NEVER or own.server != server:
        return OldKeys()
    try:
        return OldKeys(unique_id=own.unique_id, api_key=own.api_key, is_known=own.is_known)
    except DecryptionError:
        return OldKeys()


@transaction.atomic
def keep_keys(
    keys: Keys, *, server: str, system_type: str, description: str, now: datetime, user: AnyUser | None
) -> None:
    """Registered: everything is kept at once, and what was begun under earlier keys is dropped."""
    own = _locked()
    own.unique_id, own.api_key, own.update_id = keys.unique_id, keys.api_key, keys.update_id
    own.state, own.server, own.system_type, own.description = State.REGISTERED, server, system_type, description
    own.pending_attempt, own.pending_given, own.error, own.refused_at = "", {}, "", None
    own.last_ok, own.next_due = now, now + keys.next_update
    own.save()
    _note(own, Kind.REGISTERED, server, now=now, user=user)


@transaction.atomic
def begin_update(*, server: str, given: Mapping[str, str]) -> Attempt:
    """The update that waits for its answer, else a new one with ``given``, which is kept before it is sent.

    Raises ``NotPossible``.
    """
    own = _locked()
    _refuse_unknown(own, server)
    try:
        api_key = own.api_key
    except DecryptionError as error:
        raise NotPossible(str(error)) from error
    if not own.pending_attempt:
        own.pending_attempt, own.pending_given = secrets.token_hex(16), dict(given)
        own.save(update_fields=["pending_attempt", "pending_given"])
    return Attempt(
        unique_id=own.unique_id,
        api_key=api_key,
        update_id=own.update_id,
        attempt=own.pending_attempt,
        given=own.pending_given,
    )


@transaction.atomic
def keep_update(attempt: Attempt, updated: Updated, *, now: datetime, user: AnyUser | None) -> bool:
    """Keep the new id and let go of the attempt; ``False`` when somebody else has kept its answer already."""
    own = _locked()
    if not _waits_for(own, attempt):
        return False
    own.update_id, own.pending_attempt, own.pending_given = updated.update_id, "", {}
    own.unique_id, own.api_key = updated.unique_id or own.unique_id, updated.api_key or attempt.api_key
    if updated.system_type is not None:
        own.system_type = updated.system_type
    if updated.description is not None:
        own.description = updated.description
    own.state, own.error, own.refused_at = State.REGISTERED, "", None
    own.last_ok, own.next_due = now, now + updated.next_update
    own.save()
    _note(own, Kind.UPDATED, "", now=now, user=user)
    return True


@transaction.atomic
def renew_attempt(attempt: Attempt) -> None:
    """The server has seen this attempt before a later one: go on with a new one and the same id."""
    own = _locked()
    if _waits_for(own, attempt):
        own.pending_attempt = secrets.token_hex(16)
        own.save(update_fields=["pending_attempt"])


@transaction.atomic
def keep_refusal(attempt: Attempt, reason: str, *, now: datetime, user: AnyUser | None) -> bool:
    """The grace period begins with the first refusal; ``False`` when the row has gone on meanwhile."""
    own = _locked()
    if not _waits_for(own, attempt):
        return False
    own.state, own.error, own.next_due = State.REFUSED, reason, None
    own.refused_at = own.refused_at or now
    own.save(update_fields=["state", "error", "next_due", "refused_at"])
    _note(own, Kind.REFUSED, reason, now=now, user=user)
    return True


@transaction.atomic
def note_failure(
    sentence: str, *, now: datetime, user: AnyUser | None, refused: bool = False, attempt: Attempt | None = None
) -> None:
    """Keep the sentence for people to see; an update that waits is sent again after two hours.

    Of an ``attempt`` that somebody else has seen to meanwhile nothing is kept.
    """
    own = _locked()
    if attempt is not None and not _waits_for(own, attempt):
        return
    own.error = sentence
    if own.next_due is not None and own.pending_attempt:
        own.next_due = now + AGAIN
    own.save(update_fields=["error", "next_due"])
    _note(own, Kind.REFUSED if refused else Kind.FAILED, sentence, now=now, user=user)


@transaction.atomic
def keep_deregistration(unique_id: str, *, now: datetime, user: AnyUser | None) -> None:
    """Updates stop; the keys stay, since a later registration names them."""
    own = _locked()
    if own.unique_id != unique_id or not own.is_known:
        return
    own.state, own.next_due, own.refused_at, own.error = State.DEREGISTERED, None, None, ""
    own.pending_attempt, own.pending_given = "", {}
    own.save(update_fields=["state", "next_due", "refused_at", "error", "pending_attempt", "pending_given"])
    _note(own, Kind.DEREGISTERED, "", now=now, user=user)


def update_is_due(*, now: datetime) -> bool:
    """Whether the weekly update is to be sent, or one that got no usable answer is to be sent again."""
    return bool(settings.REGISTRATION_URL) and _due(now).exists()


def claim_due(*, now: datetime) -> bool:
    """The same; then it is due again in two hours, so that of two schedulers one sends it."""
    return bool(settings.REGISTRATION_URL) and _due(now).update(next_due=now + AGAIN) == 1


def refuse_unknown(*, server: str) -> OwnRegistration:
    """The row of a registered portal. Raises ``NotPossible``."""
    own = the_own()
    _refuse_unknown(own, server)
    return own


def _refuse_unknown(own: OwnRegistration, server: str) -> None:
    if not own.is_known:
        raise NotPossible(_("This portal is not registered, so nothing was sent. Register it first."))
    if own.server != server:
        raise NotPossible(
            _(
                "This portal is registered at %(server)s and not at the address that REGISTRATION_URL names now, so "
                "nothing was sent. Put the address back, or register the portal again."
            )
            % {"server": own.server}
        )


def _due(now: datetime) -> QuerySet[OwnRegistration]:
    return OwnRegistration.objects.filter(state=State.REGISTERED, next_due__lte=now)


def _waits_for(own: OwnRegistration, attempt: Attempt) -> bool:
    of_row = (own.unique_id, own.update_id, own.pending_attempt)
    return of_row == (attempt.unique_id, attempt.update_id, attempt.attempt)


def _locked() -> OwnRegistration:
    """The one row, locked until the transaction ends; made where there is none yet."""
    OwnRegistration.objects.bulk_create([OwnRegistration(pk=OwnRegistration.ONLY)], ignore_conflicts=True)
    return OwnRegistration.objects.select_for_update().get(pk=OwnRegistration.ONLY)


def _note(own: OwnRegistration, kind: str, text: str, *, now: datetime, user: AnyUser | None) -> None:
    user_id = user.pk if user is not None else None
    OwnRegistrationEvent.objects.create(own=own, kind=kind, at=now, user_id=user_id, text=text)
    result = RESULTS.get(str(kind), Result.DONE)
    record(Action.OWN_REGISTRATION, target=own, text=f"{kind} {text}".rstrip(), result=result, user=user, now=now)
