"""What the pages about orders show: the orders of a period, one order in full, and why a list is empty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import PermissionsMixin
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.discrepancies import count_discrepancies
from billing.erp_findings import is_fine, sentence_of
from billing.erp_models import ErpFinding
from billing.handover import Format
from billing.kivitendo_preflight import Preflight, preflight
from billing.line_pages import ShownExclusion, ShownLine, changes_of, exclusions, may_change, shown_line
from billing.message_pages import ShownMessages, messages_of
from billing.models import Allocation, BillingRun, Export, Order
from common.jobs import Job
from common.months import Month
from common.paging import Empty, no_customers, nothing_matches
from common.templatetags.formats import month_label
from tickets.models import AnyUser
from tickets.periods import Period
from tickets.queries import has_no_customers

POSITIONS_PER_PAGE = 50
RIGHTS = ("billing.run_billing", "tickets.see_all_customers")
"""What starting runs, approving and exporting ask for: they act on all customers."""


def may_bill(user: AnyUser) -> bool:
    """Whether the user has all of ``RIGHTS``."""
    return isinstance(user, PermissionsMixin) and user.has_perms(RIGHTS)


def orders_of(period: Period, *, user: AnyUser) -> QuerySet[Order]:
    """The period's orders that the user may see."""
    orders = Order.objects.visible_to(user).select_related("customer")
    return orders if period.everything else orders.filter(month=period.month.first_day)


def run_of(period: Period) -> BillingRun | None:
    """The run over all customers for the month; ``None`` where there is none or where all months are shown."""
    if period.everything:
        return None
    return BillingRun.objects.filter(month=period.month.first_day, customer=None).first()


def start_label(period: Period) -> str:
    """What the button that starts the run says."""
    if period.is_previous_month:
        return _("Get closed tickets for previous month")
    return _("Get closed tickets for %(month)s") % {"month": month_label(period.month)}


def has_open_orders(period: Period, *, user: AnyUser) -> bool:
    """Whether there is an order to approve or to issue."""
    return orders_of(period, user=user).filter(state__in=[Order.State.DRAFT, Order.State.APPROVED]).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToCome:
    """What the month's file for kivitendo will be when the button is pressed."""

    waiting: int
    """Orders that are not issued yet: with any of them the file is a preview."""
    fresh: int
    """Orders that are not handed over yet, the waiting ones included."""
    earlier: list[Export]
    """The files that the others were handed over with; without their content."""
    against: Preflight
    """What the copy of kivitendo says against the orders that are not handed over yet."""
    seen: str
    """Changes when any of it does: what the person saw goes along with the button."""

    @property
    def sentence(self) -> str:
        """What the person should know before the click."""
        files = ", ".join(f"{file.file_name} ({_time_of(file)})" for file in self.earlier)
        if self.waiting:
            text = ngettext(
                "The kivitendo file is a preview: %(count)d order is not issued yet. It hands nothing over.",
                "The kivitendo file is a preview: %(count)d orders are not issued yet. It hands nothing over.",
                self.waiting,
            )
            return text % {"count": self.waiting}
        if not self.fresh and len(self.earlier) == 1:
            text = _("The kivitendo file is the one that was handed over before: %(files)s. Do not import it twice.")
            return text % {"files": files}
        if not self.fresh:
            text = _("All orders were handed over before: %(files)s. There is no new kivitendo file.")
            return text % {"files": files}
        text = ngettext(
            "The kivitendo file hands %(count)d order over and marks it as exported.",
            "The kivitendo file hands %(count)d orders over and marks them as exported.",
            self.fresh,
        ) % {"count": self.fresh}
        if not files:
            return text
        others = _("Handed over before and not in it: what is in %(files)s.") % {"files": files}
        return f"{text} {others}"


def file_to_come(month: Month, *, now: datetime) -> FileToCome | None:
    """What ``export_orders`` would make of the month for kivitendo; ``None`` without orders.

    Two queries, and up to eight more where a kivitendo is configured, however many orders there are.
    """
    orders = Order.objects.not_void().filter(month=month.first_day, positions__isnull=False)
    handed_over = Q(exports__format=Format.KIVITENDO)
    counts = orders.aggregate(
        count=Count("pk", distinct=True),
        waiting=Count("pk", distinct=True, filter=Q(state__in=[Order.State.DRAFT, Order.State.APPROVED])),
        before=Count("pk", distinct=True, filter=handed_over),
    )
    if not counts["count"]:
        return None
    earlier = Export.objects.filter(format=Format.KIVITENDO, orders__in=orders).distinct().defer("content")
    fresh = counts["count"] - counts["before"]
    seen = f"{counts['waiting']}-{fresh}-{counts['before']}"
    to_check = Order.objects.filter(pk__in=orders.order_by().exclude(handed_over).values("pk"))
    against = preflight(to_check, now=now) if fresh else Preflight()
    return FileToCome(waiting=counts["waiting"], fresh=fresh, earlier=list(earlier), against=against, seen=seen)


def _time_of(file: Export) -> str:
    return date_format(timezone.localtime(file.created_at), "SHORT_DATETIME_FORMAT")


def why_no_orders(period: Period, *, user: AnyUser, run: BillingRun | None, is_filtered: bool) -> Empty:
    """The sentence for a list without orders: no customers, nothing matches, no run yet, or nothing to bill."""
    if has_no_customers(user):
        return no_customers(
            _("You see the orders of the customers that are assigned to you. An administrator can assign them.")
        )
    if is_filtered:
        text = _("Orders are there, but none passes the filters.")
        return nothing_matches(text, url=f"?period={period.value}")
    if period.everything or run is None:
        return Empty(title=_("No orders yet"), text=_no_run(period, user=user))
    if run.is_active:
        return Empty(title=_("A run is on its way"), text=_("The orders appear here when it has written them."))
    if run.state == Job.State.FAILED:
        return Empty(title=_("The run failed"), text=run.error if may_bill(user) else _("No order was written."))
    return Empty(
        title=_("Nothing to bill"), text=_("The run found no closed ticket with time. The left-out list says why.")
    )


def _no_run(period: Period, *, user: AnyUser) -> str:
    if period.everything or not may_bill(user):
        return _("No run has drafted orders for this period.")
    values = {"button": start_label(period)}
    return _("No run has drafted orders for this period. “%(button)s” starts one.") % values


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One order with one page of its positions, each with the claims behind it."""

    order: Order
    positions: Page[Any]
    """Of ``OrderPosition``, each with its live allocations as ``claims``."""
    lines: list[ShownLine]
    """The same positions."""
    excluded: list[ShownExclusion]
    """What persons have left out of the order."""
    can_change: bool
    problems: list[str]
    """Why the data may not be complete, as the latest run over the month found it."""
    discrepancies: int
    """What disagrees with the order since it left draft."""
    finding: "Finding | None"
    """What the last look into kivitendo found of it."""
    messages: ShownMessages
    """What it asked the ticket system for when it was issued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of an order in kivitendo, in words."""

    row: ErpFinding
    fine: bool
    sentence: str


def order_page(order: Order, *, page: str | None, can_bill: bool) -> OrderPage:
    """Read what the page of an order shows; the number of queries does not depend on the number of positions."""
    claims = Allocation.objects.filter(live=True).select_related("entry__agent").order_by("entry__booked_local", "pk")
    positions = order.positions.select_related("ticket", "rate_rule__agent").prefetch_related(
        Prefetch("allocations", queryset=claims, to_attr="claims")
    )
    shown = Paginator(positions, POSITIONS_PER_PAGE).get_page(page)
    changes = changes_of(order)
    return OrderPage(
        order=order,
        positions=shown,
        lines=[shown_line(position, changes) for position in shown],
        excluded=exclusions(changes),
        can_change=can_bill and may_change(order),
        problems=[] if order.complete else _problems(order),
        discrepancies=0 if order.state == Order.State.DRAFT else count_discrepancies(order=order),
        finding=_finding(order),
        messages=messages_of(order),
    )


def _finding(order: Order) -> Finding | None:
    row: ErpFinding | None = getattr(order, "erp_finding", None)
    return None if row is None else Finding(row=row, fine=is_fine(row), sentence=sentence_of(row))


def _problems(order: Order) -> list[str]:
    of_month = BillingRun.objects.filter(Q(customer=None) | Q(customer=order.customer_id), month=order.month)
    run = of_month.order_by(F("finished_at").desc(nulls_last=True)).first()
    return run.problems if run else []
