"""Uploads, texts for the ticket systems, registrations, mails and agents that wait for somebody."""

from datetime import datetime

from django.contrib.auth.models import PermissionsMixin
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.months import Month
from outofoffice.queries import not_sent
from outofoffice.rights import may_upload
from portal.mails import failed_mails, may_see_mails
from portal.reports.without_time import agents_without_time
from portal.worklist.lines import Line, page
from registration.listing import attention_of
from registration.status_texts import LABELS
from tickets.models import AnyUser, sees_all_customers
from tickets.outbox import items_visible_to, needing_a_person
from tickets.outbox_models import OutboxItem


def uploads_line(*, user: AnyUser, now: datetime) -> Line | None:
    """Absences that were uploaded and did not all reach the ticket system."""
    count = not_sent(now=now).count() if isinstance(user, PermissionsMixin) and may_upload(user) else 0
    if not count:
        return None
    title = _("Uploads of absences that are not sent")
    return Line(key="uploads", title=title, url=page("outofoffice:index", shown="not_sent"), count=count)


def outbox_line(*, user: AnyUser) -> Line | None:
    """Notes, tickets and mails of the own customers of which a person has to say what becomes of them."""
    found = list(needing_a_person(items_visible_to(user)).order_by().values_list("outcome", flat=True))
    if not found:
        return None
    doubtful = sum(outcome in (OutboxItem.Outcome.SENDING, OutboxItem.Outcome.UNKNOWN) for outcome in found)
    text = ngettext("%(count)d of them may have been written", "%(count)d of them may have been written", doubtful)
    return Line(
        key="outbox",
        title=_("Notes, tickets and mails that were not written, or perhaps not"),
        url=page("tickets:outbox"),
        count=len(found),
        details=(text % {"count": doubtful},) if doubtful else (),
    )


def registrations_line(*, user: AnyUser, now: datetime) -> Line | None:
    """Registered systems in conflict, overdue or expired."""
    counts = attention_of(user, now=now)
    if not counts:
        return None
    return Line(
        key="registrations",
        title=_("Registrations that need attention"),
        url=page("registration:systems", state="attention"),
        count=sum(counts.values()),
        details=tuple(f"{LABELS[status]}: {count}" for status, count in counts.items()),
    )


def mails_line(*, user: AnyUser, now: datetime) -> Line | None:
    """Mails of the last weeks that were not sent, or perhaps not; for administrators."""
    count = len(failed_mails(now=now)) if may_see_mails(user) else 0
    if not count:
        return None
    return Line(key="mails", title=_("Mails that failed"), url=page("mails"), count=count)


def agents_line(month: Month, *, user: AnyUser) -> Line | None:
    """Agents who booked of late, and nothing in the running month; for those who see all time."""
    count = len(agents_without_time(month)) if sees_all_customers(user) else 0
    if not count:
        return None
    return Line(
        key="agents",
        title=_("Agents without time this month"),
        url=page("reports:without_time", period=month),
        count=count,
        needs_you=False,
    )
