"""The JSON documents that scripts read. All numbers are decimal strings without exponent; amounts have cents."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing.agreements import agreements_in_force
from billing.claims import LineKey, billable_entries, gatherings, with_rates
from billing.completeness import billed_systems
from billing.ledger import Plan
from billing.models import Allocation, BillingRun, Order, OrderPosition
from billing.plans import Change, line_key
from billing.queries import LeftOut
from billing.terms import entry_terms
from common.money import plain
from common.months import Month
from tickets.models import Customer, TimeEntry

Document = dict[str, Any]
EntriesOf = Callable[[OrderPosition], Sequence[TimeEntry]]
"""The entries behind a position, in the order in which they were booked."""


def entries_of_orders(orders: Collection[Order]) -> EntriesOf:
    """Entries behind the positions of these orders; of a void order those that it had billed."""
    entries: defaultdict[int | None, list[TimeEntry]] = defaultdict(list)
    claims = (
        Allocation.objects.filter(position__order__in=[order.pk for order in orders])
        .select_related("entry__agent")
        .order_by("entry__booked_local", "entry")
    )
    for claim in claims:
        entries[claim.position_id].append(claim.entry)
    return lambda position: entries.get(position.pk, ())


def entries_of_plan(plan: Plan, month: Month) -> EntriesOf:
    """Entries that the planned positions would hold."""
    entries: defaultdict[LineKey, list[TimeEntry]] = defaultdict(list)
    customers = [item.customer.pk for item in plan.orders]
    terms = entry_terms()
    for group in gatherings(customers, month, agreements_in_force(month, customers)):
        priced = with_rates(billable_entries(group, month), terms)
        for entry in priced.select_related("agent").order_by("booked_local", "pk"):
            entries[entry.ticket_id, entry.rate].append(entry)
    return lambda position: entries.get(line_key(position), ()) if position.kind == OrderPosition.Kind.TIME else ()


def stored_orders(orders: Sequence[Order]) -> list[Document]:
    """Documents of these orders, which come with customer and positions (and the positions' tickets) fetched."""
    entries = entries_of_orders(orders)
    return [order_document(order, list(order.positions.all()), entries) for order in orders]


def planned_orders(plan: Plan, month: Month) -> list[Document]:
    """Documents of what a run would leave behind; approved orders stay as they are."""
    entries = entries_of_plan(plan, month)
    drafts = plan.having(Change.NEW, Change.CHANGED, Change.UNCHANGED)
    closed = [item.order.pk for item in plan.having(Change.CLOSED)]
    documents = [order_document(item.order, item.positions, entries) for item in drafts]
    documents += stored_orders(list(with_positions(month).filter(pk__in=closed)))
    return sorted(documents, key=lambda document: str(document["number"]))


def with_positions(month: Month, customer: Customer | None = None) -> QuerySet[Order]:
    """Orders of the month that are not void, with customer, positions and tickets, by number."""
    orders = Order.objects.not_void().filter(month=month.first_day)
    if customer is not None:
        orders = orders.filter(customer=customer)
    return orders.select_related("customer").prefetch_related("positions__ticket").order_by("number")


def order_document(order: Order, positions: Iterable[OrderPosition], entries: EntriesOf) -> Document:
    """``net`` in ``currency``; the positions come in the order of the document."""
    return {
        "number": order.number,
        "customer_id": order.customer.customer_id,
        "customer": order.customer.name,
        "state": order.state,
        "currency": order.currency,
        "recorded_minutes": plain(order.recorded_minutes),
        "billable_minutes": plain(order.billable_minutes),
        "net": plain(order.net_amount, 2),
        "positions": [position_document(position, entries(position)) for position in positions],
    }


def position_document(position: OrderPosition, entries: Iterable[TimeEntry]) -> Document:
    """``entries`` are the bookings behind the position; their minutes add up to ``recorded_minutes``.

    ``kind`` is a value of ``OrderPosition.Kind``; a line without a ticket has ``null`` as its number and its text as
    title. What is charged are the billable minutes less the included and prepaid ones; ``discount`` is in percent.
    """
    ticket = position.ticket
    return {
        "position": position.position,
        "kind": position.kind,
        "ticket_number": ticket.number if ticket else None,
        "title": ticket.title if ticket else position.text,
        "recorded_minutes": plain(position.recorded_minutes),
        "billable_minutes": plain(position.billable_minutes),
        "included_minutes": plain(position.included_minutes),
        "prepaid_minutes": plain(position.prepaid_minutes),
        "quantity": plain(position.quantity),
        "unit": position.unit,
        "unit_price": plain(position.unit_price, 2),
        "discount": plain(position.discount),
        "amount": plain(position.amount, 2),
        "entries": [entry_document(entry) for entry in entries],
    }


def entry_document(entry: TimeEntry) -> Document:
    """``booked_at`` is the ticket system's local time, ``YYYY-MM-DD HH:MM:SS``; ``units`` are as it sent them."""
    return {
        "agent": str(entry.agent),
        "booked_at": entry.booked_local,
        "units": plain(entry.units),
        "minutes": plain(entry.minutes),
    }


def left_out_document(row: LeftOut) -> Document:
    """``customer_id`` is ``null`` where the ticket has none; ``reason`` is a value of ``billing.queries.Reason``."""
    return {
        "ticket_number": row.ticket.number,
        "customer_id": row.ticket.customer.customer_id if row.ticket.customer else None,
        "reason": row.reason.value,
        "minutes": plain(row.minutes),
    }


def orders_document(*, month: Month, customer: Customer | None, orders: Sequence[Document]) -> Document:
    """``period``, ``time_zone``, ``orders`` and ``totals``: the evidence of a hand-over.

    ``time_zone`` is the one of the ticket systems, several separated by a comma.
    """
    zones = {system.time_zone for system in billed_systems(month, customer)}
    return {
        "period": str(month),
        "time_zone": ", ".join(sorted(zones)),
        "orders": list(orders),
        "totals": totals_document(orders),
    }


def month_document(
    *,
    month: Month,
    customer: Customer | None,
    run: BillingRun | None,
    complete: bool,
    orders: Sequence[Document],
    left_out: Iterable[LeftOut],
) -> Document:
    """What ``bill --json`` prints. Without ``run`` it is a plan: ``state`` is ``planned`` and ``run`` is ``null``."""
    base = orders_document(month=month, customer=customer, orders=orders)
    return {
        "period": base["period"],
        "time_zone": base["time_zone"],
        "state": run.state if run else "planned",
        "complete": complete,
        "run": run.pk if run else None,
        "orders": base["orders"],
        "left_out": [left_out_document(row) for row in left_out],
        "totals": base["totals"],
    }


def totals_document(orders: Sequence[Document]) -> Document:
    """``net`` is ``null`` where the orders have different currencies: such amounts have no sum."""
    one_currency = len({order["currency"] for order in orders}) <= 1
    return {
        "orders": len(orders),
        "positions": sum(len(order["positions"]) for order in orders),
        "recorded_minutes": _sum(orders, "recorded_minutes", 0),
        "billable_minutes": _sum(orders, "billable_minutes", 0),
        "net": _sum(orders, "net", 2) if one_currency else None,
    }


def _sum(orders: Iterable[Document], name: str, places: int) -> str:
    return plain(sum((Decimal(order[name]) for order in orders), Decimal(0)), places)
