"""What becomes of an update: the state machine of the rotating ids, without database, clock or randomness.

A system shows the id that it got last and is given a new one. A client that sends an attempt id with it, stored before
it is sent, can be told apart from its copy whatever the network does: the same id with the same attempt is the same
request once more, the same id with another attempt is somebody else. The client of OTRS sends none. For it, the id
exchanged last is taken as a repetition for 15 minutes (three tries of 60 seconds and a slow server, with margin), and
after that as a lost answer: a fresh id is given and the one in between is void, so that of two copies the overtaken one
is found with its next update. No id is ever a reason to shut anything off: a conflict asks for a new registration.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from registration.identifiers import UpdateId

REPLAY_WINDOW = timedelta(minutes=15)
REMEMBERED = 64
"""Exchanges that a late packet is recognised by."""

GAP_REMEMBERED = timedelta(days=1)
UPDATE_EVERY = timedelta(days=7)
JITTER = timedelta(hours=6)
"""Each next update is set up to so much earlier or later: copies that report in turn would else stay in one replay
window for ever and never be found."""

APART = timedelta(hours=2)
"""So far from each other are the next updates of who got an id and of who got the same one as a repetition. More than
the window, and more than the hour in which the scheduler of OTRS looks at what is due."""


class Kind(StrEnum):
    ROTATED = "rotated"
    RESTORED = "restored"
    FORKED = "forked"
    REPEATED = "repeated"
    STALE = "stale"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What the server knows of a system's ids. ``last`` was exchanged for ``current``.

    ``accepted`` holds a mark of each exchange with its second, oldest first, and of each gap that a restored database
    left: of ids that were given out and exchanged, and the portal no longer knows by whom.
    """

    active: bool
    uses_attempts: bool
    current: UpdateId
    last: UpdateId | None = None
    last_attempt: str = ""
    rotated_at: datetime | None = None
    accepted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``after`` is what to store; the id in it is the one to answer with, unless the update is refused."""

    kind: Kind
    after: Rotation

    @property
    def is_accepted(self) -> bool:
        return self.kind in (Kind.ROTATED, Kind.RESTORED, Kind.FORKED, Kind.REPEATED)


def next_update(now: datetime, share: float, other: datetime | None = None) -> datetime:
    """A week from now and ``share`` (-1 to 1) of the jitter, and not near ``other``."""
    due = now + UPDATE_EVERY + JITTER * share
    if other is None or abs(due - other) >= APART:
        return due
    return other + APART if due >= other else other - APART


def decide_update(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    """The API key was right. ``shown`` is the id that came, ``None`` when the portal never gave it to this system;
    ``attempt`` is empty when none came; ``salt`` is for a new id."""
    if not before.active:
        return Decision(kind=Kind.REFUSED, after=before)
    kind = Kind.CONFLICT if shown is None else _kind(before, shown, attempt, now=now)
    if kind in (Kind.ROTATED, Kind.RESTORED, Kind.FORKED) and shown is not None:
        return Decision(kind=kind, after=_exchange(before, shown, attempt, now=now, salt=salt))
    return Decision(kind=kind, after=replace(before, active=kind != Kind.CONFLICT))


def _kind(before: Rotation, shown: UpdateId, attempt: str, *, now: datetime) -> Kind:
    if shown == before.current:
        return Kind.ROTATED
    if shown.counter >= before.current.counter:  # given out, and later than all that is known
        return Kind.RESTORED
    if shown == before.last:
        if attempt and attempt == before.last_attempt:
            return Kind.REPEATED
        if not before.uses_attempts:
            repeats = not attempt and before.rotated_at is not None and now - before.rotated_at <= REPLAY_WINDOW
            return Kind.REPEATED if repeats else Kind.FORKED
    return Kind.STALE if _was_accepted(before, shown, attempt, now=now) else Kind.CONFLICT


def _was_accepted(before: Rotation, shown: UpdateId, attempt: str, *, now: datetime) -> bool:
    """Without an attempt id, and in a gap, only for as long as a packet may be late: later it would be a copy's."""
    mark, second = _mark(shown, attempt), int(now.timestamp())
    since = 0 if attempt else second - int(REPLAY_WINDOW.total_seconds())
    since_gap = second - int(GAP_REMEMBERED.total_seconds())
    return any(
        (known == mark and at >= since) or (_is_gap_around(known, shown) and at >= since_gap)
        for known, at in before.accepted
    )


def _exchange(before: Rotation, shown: UpdateId, attempt: str, *, now: datetime, salt: str) -> Rotation:
    second = int(now.timestamp())
    accepted = (*before.accepted, (_mark(shown, attempt), second))
    if shown not in (before.current, before.last):
        accepted = (*accepted, (f"{before.current.counter}-{shown.counter}", second))
    return replace(
        before,
        uses_attempts=before.uses_attempts or bool(attempt),
        current=UpdateId(max(before.current.counter, shown.counter) + 1, salt),
        last=shown,
        last_attempt=attempt,
        rotated_at=now,
        accepted=accepted[-REMEMBERED:],
    )


def _mark(shown: UpdateId, attempt: str) -> str:
    return hashlib.sha256(f"{shown.counter}.{shown.salt}.{attempt}".encode()).hexdigest()[:24]


def _is_gap_around(mark: str, shown: UpdateId) -> bool:
    """Whether the mark is ``low-high`` and the id between them, ``high`` not included."""
    low, dash, high = mark.partition("-")
    return bool(dash) and int(low) <= shown.counter < int(high)
