"""What was left out of a month's orders, and why: every minute that is in no position of the month stands here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreement_models import Agreement, RateRule
from billing.agreements import Agreements, agreement_of, agreements_in_force, has_ended, period_of
from billing.claims import stored_minutes
from billing.closed_months import closed_month
from billing.differences import SURPLUS, no_longer_so
from billing.models import Allocation, Order
from billing.plans import counts
from billing.review_models import Adjustment
from billing.settlements import entries_for_next_order, not_billable_entries, reasons_of_not_billable
from billing.terms import NO_RULE, EntryTerms, entry_terms
from common.months import Month
from tickets.models import AnyUser, Customer, Ticket, TicketClosing, TimeEntry

BY_AGREEMENT, BY_SETTLEMENT, WAITS, BY_PERSON, NO_BAR = -1, -2, -3, -4, NO_RULE
OPEN_STATE_TYPES = frozenset({"new", "open", "pending reminder", "pending auto", ""})


class Reason(TextChoices):
    """Why time stands in no order of the month. The label is the sentence that a person reads."""

    OPEN = "open", gettext_lazy("The ticket was not closed in this month, or is open again.")
    STATE_NOT_COUNTING = "state_not_counting", gettext_lazy("The ticket's state is not one that is billed.")
    NO_CUSTOMER = "no_customer", gettext_lazy("The ticket has no customer. Give it one in the ticket system.")
    BOOKED_LATER = "booked_later", gettext_lazy("Booked after the end of the month.")
    BILLED_ELSEWHERE = "billed_elsewhere", gettext_lazy("Stands in another order.")
    LATE = "late", gettext_lazy("The ticket was closed in an earlier month and has not been closed again.")
    ORDER_CLOSED = "order_closed", gettext_lazy("The order of this month had been approved before.")
    NO_TIME = "no_time", gettext_lazy("No time is booked on the ticket.")
    CANCELLED_OUT = "cancelled_out", gettext_lazy("The times booked on the ticket add up to zero.")
    NOT_BILLED = "not_billed", gettext_lazy("The agreement says that this customer is not billed.")
    EXCLUDED = "excluded", gettext_lazy("A person has left it out of the order.")
    NOT_BILLED_BY_RULE = "not_billed_by_rule", gettext_lazy("A rate rule says that this time is not billed.")
    SETTLED = "settled", gettext_lazy("Somebody has decided not to bill this time.")
    WAITS = "waits", gettext_lazy("Booked late; waits for the customer's next order, as was decided.")
    AGREEMENT_ENDED = "agreement_ended", gettext_lazy("The customer's agreement has ended. Enter the next one.")
    PERIOD_OPEN = "period_open", gettext_lazy("Waits for the order of its quarter.")
    MONTH_CLOSED = "month_closed", gettext_lazy("The month is closed, so no run bills it any more.")
    NOT_DRAFTED = "not_drafted", gettext_lazy("Can be billed, but no run has put it into an order yet.")
    GONE = "gone", gettext_lazy("Stands in an order of this month, but no longer so in the ticket system.")


OF_SETTLEMENTS = {BY_SETTLEMENT: Reason.SETTLED, WAITS: Reason.WAITS}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Time of one ticket that is in no order of the month, for one reason.

    For ``GONE`` it is the other way round: what is mirrored less what the order says, negative where time has gone.
    """

    ticket: Ticket
    reason: Reason
    minutes: Decimal
    entries: int
    order: Order | None = None
    """The order where it stands, if there is one that the asking user may see."""
    why: str = ""
    """The reason in a person's words, where one was given."""

    @property
    def sentence(self) -> str:
        if self.order is not None:
            number, month = self.order.number, f"{self.order.month:%Y-%m}"
            if self.reason == Reason.GONE:
                return _("Stands in order %(number)s, but no longer so in the ticket system.") % {"number": number}
            return _("Stands in order %(number)s of %(month)s.") % {"number": number, "month": month}
        return f"{self.reason.label} ({self.why})" if self.why else str(self.reason.label)


@dataclass(frozen=True, slots=True)
class _Part:
    """Present time of one ticket in one order, or in none: then before the end of the month, or ``later``.

    ``bar``: primary key of the rule that keeps unclaimed time from being billed, or ``BY_AGREEMENT``, ``BY_PERSON``,
    ``BY_SETTLEMENT``, ``WAITS`` for a later order, or ``NO_BAR``.
    """

    order: int | None
    later: bool
    bar: int
    minutes: Decimal
    entries: int


@dataclass(frozen=True, slots=True)
class _Surplus:
    """What is mirrored of one ticket less what one order of the month holds, for entries that differ."""

    order: Order
    minutes: Decimal
    entries: int


@dataclass(frozen=True, slots=True)
class _Scene:
    month: Month
    orders: Mapping[int, Order]
    """Orders of the month by primary key, as far as they were asked for."""
    order_of: Mapping[int, Order]
    """Orders of the month by customer, of the other customers as well."""
    elsewhere: Mapping[int, Order]
    agreements: Agreements
    rules: Mapping[int, RateRule]
    excluded: Mapping[int | None, str]
    """Why persons have left tickets out of these orders, by ticket."""
    settled: Mapping[int, str]
    """Why late time is not billed, by ticket."""
    is_closed: bool


def left_out(month: Month, customer: Customer | None = None, user: AnyUser | None = None) -> list[LeftOut]:
    """All present time of the month's tickets that stands in no order of the month, by ticket and reason.

    The month's tickets are those closed in it, those with time booked in it and those with time in its orders;
    whatever else is booked on them is listed, too. What an order holds and the ticket system no longer shows is taken
    off here. So the minutes here and those of the month's orders add up to what the mirror holds for these tickets.
    ``user`` restricts tickets and orders to what that person may see.
    """
    agreements, terms = agreements_in_force(month), entry_terms()
    tickets = _asked(month, customer, user, _quarterly(agreements))
    excluded = _excluded(month)
    parts = _parts(tickets, month, terms, excluded)
    scene = _scene(parts, month, customer, user, agreements, terms, excluded)
    gone = _gone(tickets, scene)
    rows: list[LeftOut] = []
    for ticket in _described(tickets, month):
        rows += _explain(ticket, parts.get(ticket.pk, []), gone.get(ticket.pk, []), scene)
    return rows


def _quarterly(agreements: Agreements) -> Q:
    """Tickets of customers whose orders cover a quarter."""
    others = {agreement.customer_id for agreement in agreements.values() if agreement.period_months == 1}
    if all(agreement.period_months == 1 for agreement in agreements.values()):
        return Q(pk__in=[])
    if None in others:
        return Q(customer__in={owner for owner in agreements if owner not in others})
    return Q(customer__isnull=False) & ~Q(customer__in=others)


def _touched(month: Month, quarterly: Q) -> QuerySet[Ticket]:
    closed = TicketClosing.objects.filter(month=month.first_day)
    booked = TimeEntry.objects.present().booked_in(month)
    touched = Q(pk__in=closed.values("ticket")) | Q(pk__in=booked.values("ticket"))
    if month.month % 3 == 0:
        earlier = TicketClosing.objects.filter(month__range=(month.shift(-2).first_day, month.first_day))
        touched |= quarterly & Q(pk__in=earlier.values("ticket"))
    return Ticket.objects.filter(touched)


def _asked(month: Month, customer: Customer | None, user: AnyUser | None, quarterly: Q) -> QuerySet[Ticket]:
    """The month's tickets; those in a customer's orders belong to it even where they are somebody else's by now."""
    touched = _touched(month, quarterly)
    ordered = Allocation.objects.filter(live=True, position__order__month=month.first_day)
    if customer is not None:
        touched, ordered = touched.filter(customer=customer), ordered.filter(position__order__customer=customer)
    tickets = Ticket.objects.filter(
        Q(pk__in=touched.order_by().values("pk")) | Q(pk__in=ordered.values("entry__ticket"))
    )
    return tickets if user is None else tickets.filter(pk__in=Ticket.objects.visible_to(user))


def _parts(
    tickets: QuerySet[Ticket], month: Month, terms: EntryTerms, excluded: Mapping[int | None, str]
) -> dict[int, list[_Part]]:
    unclaimed_later = Q(claim__isnull=True, local_day__gte=month.end_day)
    bar = Case(
        When(claim__isnull=False, then=Value(NO_BAR)),
        When(pk__in=not_billable_entries(), then=Value(BY_SETTLEMENT)),
        When(terms.not_billed_by_agreement(), then=Value(BY_AGREEMENT)),
        When(terms.not_billed_by_rule(), then=F("rate")),
        *([When(_is_excluded(month), then=Value(BY_PERSON))] if excluded else []),
        When(pk__in=entries_for_next_order(), then=Value(WAITS)),
        default=Value(NO_BAR),
        output_field=BigIntegerField(),
    )
    rows = (
        TimeEntry.objects.present()
        .filter(ticket__in=tickets.order_by().values("pk"))
        .alias(claim=FilteredRelation("allocations", condition=Q(allocations__live=True)), rate=terms.rate())
        .annotate(later=ExpressionWrapper(unclaimed_later, output_field=BooleanField()), bar=bar)
        .order_by()
        .values("ticket_id", "later", "bar", order=F("claim__position__order"))
        .annotate(total=Sum("minutes"), entries=Count("pk"))
    )
    parts: defaultdict[int, list[_Part]] = defaultdict(list)
    for row in rows:
        part = _Part(row["order"], row["later"], row["bar"], stored_minutes(row["total"]), row["entries"])
        parts[row["ticket_id"]].append(part)
    return parts


def _exclusions(month: Month) -> QuerySet[Adjustment]:
    """What persons have left out of the orders of the month, as long as the ticket belongs to the order's customer."""
    excluded = Adjustment.objects.filter(field=Adjustment.Field.INCLUSION, order__month=month.first_day)
    return excluded.filter(order__customer=F("ticket__customer")).exclude(order__state=Order.State.VOID)


def _excluded(month: Month) -> dict[int | None, str]:
    """Why persons have left tickets out of the orders of the month, by ticket."""
    reasons: defaultdict[int | None, list[str]] = defaultdict(list)
    for exclusion in _exclusions(month):
        reasons[exclusion.ticket_id].append(exclusion.reason)
    return {ticket: "; ".join(dict.fromkeys(found)) for ticket, found in reasons.items()}


def _is_excluded(month: Month) -> Exists:
    """Needs the annotation ``rate``."""
    exclusions = _exclusions(month).annotate(rate=Coalesce("rate_rule", NO_RULE))
    return Exists(exclusions.filter(ticket=OuterRef("ticket"), rate=OuterRef("rate")))


def _scene(
    parts: Mapping[int, Iterable[_Part]],
    month: Month,
    customer: Customer | None,
    user: AnyUser | None,
    agreements: Agreements,
    terms: EntryTerms,
    excluded: Mapping[int | None, str],
) -> _Scene:
    visible = Order.objects.all() if user is None else Order.objects.visible_to(user)
    of_month = list(visible.not_void().filter(month=month.first_day))
    orders = {order.pk: order for order in of_month if customer is None or order.customer_id == customer.pk}
    others = {part.order for found in parts.values() for part in found if part.order is not None} - orders.keys()
    return _Scene(
        month=month,
        orders=orders,
        order_of={order.customer_id: order for order in of_month if not order.supplement},
        elsewhere=visible.in_bulk(others),
        agreements=agreements,
        rules=terms.rules,
        excluded=excluded,
        settled=reasons_of_not_billable(
            ticket for ticket, found in parts.items() if any(part.bar == BY_SETTLEMENT for part in found)
        ),
        is_closed=closed_month(month) is not None,
    )


def _gone(tickets: QuerySet[Ticket], scene: _Scene) -> dict[int, list[_Surplus]]:
    """What the orders of the month hold too much of, or too little, by ticket."""
    rows = (
        no_longer_so()
        .filter(position__order__in=scene.orders, entry__ticket__in=tickets.order_by().values("pk"))
        .order_by("entry__ticket", "position__order")
        .values_list("entry__ticket", "position__order")
        .annotate(surplus=SURPLUS, entries=Count("pk"))
    )
    gone: defaultdict[int, list[_Surplus]] = defaultdict(list)
    for ticket, order, surplus, entries in rows:
        gone[ticket].append(_Surplus(scene.orders[order], stored_minutes(surplus), entries))
    return gone


def _described(tickets: QuerySet[Ticket], month: Month) -> QuerySet[Ticket]:
    closings = TicketClosing.objects.filter(ticket=OuterRef("pk"))
    return (
        tickets.select_related("system", "customer")
        .annotate(
            closed_here=Exists(closings.filter(month=month.first_day)),
            closed_in_quarter=Exists(closings.filter(month__range=(_quarter_of(month), month.first_day))),
            last_closing=Subquery(closings.order_by("-month").values("month")[:1]),
        )
        .order_by("number", "pk")
    )


def _explain(ticket: Ticket, parts: Iterable[_Part], gone: Iterable[_Surplus], scene: _Scene) -> list[LeftOut]:
    rows = [LeftOut(ticket, Reason.GONE, item.minutes, item.entries, item.order) for item in gone]
    billable = Decimal(0)
    unclaimed: list[_Part] = []
    nothing_booked = not rows
    nobody_agreed = agreement_of(scene.agreements, ticket.customer_id) is None
    for part in parts:
        nothing_booked = False
        if part.order in scene.orders:
            billable += part.minutes
        elif part.order is not None:
            other = scene.elsewhere.get(part.order)
            rows.append(LeftOut(ticket, Reason.BILLED_ELSEWHERE, part.minutes, part.entries, other))
        elif part.later:
            rows.append(LeftOut(ticket, Reason.BOOKED_LATER, part.minutes, part.entries))
        else:
            unclaimed.append(part)
            billable += part.minutes if nobody_agreed or part.bar in (NO_BAR, WAITS) else Decimal(0)
    for part in unclaimed:
        reason = _why_unclaimed(ticket, scene, billable, part)
        rows.append(LeftOut(ticket, reason, part.minutes, part.entries, why=_words(reason, ticket, part, scene)))
    if nothing_booked:
        rows.append(LeftOut(ticket, Reason.NO_TIME, Decimal(0), 0))
    return rows


def _words(reason: Reason, ticket: Ticket, part: _Part, scene: _Scene) -> str:
    """What a person has said about the reason."""
    if reason == Reason.NOT_BILLED_BY_RULE:
        return scene.rules[part.bar].reason
    if reason == Reason.EXCLUDED:
        return scene.excluded[ticket.pk]
    return scene.settled.get(ticket.pk, "") if reason == Reason.SETTLED else ""


def _why_unclaimed(ticket: Ticket, scene: _Scene, billable: Decimal, unclaimed: _Part) -> Reason:
    """Why time booked before the end of the month stands in no order.

    ``billable`` are the minutes that one order would hold, ``unclaimed`` some of them that stand in none.
    """
    if ticket.customer_id is None:
        return Reason.NO_CUSTOMER
    agreement = agreement_of(scene.agreements, ticket.customer_id)
    if agreement is not None and (unclaimed.bar == BY_AGREEMENT or not agreement.billed):
        return Reason.NOT_BILLED
    if unclaimed.bar == BY_PERSON:
        return Reason.EXCLUDED
    if unclaimed.bar in OF_SETTLEMENTS:
        return OF_SETTLEMENTS[unclaimed.bar]
    if unclaimed.bar not in (NO_BAR, BY_AGREEMENT):
        return Reason.NOT_BILLED_BY_RULE
    if agreement is not None and (reason := _why_not_by_agreement(ticket, agreement, scene.month)):
        return reason
    order = scene.order_of.get(ticket.customer_id)
    if not billable and not unclaimed.minutes:
        return Reason.CANCELLED_OUT
    if order is not None and order.state != Order.State.DRAFT:
        return Reason.ORDER_CLOSED
    if not billable:
        return Reason.CANCELLED_OUT
    return Reason.MONTH_CLOSED if scene.is_closed else Reason.NOT_DRAFTED


def _why_not_by_agreement(ticket: Ticket, agreement: Agreement, month: Month) -> Reason | None:
    """Why the agreement keeps the ticket out of the month's order; ``None`` where it does not."""
    if has_ended(agreement, month):
        return Reason.AGREEMENT_ENDED
    begins, ends_here = period_of(agreement, month)
    if agreement.counting == Agreement.Counting.CLOSED:
        closed = ticket.closed_here if begins == month.first_day else ticket.closed_in_quarter  # type: ignore[attr-defined]  # annotated
        if not closed:
            return Reason.LATE if _was_closed_before(ticket, month) else Reason.OPEN
        if not counts(ticket, agreement, ticket.system.closed_state_types):
            return Reason.OPEN if ticket.state_type in OPEN_STATE_TYPES else Reason.STATE_NOT_COUNTING
    return None if ends_here else Reason.PERIOD_OPEN


def _quarter_of(month: Month) -> date:
    """First day of the quarter."""
    return month.shift(-((month.month - 1) % 3)).first_day


def _was_closed_before(ticket: Ticket, month: Month) -> bool:
    """Closed now, and last closed before the month began as far as its closings are known."""
    last_closing = ticket.last_closing  # type: ignore[attr-defined]  # annotated
    if ticket.state_type in OPEN_STATE_TYPES or (ticket.closed_at is None and last_closing is None):
        return False
    before_by_time = ticket.closed_at is None or ticket.closed_at < month.start(ticket.system.zone)
    before_by_search = last_closing is None or last_closing < month.first_day
    return before_by_time and before_by_search
