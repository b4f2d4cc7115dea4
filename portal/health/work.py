"""Who works in the background: the workers of both queues, and the scheduler."""

from datetime import datetime, timedelta

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from portal.health.findings import Finding, State
from portal.signs import BEAT, latest_signs

LATE, TOO_LATE = timedelta(minutes=3), timedelta(minutes=5)


def check_work(*, now: datetime) -> list[Finding]:
    """Needs a database that answers."""
    signs = latest_signs()
    beat = signs.pop(BEAT)
    return [_of_queue(queue, at, now=now) for queue, at in signs.items()] + [_of_scheduler(beat, now=now)]


def _of_queue(queue: str, at: datetime | None, *, now: datetime) -> Finding:
    state = _state(at, now=now)
    meanings = {
        "network": _("Reads the ticket systems, sends absences and mails."),
        "ledger": _("Bills, and plans what is due."),
    }
    return Finding(
        name="worker",
        about=queue,
        label=_("Worker of the queue %(queue)s") % {"queue": queue},
        state=state,
        text=_seen(at, now=now),
        meaning=meanings.get(queue, ""),
        advice=""
        if state == State.GOOD
        else _("Look whether the worker runs (service worker-%(queue)s), then at its log. Restarting it loses nothing.")
        % {"queue": queue},
    )


def _of_scheduler(at: datetime | None, *, now: datetime) -> Finding:
    state = _state(at, now=now)
    return Finding(
        name="beat",
        label=_("Scheduler"),
        state=state,
        text=_seen(at, now=now),
        meaning=_("Starts what is due: readings at night, billing runs, mails. What it missed is caught up."),
        advice=""
        if state == State.GOOD
        else _("Look whether the scheduler runs (service beat), then at its log. Restarting it loses nothing."),
    )


def _state(at: datetime | None, *, now: datetime) -> State:
    if at is None or now - at > TOO_LATE:
        return State.BAD
    return State.WARN if now - at > LATE else State.GOOD


def _seen(at: datetime | None, *, now: datetime) -> str:
    if at is None:
        return _("Never seen at work.")
    if now - at <= LATE:
        return _("Seen at work within the last minutes.")
    return _("Last seen at work %(age)s ago.") % {"age": timesince(at, now)}
