"""Supplements: orders of a month for time that came too late for its order. Runs leave them alone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from billing.agreement_models import Agreement
from billing.agreements import agreement_of, agreements_in_force
from billing.claims import LineKey, Time, stored_minutes, with_rates
from billing.closed_months import why_closed
from billing.credits import parts_of
from billing.discrepancy_kinds import Discrepancy
from billing.models import Allocation, Order, OrderEvent, OrderPosition
from billing.numbers import order_numbers
from billing.orders import OrdersRefused, record
from billing.plans import Facts, OrderPlan, line_key, plan_order, price_positions, totals
from billing.prepaid import release, set_uses, usable_blocks
from billing.terms import EntryTerms, entry_terms
from common.months import Month
from tickets.models import AnyUser, Customer, TimeEntry


def draft_supplements(rows: Sequence[Discrepancy], *, user: AnyUser | None, now: datetime) -> dict[int, str]:
    """Draft one supplement for each customer and month with exactly these late entries; customers must be locked.

    Returns its number by the primary key of the order that the time came too late for. Raises ``OrdersRefused`` where
    the month is closed or the agreement bills none of it, or where it would come to less than nothing.
    """
    together: defaultdict[tuple[int, date], list[Discrepancy]] = defaultdict(list)
    for row in rows:
        together[row.order.customer_id, row.order.month].append(row)
    terms, numbers = entry_terms(), dict[int, str]()
    sentences = [sentence for day in {day for _pk, day in together} if (sentence := why_closed(Month.of(day)))]
    if sentences:
        raise OrdersRefused(sentences)
    for (_customer, day), members in together.items():
        order = _draft(members, Month.of(day), terms, user, now)
        numbers |= {row.order.pk: order.number for row in members}
    return numbers


def _draft(
    members: Sequence[Discrepancy], month: Month, terms: EntryTerms, user: AnyUser | None, now: datetime
) -> Order:
    customer = members[0].order.customer
    entries = _entries([row.entry.pk for row in members], terms)
    plan = _plan(customer, month, entries, terms)
    order, user_id = plan.order, user.pk if user else None
    order.supplement, order.complete, order.created_at, order.changed_at = _next(customer, month), True, now, now
    order.number = f"{order.number}-S{order.supplement}"
    for name, value in totals(plan.positions).items():
        setattr(order, name, value)
    if order.net_amount < 0:
        text = _("The supplement of %(customer)s would come to less than nothing. Bill it with the next order.")
        raise OrdersRefused([text % {"customer": customer}])
    order.save()
    for position in plan.positions:
        position.order = order
    OrderPosition.objects.bulk_create(plan.positions)
    _claim(plan.time_positions, entries)
    set_uses({order.number: plan.uses}, {}, now=now, user=user_id)
    record([order], OrderEvent.Kind.DRAFTED, user=user, now=now, text=f"{order.net_amount} {order.currency}")
    return order


def _entries(keys: Collection[int], terms: EntryTerms) -> dict[LineKey, list[Any]]:
    """The entries by ticket and rate, each read once, so that what is priced is what is claimed."""
    found: defaultdict[LineKey, list[Any]] = defaultdict(list)
    billed = list(with_rates(TimeEntry.objects.present().filter(pk__in=keys), terms).select_related("ticket"))
    if len(billed) < len(set(keys)):
        raise OrdersRefused([_("A rate rule or the agreement says that some of this time is not billed.")])
    for entry in billed:
        found[entry.ticket_id, entry.rate].append(entry)
    return found


def _plan(customer: Customer, month: Month, entries: dict[LineKey, list[Any]], terms: EntryTerms) -> OrderPlan:
    """Priced by the agreement of the month, with what is left of its included minutes."""
    agreement = agreement_of(agreements_in_force(month, [customer.pk]), customer.pk)
    scope = agreement.rounding_scope if agreement else Agreement.RoundingScope.TICKET
    tickets = {ticket_entries[0].ticket for ticket_entries in entries.values()}
    blocks = usable_blocks([customer.pk], month, lock=True).get(customer.pk, [])
    prepaid = {block.pk: block.balance for block in blocks}
    facts = Facts(
        customer=Customer.objects.select_related("system").get(pk=customer.pk),
        agreement=agreement,
        month=month,
        number=order_numbers(month)[customer.pk],
        order=None,
        tickets=sorted(tickets, key=lambda ticket: ticket.pk),
        settled=frozenset(ticket.pk for ticket in tickets),
        times={key: _time(held, scope) for key, held in entries.items()},
        rules=terms.rules,
        prepaid=prepaid,
    )
    try:
        plan = plan_order(facts)
    except ValueError as reason:  # the agreement cannot be used; the text says why
        raise OrdersRefused([str(reason)]) from reason
    if plan is None or agreement is None or len({line_key(line) for line in plan.time_positions}) < len(entries):
        raise OrdersRefused([_("The agreement of %(month)s bills nothing of this time.") % {"month": month}])
    rest = copy(agreement)
    rest.included_minutes = max(Decimal(agreement.included_minutes) - _included(customer, month), Decimal(0))
    plan.uses = price_positions(plan.positions, rest, prepaid)
    return plan


def _time(entries: Iterable[TimeEntry], scope: str) -> Time:
    minutes = {entry.pk: (entry.local_day, entry.minutes) for entry in entries}
    total = sum((each for _day, each in minutes.values()), Decimal(0))
    return Time(total, len(minutes), 0, tuple(parts_of(minutes, scope)))


def _included(customer: Customer, month: Month) -> Decimal:
    """Minutes of the period that its orders include already."""
    orders = Order.objects.not_void().filter(customer=customer, month=month.first_day)
    lines = OrderPosition.objects.filter(order__in=orders.values("pk"))
    return stored_minutes(lines.aggregate(total=Sum("included_minutes"))["total"])


def _next(customer: Customer, month: Month) -> int:
    """Void ones keep their number for good."""
    of_month = Order.objects.filter(customer=customer, month=month.first_day)
    return (of_month.aggregate(last=Max("supplement"))["last"] or 0) + 1


def _claim(positions: Iterable[OrderPosition], entries: dict[LineKey, list[Any]]) -> None:
    Allocation.objects.bulk_create(
        Allocation(entry=entry, position=position, minutes=entry.minutes)
        for position in positions
        for entry in entries[line_key(position)]
    )


def discard_supplement(order: Order, *, user: AnyUser | None, now: datetime) -> None:
    """Take a draft supplement away; its time is free again."""
    release(order, now=now, user=user.pk if user else None)
    Allocation.objects.filter(position__order=order).delete()
    OrderPosition.objects.filter(order=order).delete()
    order.delete()
