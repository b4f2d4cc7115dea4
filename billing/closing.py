"""Closing a month: no run drafts or changes its orders until somebody re-opens it and says why."""

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.actions import Action
from audit.recording import record
from billing.closed_months import closed_month
from billing.models import BillingRun, ClosedMonth, Order
from billing.orders import OrdersRefused
from billing.queries import Reason, left_out
from common.jobs import Job
from common.months import Month
from common.templatetags.formats import number
from tickets.models import AnyUser

UNFINISHED = (Order.State.DRAFT, Order.State.APPROVED)


@transaction.atomic
def close_month(month: Month, *, user: AnyUser | None, now: datetime) -> ClosedMonth:
    """Close the month; twice changes nothing.

    Raises ``OrdersRefused`` while an order waits that bills anything, a run is on its way, or time that can be billed
    stands in no order, as that of a void one does until the next run.
    """
    _let_no_run_begin()
    runs = BillingRun.objects.filter(month=month.first_day, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    if closed := closed_month(month):
        return closed
    unfinished = Order.objects.filter(month=month.first_day, state__in=UNFINISHED, positions__isnull=False)
    waiting = unfinished.distinct().count()
    sentences = []
    if waiting:
        text = ngettext(
            "%(count)d order of %(month)s is not issued yet. Issue it first.",
            "%(count)d orders of %(month)s are not issued yet. Issue them first.",
            waiting,
        )
        sentences.append(text % {"count": waiting, "month": month})
    if runs.exists():
        sentences.append(_("A run for %(month)s is on its way. Wait until it has ended.") % {"month": month})
    undrafted = sum((row.minutes for row in left_out(month) if row.reason == Reason.NOT_DRAFTED), Decimal(0))
    if undrafted:
        text = _("%(minutes)s minutes of %(month)s can be billed and stand in no order. Start the run first.")
        sentences.append(text % {"minutes": number(undrafted), "month": month})
    if sentences:
        raise OrdersRefused(sentences)
    closed = ClosedMonth.objects.create(month=month.first_day, closed_at=now, closed_by_id=user.pk if user else None)
    record(Action.MONTH_CLOSED, target=closed, user=user, now=now)
    return closed


def _let_no_run_begin() -> None:
    """Until the transaction ends: a run asked for meanwhile finds the month closed, and who closes it as well waits.

    SQLite has one writer at a time anyway. Rows alone would not do: the month's first run has none yet.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE billing_billingrun IN SHARE ROW EXCLUSIVE MODE")


@transaction.atomic
def reopen_month(month: Month, *, reason: str, user: AnyUser | None, now: datetime) -> ClosedMonth:
    """Open a closed month again; the row keeps who and why. Raises ``OrdersRefused``."""
    open_rows = ClosedMonth.objects.select_for_update(no_key=True, of=("self",))
    closed = open_rows.filter(month=month.first_day, reopened_at=None).first()
    if closed is None:
        raise OrdersRefused([_("%(month)s is not closed.") % {"month": month}])
    if not reason.strip():
        raise OrdersRefused([_("Say why %(month)s is opened again.") % {"month": month}])
    closed.reopened_at, closed.reason = now, reason.strip()
    closed.reopened_by_id = user.pk if user else None
    closed.save(update_fields=["reopened_at", "reason", "reopened_by"])
    record(Action.MONTH_REOPENED, target=closed, text=closed.reason, user=user, now=now)
    return closed
