"""Sends what was confirmed, in portions, and writes down what became of each row.

The ticket system answers a portion as a whole and confirms no row. So a row is ``SENT`` when its portion was taken;
``REFUSED`` when it certainly was not; ``UNKNOWN`` when no answer came, which is never repeated without a person.
After a failure the portions that are left stay unsent: what stopped one would stop the next.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from common import jobs
from common.fields import DecryptionError
from common.jobs import Job, JobStopped, LeaseLost
from generic_interface.absences import Absence, AddressedBy
from generic_interface.client import Client
from generic_interface.errors import InterfaceError
from outofoffice.models import KnownAbsence, Sending, Upload, UploadEvent, UploadRow
from outofoffice.reading_back import ReadBack, differing, is_stored_as_sent, logins_of
from outofoffice.uploads import log
from tickets.connect import open_client, open_read_back
from tickets.models import Agent, TicketSystem
from tickets.queries import lock_system

Outcome, Certainty = UploadRow.Outcome, KnownAbsence.Certainty
TAKEN = (Outcome.SENT, Outcome.CONFIRMED)
PORTION = 250
"""Rows of one request. A thousand took a loaded server 14 s, and the client waits 60 s; at most 80 kB of 1 MB."""

OnStep = Callable[[str, int, int], object]


class SendingBusy(Exception):
    """Somebody else works on it, on another one of this ticket system, or it is over."""


def run_sending(
    sending: Sending,
    *,
    clock: Callable[[], datetime] = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
    make_read_back: Callable[[TicketSystem], ReadBack | None] = open_read_back,
    on_progress: OnStep | None = None,
) -> Sending:
    """Send the waiting rows of the upload. ``DONE``: all were taken; ``PARTLY``: some; ``FAILED``: none.

    A person may stop it between two portions; what is left then stays unsent.
    What was taken is read back where the ticket system tells it; where that fails, the rows stay sent.
    Raises ``SendingBusy`` when it is not free, and ``LeaseLost`` when another worker took it over meanwhile.
    """
    _claim(sending, now=clock())
    upload = Upload.objects.select_related("system").defer("content").get(pk=sending.upload_id)
    work = _Work(sending, upload, clock, on_progress)
    work.settle_interrupted()
    try:
        with make_client(upload.system) as client:
            work.open_read_back(make_read_back)
            work.send_all(client)
    except (InterfaceError, DecryptionError, JobStopped) as error:  # before the first portion, or between two
        work.error = str(error)
    except KeyboardInterrupt:
        work.error = _("Interrupted.")
        work.settle_interrupted()
        with suppress(LeaseLost):
            work.close()
        raise
    finally:
        work.close_read_back()
    work.close()
    return sending


def next_waiting(system: int) -> int | None:
    """The oldest sending of the ticket system that waits."""
    waiting = Sending.objects.filter(system=system, state=Job.State.QUEUED)
    return waiting.values_list("pk", flat=True).first()


def portions(rows: Sequence[UploadRow]) -> Iterator[list[UploadRow]]:
    """At most ``PORTION`` rows each, and in each all agents named the same way: an address would win over a login."""
    for _by, group in groupby(sorted(rows, key=lambda row: (row.addressed_by, row.position)), _addressed_by):
        same = list(group)
        for start in range(0, len(same), PORTION):
            yield same[start : start + PORTION]


def _addressed_by(row: UploadRow) -> str:
    return row.addressed_by


def _claim(sending: Sending, *, now: datetime) -> None:
    """One at a time for a ticket system: what was sent last is what the portal then knows."""
    with transaction.atomic():
        lock_system(sending.system_id)
        others = Sending.objects.filter(system=sending.system_id, state=Job.State.RUNNING, lease_until__gte=now)
        if others.exclude(pk=sending.pk).exists():
            raise SendingBusy(_("Another upload is being sent to this ticket system; this one follows."))
        if not jobs.claim(sending, now=now):
            raise SendingBusy(_("This upload is being sent by another process, or its sending is over."))


class _Work:
    """One go at the rows of an upload."""

    def __init__(
        self,
        sending: Sending,
        upload: Upload,
        clock: Callable[[], datetime],
        on_progress: OnStep | None,
    ) -> None:
        self.sending = sending
        self.upload = upload
        self.clock = clock
        self.read_back: ReadBack | None = None
        self.on_progress = on_progress
        self.error = ""
        self.unread = ""
        self.progress = (0, 0)

    def open_read_back(self, make: Callable[[TicketSystem], ReadBack | None]) -> None:
        """Not being able to read back keeps nothing from being sent."""
        try:
            self.read_back = make(self.upload.system)
        except (InterfaceError, DecryptionError) as error:
            self.unread = str(error)
            return
        if self.read_back is not None:
            self.read_back.on_request = self._renew

    def close_read_back(self) -> None:
        if self.read_back is not None:
            self.read_back.close()
            self.read_back = None

    def settle_interrupted(self) -> None:
        """A worker that died had sent these, or not."""
        text = _("The sending was interrupted before an answer came.")
        self.upload.rows.filter(outcome=Outcome.SENDING).update(outcome=Outcome.UNKNOWN, outcome_text=text)

    def send_all(self, client: Client) -> None:
        rows = list(self._waiting())
        client.on_request = self._renew
        done = 0
        for portion in portions(rows):
            jobs.refuse_stopped(self.sending)
            self._tell(done, len(rows))
            current = self._leave_out_superseded(portion)
            if current and not self._send(client, current):
                return
            done += len(portion)
        self._tell(done, len(rows))

    def close(self) -> None:
        """What was not reached stays unsent, with the reason; the job says how it ended."""
        left = self._waiting()
        if self.error:
            left.update(outcome=Outcome.NOT_SENT, outcome_text=self.error)
        good = self.upload.rows.exclude(effect=UploadRow.Effect.ERROR)
        taken = good.filter(outcome__in=TAKEN).count()
        missing = good.count() - taken
        state = Job.State.DONE if not missing else Job.State.PARTLY if taken else Job.State.FAILED
        now = self.clock()
        jobs.finish(self.sending, state=state, complete=not missing, error=self.error, now=now)
        text = _("%(taken)d rows sent, %(missing)d not sent or unknown.") % {"taken": taken, "missing": missing}
        unread = _("What is stored could not be read back: %(reason)s") % {"reason": self.unread} if self.unread else ""
        said = " ".join(filter(None, (text, self.error, unread)))
        log(self.upload, UploadEvent.Kind.SENT, user=None, now=now, text=said)

    def _waiting(self) -> QuerySet[UploadRow]:
        return self.upload.rows.filter(outcome=Outcome.WAITING)

    def _tell(self, done: int, total: int) -> None:
        self.progress = (done, total)
        self._renew()
        if self.on_progress is not None:
            self.on_progress(_("Sending absences"), done, total)

    def _renew(self) -> None:
        """Between two requests lies less than a lease."""
        done, total = self.progress
        jobs.report(self.sending, step=_("Sending absences"), done=done, total=total, now=self.clock())

    def _leave_out_superseded(self, portion: list[UploadRow]) -> list[UploadRow]:
        """Of agents of whom a later upload was sent meanwhile, the later one counts."""
        later = KnownAbsence.objects.filter(
            agent__in=[row.agent_id for row in portion], row__upload__confirmed_at__gt=self.upload.confirmed_at
        )
        agents = set(later.values_list("agent", flat=True))
        superseded = [row for row in portion if row.agent_id in agents]
        if superseded:
            text = _("A later upload was sent for this agent.")
            _write(superseded, outcome=Outcome.NOT_SENT, outcome_text=text)
        return [row for row in portion if row.agent_id not in agents]

    def _send(self, client: Client, portion: list[UploadRow]) -> bool:
        """Whether the portion was taken."""
        _write(portion, outcome=Outcome.SENDING, outcome_text="", sent_at=self.clock())
        try:
            client.set_out_of_office([_absence(row) for row in portion], by=AddressedBy(portion[0].addressed_by))
        except InterfaceError as error:
            self.error = str(error)
            with transaction.atomic():
                outcome = Outcome.UNKNOWN if error.maybe_done else Outcome.REFUSED
                _write(portion, outcome=outcome, outcome_text=self.error)
                if error.maybe_done:
                    _remember(portion, Certainty.UNKNOWN, now=self.clock())
            return False
        with transaction.atomic():
            _write(portion, outcome=Outcome.SENT, outcome_text="")
            _remember(portion, Certainty.SENT, now=self.clock())
        if self.read_back is not None:
            self._compare(self.read_back, portion)
        return True

    def _compare(self, read_back: ReadBack, portion: list[UploadRow]) -> None:
        """What cannot be read back stays sent and not confirmed; after a failure nothing more is asked."""
        logins = logins_of(portion)
        try:
            stored = read_back.stored_absences(sorted(set(logins.values())))
        except InterfaceError as error:
            self.unread = str(error)
            self.close_read_back()
            return
        read = [(row, stored[logins[row.pk]]) for row in portion if row.pk in logins]
        equal = [row for row, found in read if is_stored_as_sent(found, row)]
        with transaction.atomic():
            _write(equal, outcome=Outcome.CONFIRMED)
            _remember(equal, Certainty.CONFIRMED, now=self.clock())
            for text, rows in differing(read).items():
                _write(rows, outcome=Outcome.DIFFERS, outcome_text=text)
                _remember(rows, Certainty.UNKNOWN, now=self.clock())


def _absence(row: UploadRow) -> Absence:
    if row.start is None or row.end is None:
        raise ValueError("A row without its days cannot be sent; the database keeps such rows from waiting.")
    return Absence(user=row.user, start=row.start, end=row.end, enabled=bool(row.enabled))


def _write(rows: Sequence[UploadRow], **values: object) -> None:
    UploadRow.objects.filter(pk__in=[row.pk for row in rows]).update(**values)


def _remember(rows: Sequence[UploadRow], certainty: str, *, now: datetime) -> None:
    """What the ticket system was told last; agents that are gone from the list meanwhile are left out."""
    present = set(Agent.objects.filter(pk__in=[row.agent_id for row in rows]).values_list("pk", flat=True))
    known = [
        KnownAbsence(
            agent_id=row.agent_id,
            row=row,
            enabled=absence.enabled,
            start=absence.start,
            end=absence.end,
            certainty=certainty,
            known_at=now,
        )
        for row, absence in ((row, _absence(row)) for row in rows)
        if row.agent_id in present
    ]
    KnownAbsence.objects.bulk_create(
        known,
        update_conflicts=True,
        unique_fields=["agent"],
        update_fields=["row", "enabled", "start", "end", "certainty", "known_at"],
    )
