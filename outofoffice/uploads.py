"""From a file to a confirmed upload: looked at first, sent only when a person has seen what would happen."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import SuspiciousFileOperation
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import record
from common.jobs import Job, ask_to_stop
from outofoffice.checks import CheckedFile, CheckedRow, check_file
from outofoffice.files import clearing
from outofoffice.models import KnownAbsence, Sending, Upload, UploadEvent, UploadRow
from outofoffice.parsing import CellFault, FileFault
from tickets.models import AnyUser, TicketSystem

Effect, Outcome = UploadRow.Effect, UploadRow.Outcome
OPEN = (Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.DIFFERS)
"""Outcomes after which a good row can be sent again on purpose."""
MAYBE_STORED = (Outcome.SENT, Outcome.CONFIRMED, Outcome.DIFFERS, Outcome.UNKNOWN)
CHUNK = 1000
ACTIONS = {
    UploadEvent.Kind.UPLOADED.value: Action.UPLOADED,
    UploadEvent.Kind.CHANGED.value: Action.UPLOAD_CHANGED,
    UploadEvent.Kind.CONFIRMED.value: Action.UPLOAD_CONFIRMED,
    UploadEvent.Kind.REPEATED.value: Action.UPLOAD_REPEATED,
    UploadEvent.Kind.SENT.value: Action.UPLOAD_ENDED,
    UploadEvent.Kind.CLEARING.value: Action.UPLOAD_CLEARED,
    UploadEvent.Kind.STOPPED.value: Action.UPLOAD_STOPPED,
}


class FileRefused(Exception):
    """The file as a whole cannot be taken; nothing of it was kept. ``faults`` say why and where."""

    def __init__(self, faults: tuple[FileFault, ...]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


class NotPossible(Exception):
    """The upload is not in the state for this; the text says so to a person."""


class LookAgain(NotPossible):
    """What would happen is not what the person has seen; nothing was sent."""


def upload_file(
    *, system: TicketSystem, data: bytes, file_name: str, user: AnyUser | None = None, now: datetime
) -> Upload:
    """Check a file and keep it with all its rows, ready to be confirmed. Raises ``FileRefused``."""
    checked = check_file(system=system, data=data, now=now)
    if checked.faults:
        raise FileRefused(checked.faults)
    upload = Upload(system=system, kind=Upload.Kind.FILE, file_name=_short_name(file_name), content=data)
    return _store(upload, checked, user=user, now=now)


def plan_clearing(*, upload: Upload, user: AnyUser | None = None, now: datetime) -> Upload:
    """An upload that switches off what this one has switched on, to be looked at and confirmed like any other.

    Agents of whom a later upload was sent are left out: their absence is not this upload's any more. Raises
    ``NotPossible`` where nothing is left.
    """
    switched_on = upload.rows.filter(outcome__in=MAYBE_STORED, enabled=True)
    latest = set(KnownAbsence.objects.filter(row__upload=upload).values_list("row", flat=True))
    mine = [row for row in switched_on if row.pk in latest]
    others = [row for row in switched_on if row.pk not in latest]
    if not mine:
        raise NotPossible(_("Nothing of this upload is left to be cleared."))
    content = clearing(
        mine, [_("left out, a later upload was sent for: %(agent)s") % {"agent": row.user} for row in others]
    )
    checked = check_file(system=upload.system, data=content, now=now)
    name = f"{_('clear')}-{upload.file_name.rpartition('.')[0] or upload.file_name}.csv"
    cleared = Upload(
        system=upload.system, kind=Upload.Kind.CLEARING, clears=upload, file_name=_short_name(name), content=content
    )
    with transaction.atomic():
        stored = _store(cleared, checked, user=user, now=now)
        words = {"agents": len(mine), "others": len(others)}
        text = _("%(agents)d agents; %(others)d are left out because a later upload was sent for them.") % words
        log(upload, UploadEvent.Kind.CLEARING, user=user, now=now, text=text)
    return stored


def confirm(*, upload: Upload, seen: str, user: AnyUser | None = None, now: datetime) -> Sending:
    """Queue the good rows for sending, once. ``seen`` is the fingerprint of what the person has looked at.

    The file is checked again: agents leave, and absences are sent meanwhile. Raises ``LookAgain`` where the result is
    another one, which then is stored, and ``NotPossible`` where there is nothing to do.
    """
    with transaction.atomic():
        locked = _lock(upload)
        if locked.is_confirmed:
            raise NotPossible(_("This upload was confirmed already; it is sent once."))
        checked = check_file(system=locked.system, data=bytes(locked.content), now=now)
        sending = None
        if checked.fingerprint != seen:
            _replace_rows(locked, checked)
            log(locked, UploadEvent.Kind.CHANGED, user=user, now=now)
        elif checked.good:
            sending = _queue(locked, locked.rows.exclude(effect=Effect.ERROR), user=user)
            locked.state, locked.confirmed_at = Upload.State.CONFIRMED, now
            locked.save(update_fields=["state", "confirmed_at"])
            log(locked, UploadEvent.Kind.CONFIRMED, user=user, now=now, text=_good_rows(checked.good))
    if checked.fingerprint != seen:
        raise LookAgain(
            _("The list of agents or what was sent has changed since you looked. Nothing was sent; look again.")
        )
    if sending is None:
        raise NotPossible(_("No row of this file can be sent."))
    return sending


def send_again(*, upload: Upload, user: AnyUser | None = None, now: datetime) -> Sending:
    """Queue the good rows that were refused, not sent, or of which it is not known. Doing so twice does no harm."""
    with transaction.atomic():
        locked = _lock(upload)
        if not locked.is_confirmed:
            raise NotPossible(_("This upload was not confirmed yet."))
        if locked.sendings.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING)).exists():
            raise NotPossible(_("This upload is being sent at the moment."))
        rows = open_rows(locked)
        count = rows.count()
        if not count:
            raise NotPossible(_("Every row of this upload that can be sent was sent."))
        sending = _queue(locked, rows, user=user)
        log(locked, UploadEvent.Kind.REPEATED, user=user, now=now, text=_good_rows(count))
    return sending


def stop_sending(*, upload: Upload, user: AnyUser | None = None, now: datetime) -> Sending:
    """Stop the sending that is on its way: at once where it waits, else after the portion that is being sent.

    What is left stays unsent and can be sent again. Raises ``NotPossible`` when nothing is on its way.
    """
    with transaction.atomic():
        locked = _lock(upload)
        sending = locked.sendings.last()
        if sending is None or not ask_to_stop(sending, user=user, now=now):
            raise NotPossible(_("Nothing of this upload is being sent any more."))
        if not sending.is_active:
            locked.rows.filter(outcome=Outcome.WAITING).update(outcome=Outcome.NOT_SENT, outcome_text=sending.error)
        log(locked, UploadEvent.Kind.STOPPED, user=user, now=now)
    return sending


def open_rows(upload: Upload) -> QuerySet[UploadRow]:
    """The good rows that can be sent again on purpose."""
    return upload.rows.exclude(effect=Effect.ERROR).filter(outcome__in=OPEN)


def same_content(upload: Upload) -> Upload | None:
    """An earlier upload of the very same bytes to this ticket system that was confirmed."""
    same = Upload.objects.filter(system=upload.system_id, sha256=upload.sha256, state=Upload.State.CONFIRMED)
    return same.filter(pk__lt=upload.pk).defer("content").first()


def log(upload: Upload, kind: str, *, user: AnyUser | None, now: datetime, text: str = "") -> None:
    """Add a line to the upload's own log, and to that of the portal."""
    UploadEvent.objects.create(upload=upload, kind=kind, at=now, user_id=_key(user), text=text)
    record(ACTIONS[str(kind)], target=upload, text=text, user=user, now=now)


def _store(upload: Upload, checked: CheckedFile, *, user: AnyUser | None, now: datetime) -> Upload:
    upload.sha256 = hashlib.sha256(bytes(upload.content)).hexdigest()
    upload.header, upload.columns = _storable_all(checked.header), list(checked.columns)
    upload.fingerprint = checked.fingerprint
    upload.uploaded_by_id, upload.uploaded_at = _key(user), now
    with transaction.atomic():
        upload.save()
        UploadRow.objects.bulk_create(_rows(upload, checked.rows), batch_size=CHUNK)
        log(upload, UploadEvent.Kind.UPLOADED, user=user, now=now)
    return upload


def _replace_rows(upload: Upload, checked: CheckedFile) -> None:
    upload.rows.all().delete()
    UploadRow.objects.bulk_create(_rows(upload, checked.rows), batch_size=CHUNK)
    upload.fingerprint = checked.fingerprint
    upload.save(update_fields=["fingerprint"])


def _rows(upload: Upload, rows: Iterable[CheckedRow]) -> list[UploadRow]:
    return [
        UploadRow(
            upload=upload,
            position=position,
            line=row.source.line,
            cells=_storable_all(row.source.cells),
            problems=_as_json(row.faults),
            notes=_as_json(row.notes),
            effect=row.effect,
            agent_id=row.agent,
            user=row.user,
            addressed_by=row.addressed_by,
            enabled=row.enabled,
            start=row.start,
            end=row.end,
        )
        for position, row in enumerate(rows, start=1)
    ]


def _as_json(faults: Iterable[CellFault]) -> list[dict[str, str]]:
    return [{"column": fault.column, "text": fault.text} for fault in faults]


def _storable_all(cells: Iterable[str]) -> list[str]:
    """The cells as they are shown: cut where they are too long for any page."""
    return [cell[:500] for cell in cells]


def _queue(upload: Upload, rows: QuerySet[UploadRow], *, user: AnyUser | None) -> Sending:
    rows.update(outcome=Outcome.WAITING, outcome_text="")
    return Sending.objects.create(upload=upload, system=upload.system, started_by_id=_key(user))


def _lock(upload: Upload) -> Upload:
    """Nobody else confirms it or has it sent again until the transaction ends; ``NotPossible`` where nobody may."""
    list(Upload.objects.select_for_update(no_key=True).filter(pk=upload.pk).values_list("pk"))
    locked = Upload.objects.select_related("system").get(pk=upload.pk)
    if not locked.system.active:
        raise NotPossible(
            _("The ticket system “%(system)s” is switched off in the set-up.") % {"system": locked.system}
        )
    return locked


def _good_rows(count: int) -> str:
    return _("%(count)d rows") % {"count": count}


def _key(user: AnyUser | None) -> int | None:
    return user.pk if user is not None else None


def _short_name(name: str) -> str:
    """As a name that any system takes; empty or senseless ones get a plain one."""
    try:
        return get_valid_filename(name.replace("\0", ""))[-200:]
    except SuspiciousFileOperation:
        return "upload.csv"
