"""Updates and support data of registered systems. Everything here runs inside the transaction of the request."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registration.date_check import date_check
from registration.events import note
from registration.identifiers import UpdateId, keyed_hash, new_salt, read_update_id, write_update_id
from registration.models import RegisteredSystem, RegistrationEvent, SupportData
from registration.operations import Answer, Update
from registration.registering import next_due, seconds_until
from registration.rotation import JITTER, UPDATE_EVERY, Decision, Kind, Rotation, decide_update

State = RegisteredSystem.State
Event = RegistrationEvent.Kind
REASONS = {
    Kind.CONFLICT: "UpdateID does not match: two systems use this registration. Please register this system again.",
    Kind.STALE: "This update came late and a newer one was processed. Nothing was changed.",
}
REFUSALS = {
    State.CONFLICT: "Two systems use this registration. Please register this system again.",
    State.RETIRED: "This registration was replaced by a newer one. Please register this system again.",
    State.DEREGISTERED: "This system was deregistered. Please register it again.",
}
EVENTS = {
    Kind.ROTATED: Event.UPDATED,
    Kind.RESTORED: Event.RESTORED,
    Kind.FORKED: Event.FORKED,
    Kind.REPEATED: Event.REPEATED,
    Kind.STALE: Event.STALE,
    Kind.CONFLICT: Event.CONFLICT,
    Kind.REFUSED: Event.REFUSED,
}
SUSPICION = 2 * UPDATE_EVERY + JITTER
STALE = "stale"
"""Tells our own client, whatever its language, that a new attempt may be made with the same id."""
TELL_APART = ("fqdn", "os_type", "os_version")
"""Facts by which a repetition looks like one of another system."""


def update(system: RegisteredSystem, asked: Update, *, api_key: str, address: str | None, now: datetime) -> Answer:
    """``system`` is the one whose key was right; it is locked and read anew here."""
    row = RegisteredSystem.objects.select_for_update().get(pk=system.pk)
    before = rotation_of(row)
    shown = read_update_id(row.unique_id, asked.last_update_id)
    attempt = hashlib.sha256(asked.attempt.encode()).hexdigest() if asked.attempt else ""
    decision = decide_update(before, shown, attempt, now=now, salt=new_salt())
    facts = _differences(row, asked, address)
    if not decision.is_accepted:
        return _refuse(row, decision, facts, address=address, now=now)
    kind: RegistrationEvent.Kind = EVENTS[decision.kind]
    if decision.kind == Kind.REPEATED:
        kind = _repeat(row, before, facts, now=now)
    else:
        kind = _event_of_exchange(row, before, decision, now=now) or kind
        _exchange(row, decision, asked, api_key=api_key, address=address, now=now)
    note(row, kind, address=address, now=now, facts=facts)
    return Answer(
        data={
            "UpdateID": write_update_id(row.unique_id, decision.after.current),
            "Type": row.type,
            "Description": row.description,
            "NextUpdate": seconds_until(row.next_due_at, now),
        }
    )


def store_support_data(system: RegisteredSystem, content: list[Any], *, now: datetime) -> Answer:
    """The last support data; what was there before is gone."""
    row = RegisteredSystem.objects.select_for_update().get(pk=system.pk)
    if row.state != State.ACTIVE:
        return Answer(reason=REFUSALS[State(row.state)])
    SupportData.objects.bulk_create(
        [SupportData(system=row, content=content, received_at=now)],
        update_conflicts=True,
        unique_fields=["system"],
        update_fields=["content", "received_at"],
    )
    return Answer()


def rotation_of(row: RegisteredSystem) -> Rotation:
    """What the state machine has to know."""
    return Rotation(
        active=row.state == State.ACTIVE,
        uses_attempts=row.mode == RegisteredSystem.Mode.ATTEMPT,
        current=UpdateId(row.counter, row.salt),
        last=UpdateId(row.last_counter, row.last_salt) if row.last_counter is not None else None,
        last_attempt=row.last_attempt,
        rotated_at=row.rotated_at,
        accepted=tuple((mark, at) for mark, at in row.accepted),
    )


def _refuse(
    row: RegisteredSystem, decision: Decision, facts: dict[str, Any], *, address: str | None, now: datetime
) -> Answer:
    if decision.kind == Kind.CONFLICT:
        row.state, row.conflict_at = State.CONFLICT, now
        row.save(update_fields=["state", "conflict_at"])
    note(row, EVENTS[decision.kind], address=address, now=now, facts=facts)
    data = {"Code": STALE} if decision.kind == Kind.STALE else {}
    return Answer(data=data, reason=REASONS.get(decision.kind) or REFUSALS[State(row.state)])


def _repeat(
    row: RegisteredSystem, before: Rotation, facts: Mapping[str, Any], *, now: datetime
) -> RegistrationEvent.Kind:
    """The last answer again. A client without attempt ids gets another moment for its next update: two copies that
    report at the same time must not do so again."""
    if before.uses_attempts:
        return Event.REPEATED
    row.next_due_at = next_due(now, row.next_due_at)
    differs = any(name in facts for name in (*TELL_APART, "address"))
    row.suspected_at = now if differs else row.suspected_at
    row.save(update_fields=["next_due_at", "suspected_at"])
    return Event.DIFFERS if differs else Event.REPEATED


def _event_of_exchange(
    row: RegisteredSystem, before: Rotation, decision: Decision, *, now: datetime
) -> RegistrationEvent.Kind | None:
    """What is worth more than the word updated, and was not said by the decision itself."""
    if decision.kind != Kind.ROTATED:
        return None
    if date_check(last_ok=row.last_ok_at, conflict_at=None, now=now) is not None:
        return Event.BACK
    return Event.MODE if decision.after.uses_attempts and not before.uses_attempts else None


def _exchange(
    row: RegisteredSystem, decision: Decision, asked: Update, *, api_key: str, address: str | None, now: datetime
) -> None:
    after = decision.after
    row.mode = RegisteredSystem.Mode.ATTEMPT if after.uses_attempts else RegisteredSystem.Mode.COMPAT
    row.counter, row.salt = after.current.counter, after.current.salt
    row.last_counter = after.last.counter if after.last else None
    row.last_salt = after.last.salt if after.last else ""
    row.last_attempt, row.rotated_at = after.last_attempt, after.rotated_at
    row.accepted = [list(mark) for mark in after.accepted]
    row.key_hash = keyed_hash("api key", api_key)  # with the newest key, should it have been made with an older one
    row.last_ok_at, row.next_due_at = now, next_due(now)
    row.suspected_at = now if decision.kind == Kind.FORKED else _still_suspected(row, now)
    row.address = address
    for name, value in asked.facts.items():
        setattr(row, name, value)
    row.reported_type = row.reported_type if asked.type is None else asked.type
    row.reported_description = row.reported_description if asked.description is None else asked.description
    if asked.sends_support_data is not None:
        row.sends_support_data = asked.sends_support_data
    row.save()


def _still_suspected(row: RegisteredSystem, now: datetime) -> datetime | None:
    """A copy would have reported meanwhile and be found."""
    return row.suspected_at if row.suspected_at and now - row.suspected_at <= SUSPICION else None


def _differences(row: RegisteredSystem, asked: Update, address: str | None) -> dict[str, Any]:
    """What came and is not as before, by field: before and now."""
    came: dict[str, str | None] = {**asked.facts, "address": address}
    if asked.type is not None:
        came["reported_type"] = asked.type
    return {name: [getattr(row, name), value] for name, value in came.items() if getattr(row, name) != value}
