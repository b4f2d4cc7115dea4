"""Whether the audit log is being sealed, and is kept by its triggers. The whole chain is for ``verify_audit_log``."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Min
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from audit import guards
from audit.models import AuditHead, AuditRow
from portal.health.findings import Finding, State

LATE, TOO_LATE = timedelta(minutes=5), timedelta(minutes=15)


def waiting_since() -> datetime | None:
    """When the oldest row that is not sealed was written."""
    oldest: datetime | None = AuditRow.objects.filter(position=None).order_by().aggregate(at=Min("at"))["at"]
    return oldest


def check_audit_log(*, now: datetime) -> Finding:
    """Needs a database that answers."""
    missing, oldest = guards.missing(connection), waiting_since()
    head = AuditHead.objects.first() or AuditHead(position=0)
    state, advice = State.GOOD, ""
    text = _("Sealed up to position %(position)d.") % {"position": head.position}
    if oldest is not None and now - oldest > LATE:
        state = State.BAD if now - oldest > TOO_LATE else State.WARN
        text = _("A row waits for its seal since %(age)s.") % {"age": timesince(oldest, now)}
        advice = _("See that the scheduler and the workers run, then run manage.py verify_audit_log --seal.")
    if _end_is_missing(head):
        state, advice = State.BAD, _("Run manage.py verify_audit_log and keep what it says; compare with a backup.")
        text = _("The newest sealed rows are missing.")
    if missing:
        state, advice = State.BAD, _("Run manage.py migrate, which puts them back, then manage.py verify_audit_log.")
        text = _("Triggers that keep the audit log are missing: %(names)s.") % {"names": ", ".join(missing)}
    meaning = _("Who did what and when; each row is sealed, so that a change would be found.")
    return Finding(name="audit_log", label=_("Audit log"), state=state, text=text, meaning=meaning, advice=advice)


def _end_is_missing(head: AuditHead) -> bool:
    sealed = AuditRow.objects.filter(position=head.position, seal=head.seal)
    return bool(head.position) and not sealed.exists()
