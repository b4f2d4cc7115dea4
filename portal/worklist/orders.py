"""Orders and billing runs: what waits for a review, and which runs did not come to a good end."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import BillingRun, Order
from billing.order_pages import may_bill
from billing.prepaid import low_on_prepaid
from billing.run_lists import in_trouble
from common.months import Month
from portal.worklist.lines import Amount, Line, amount_of, page, sums_in_words
from tickets.models import AnyUser


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfOrders:
    value: str
    label: str
    amounts: list[Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """All drafts of all months; ``unsafe`` of them rest on data that are not known to be complete."""

    amounts: list[Amount]
    unsafe: int

    @property
    def count(self) -> int:
        return sum(amount.count for amount in self.amounts)


def open_drafts(*, user: AnyUser) -> Drafts:
    """The drafts that the user may see, summed by currency."""
    drafts = Order.objects.visible_to(user).filter(state=Order.State.DRAFT).order_by("currency")
    rows = drafts.values("currency").annotate(
        n=Count("pk"), net=Sum("net_amount"), unsafe=Count("pk", ~Q(complete=True))
    )
    found = list(rows)
    return Drafts(amounts=[amount_of(row) for row in found], unsafe=sum(row["unsafe"] for row in found))


def drafts_line(*, user: AnyUser) -> Line | None:
    """For those who may approve them."""
    drafts = open_drafts(user=user) if may_bill(user) else None
    if drafts is None or not drafts.count:
        return None
    details = [sums_in_words((amount.net, amount.currency) for amount in drafts.amounts)]
    if drafts.unsafe:
        text = ngettext("%(count)d from incomplete data", "%(count)d from incomplete data", drafts.unsafe)
        details.append(text % {"count": drafts.unsafe})
    return Line(
        key="drafts",
        title=_("Drafts to review, of all months"),
        url=page("billing:orders", period="all", state=Order.State.DRAFT.value),
        count=drafts.count,
        details=tuple(details),
    )


def runs_line(*, user: AnyUser) -> Line | None:
    """Runs that failed, were done in part or over incomplete data, for those who may start them again."""
    count = in_trouble(BillingRun.objects.all()).count() if may_bill(user) else 0
    if not count:
        return None
    title = _("Billing runs that failed or are not complete")
    return Line(key="runs", title=title, url=page("billing:runs", shown="trouble"), count=count)


def prepaid_line(month: Month, *, user: AnyUser) -> Line | None:
    """Customers of whose prepaid time little is left for the month's order."""
    left = low_on_prepaid(month, user=user)
    if not left:
        return None
    return Line(
        key="prepaid",
        title=_("Customers whose prepaid time runs low"),
        url=page("billing:agreements", period=month, prepaid="low"),
        count=len(left),
    )


def order_states(month: Month, *, user: AnyUser) -> list[StateOfOrders]:
    """The month's orders that the user may see, by state in the order of passing, and currency; void ones are not."""
    orders = Order.objects.visible_to(user).filter(month=month.first_day).order_by("currency")
    rows = list(orders.values("state", "currency").annotate(n=Count("pk"), net=Sum("net_amount")))
    return [
        StateOfOrders(
            value=state.value,
            label=str(state.label),
            amounts=[amount_of(row) for row in rows if row["state"] == state],
        )
        for state in Order.State
        if state != Order.State.VOID
    ]


def latest_billing_run() -> BillingRun | None:
    """The run that was started last, whatever its month."""
    return BillingRun.objects.order_by(F("started_at").desc(nulls_last=True), "-created_at").first()
