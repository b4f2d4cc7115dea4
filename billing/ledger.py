"""Orders from entries: plan a month, or write it, customers in chunks.

One chunk is one transaction: lock the customers, plan, write orders and positions, claim the entries, then compare
what was claimed with what was priced. The database decides who gets an entry; totals never rest on an older count.
A chunk that the database refuses is billed customer by customer, so that one customer's failure stays its own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from billing.agreement_models import FlatFee
from billing.agreements import Agreements, agreement_of, agreements_in_force
from billing.claims import (
    Gathering,
    LineKey,
    Time,
    billable_times,
    claim_free_entries,
    claimed_times,
    customers_to_bill,
    gatherings,
    tickets_let_in,
    tickets_of,
)
from billing.closed_months import closed_month
from billing.credits import credit_lines
from billing.models import Allocation, Order, OrderEvent, OrderPosition
from billing.numbers import order_numbers
from billing.order_events import write_events
from billing.plans import HEADER, LINE, TOTALS, Change, Facts, OrderPlan, line_key, plan_order
from billing.prepaid import set_uses, usable_blocks, uses_of
from billing.review_models import Adjustment
from billing.settlement_models import SettlementLine
from billing.terms import EntryTerms, entry_terms
from common.months import Month
from tickets.bulk import insert_rows
from tickets.models import Customer, Ticket

CHUNK = 100  # customers per transaction: a transaction for each costs 12 ms more per customer
TRIES = 3  # when entries change between counting and claiming
TICKET_FIELDS = ("number", "title", "state", "state_type", "queue", "service", "customer_id", "customer_user")

BY_PERSONS = (OrderEvent.Kind.ADJUSTED, OrderEvent.Kind.COMMENTED)
REFUSALS = (IntegrityError, OperationalError, DataError)
"""What the database says to one order; the others may go on."""


class TimeMoved(Exception):
    """What was claimed is not what was priced: the mirror changed in between."""


@dataclass(frozen=True, slots=True)
class Failure:
    customer: Customer
    error: str

    def as_json(self) -> dict[str, str]:
        """``customer`` (name), ``customer_id`` and ``error``, as ``BillingRun.failures`` keeps them."""
        return {"customer": self.customer.name, "customer_id": self.customer.customer_id, "error": self.error}


@dataclass(slots=True)
class Plan:
    """A month as it should be billed, by customer; ``failures`` are the customers that cannot be billed."""

    orders: list[OrderPlan] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Plan") -> None:
        self.orders += other.orders
        self.failures += other.failures

    def having(self, *changes: Change) -> list[OrderPlan]:
        return [plan for plan in self.orders if plan.change in changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What all chunks of one run share."""

    month: Month
    numbers: Mapping[int, str]
    complete: bool
    """Whether the data are known to be complete; only then may the orders be approved."""
    user: int | None
    """Primary key of who started the run."""
    now: datetime
    by_person: bool = False
    """It is no run but a person who changes a draft, and who writes into its history what was done."""


def chunks(customers: Sequence[int]) -> list[Sequence[int]]:
    return [customers[start : start + CHUNK] for start in range(0, len(customers), CHUNK)]


def plan_month(month: Month, customer: Customer | None = None) -> Plan:
    """What a run over the mirror as it stands would do; writes nothing.

    Time that another customer's draft still holds is planned there, as in the run, until that draft lets go of it.
    A closed month is left as it is: only orders that stand are in its plan.
    """
    plan, customers = Plan(), customers_to_bill(month, agreements_in_force(month), customer)
    numbers, terms = order_numbers(month), entry_terms()
    for chunk in chunks(customers):
        plan.add(_plan_chunk(chunk, month, numbers, terms, lock=False))
    return Plan(orders=plan.having(Change.CLOSED)) if closed_month(month) else plan


def bill_customers(customers: Sequence[int], writing: Writing) -> Plan:
    """Bring the orders of these customers (by primary key, ascending) up to date; returns what was done."""
    error = ""
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _bill_chunk(customers, writing)
        except TimeMoved:
            error = _("Its time kept changing while it was billed. Nothing was kept; start the run again.")
        except REFUSALS as refusal:
            error = _("The database refused the order (%(refusal)s). Nothing of it was kept; start the run again.")
            error %= {"refusal": f"{type(refusal).__name__}: {refusal}".partition("\n")[0]}
            break
    if len(customers) == 1:
        return Plan(failures=[Failure(Customer.objects.get(pk=customers[0]), error)])
    plan = Plan()
    for customer in customers:
        plan.add(bill_customers([customer], writing))
    return plan


def _bill_chunk(customers: Sequence[int], writing: Writing) -> Plan:
    terms = entry_terms()
    plan = _plan_chunk(customers, writing.month, writing.numbers, terms, lock=True)
    new, changed, emptied = (plan.having(change) for change in (Change.NEW, Change.CHANGED, Change.EMPTIED))
    if changed or emptied:
        _free(changed + emptied)
    _move_prepaid(new + changed + emptied, writing)
    if emptied:
        Order.objects.filter(pk__in=[item.order.pk for item in emptied]).delete()
    if new or changed:
        _write_headers(new, changed, writing)
        _write_adjustments(changed)
        _write_positions(new + changed, writing, terms)
    doubted = [item.order.pk for item in plan.having(Change.UNCHANGED) if not item.order.complete]
    if writing.complete and doubted:
        Order.objects.filter(pk__in=doubted).update(complete=True)
    return plan


def _plan_chunk(
    customers: Sequence[int], month: Month, numbers: Mapping[int, str], terms: EntryTerms, *, lock: bool
) -> Plan:
    """Plan these customers. With ``lock``, they and their orders stay locked until the transaction ends."""
    found = Customer.objects.filter(pk__in=customers).select_related("system").order_by("pk")
    of_month = Order.objects.filter(customer__in=customers, month=month.first_day, supplement=0)
    ordered = of_month.not_void().order_by("pk")
    if lock:
        # No key is changed: whoever only refers to these rows, as a sync does from tickets, need not wait.
        found = found.select_for_update(of=("self",), no_key=True)
        ordered = ordered.select_for_update(no_key=True)
    customers_found = list(found)
    orders = {order.customer_id: order for order in ordered}
    voided = of_month.filter(state=Order.State.VOID, correction=None).order_by("voided_at", "pk")
    corrected = {order.customer_id: order for order in voided}
    agreements = agreements_in_force(month, customers)
    tickets, times, let_in = _gather(gatherings(customers, month, agreements), month, terms)
    fees = _flat_fees(agreements, month)
    drafts = [order.pk for order in orders.values() if order.state == Order.State.DRAFT]
    lines = _lines(drafts)
    claims = claimed_times(drafts) if drafts else {}
    adjustments, commented = _adjustments(drafts), _commented(drafts)
    corrections, carried = credit_lines(customers, month), _carried(drafts)
    blocks = usable_blocks(customers, month, lock=lock)
    uses = uses_of([numbers[pk] for pk in blocks.keys() | orders.keys()])
    plan = Plan()
    for customer in customers_found:
        order, agreement = orders.get(customer.pk), agreement_of(agreements, customer.pk)
        own_uses = uses.get(numbers[customer.pk], {})
        facts = Facts(
            customer=customer,
            agreement=agreement,
            month=month,
            number=numbers[customer.pk],
            order=order,
            corrects=corrected.get(customer.pk),
            tickets=tickets[customer.pk],
            settled=let_in,
            times=times.get(customer.pk, {}),
            rules=terms.rules,
            flat_fees=fees[agreement.pk] if agreement else (),
            corrections=corrections.get(customer.pk, ()),
            carried=carried[order.pk] if order else (),
            prepaid={block.pk: block.balance + own_uses.get(block.pk, 0) for block in blocks.get(customer.pk, ())},
            uses=own_uses,
            lines=lines[order.pk] if order else (),
            claims=claims,
            adjustments=adjustments[order.pk] if order else (),
            commented=order is not None and order.pk in commented,
        )
        try:
            planned = plan_order(facts)
        except ValueError as reason:  # the agreement cannot be used; the text says why
            plan.failures.append(Failure(customer, str(reason)))
        else:
            plan.orders += [planned] if planned else []
    return plan


def _gather(
    groups: Iterable[Gathering], month: Month, terms: EntryTerms
) -> tuple[defaultdict[int | None, list[Ticket]], dict[int | None, dict[LineKey, Time]], set[int]]:
    """The tickets that may be billed, and billable time by ticket and rate; both by customer.

    And the tickets, by primary key, that are let in for their late time alone.
    """
    tickets: defaultdict[int | None, list[Ticket]] = defaultdict(list)
    times: defaultdict[int | None, dict[LineKey, Time]] = defaultdict(dict)
    let_in: set[int] = set()
    for group in groups:
        owners: dict[int, int | None] = {}
        found = list(tickets_of(group, month).order_by().only(*TICKET_FIELDS))
        further = list(tickets_let_in(group, month).order_by().only(*TICKET_FIELDS))
        let_in |= {ticket.pk for ticket in further}
        for ticket in found + further:
            tickets[ticket.customer_id].append(ticket)
            owners[ticket.pk] = ticket.customer_id
        for key, time in billable_times(group, month, terms).items():
            if key[0] in owners:  # else closed between the two statements: the next run bills it
                times[owners[key[0]]][key] = time
    return tickets, times, let_in


def _flat_fees(agreements: Agreements, month: Month) -> defaultdict[int, list[FlatFee]]:
    """Recurring lines valid in the period that ends with the month, by agreement; the default one has none."""
    own = [agreement.pk for agreement in agreements.values() if not agreement.is_default]
    valid = FlatFee.objects.filter(agreement__in=own, valid_from__lte=month.first_day)
    fees: defaultdict[int, list[FlatFee]] = defaultdict(list)
    for fee in valid.filter(Q(valid_to=None) | Q(valid_to__gte=month.first_day)).order_by("valid_from", "pk"):
        fees[fee.agreement_id].append(fee)
    return fees


def _lines(drafts: Collection[int]) -> defaultdict[int, list[OrderPosition]]:
    lines: defaultdict[int, list[OrderPosition]] = defaultdict(list)
    if drafts:
        for line in OrderPosition.objects.filter(order__in=drafts).order_by("order", "position"):
            lines[line.order_id].append(line)
    return lines


def _adjustments(drafts: Collection[int]) -> defaultdict[int, list[Adjustment]]:
    """What persons have changed of these drafts, by draft."""
    adjustments: defaultdict[int, list[Adjustment]] = defaultdict(list)
    if drafts:
        for adjustment in Adjustment.objects.filter(order__in=drafts).select_related("ticket", "flat_fee", "user"):
            adjustments[adjustment.order_id].append(adjustment)
    return adjustments


def _commented(drafts: Collection[int]) -> set[int]:
    """Those of the drafts into whose history persons have written: such a draft does not go when it is emptied."""
    written = OrderEvent.objects.filter(order__in=drafts, kind__in=BY_PERSONS).order_by()
    return set(written.values_list("order", flat=True)) if drafts else set()


def _carried(drafts: Collection[int]) -> defaultdict[int, set[int]]:
    """Settlements that the lines of these drafts carry out, by order."""
    carried: defaultdict[int, set[int]] = defaultdict(set)
    lines = SettlementLine.objects.filter(position__order__in=drafts, live=True)
    for order, settlement in lines.values_list("position__order", "settlement"):
        carried[order].add(settlement)
    return carried


def _free(items: Iterable[OrderPlan]) -> None:
    """Free everything that these drafts hold; they are written anew, or go."""
    positions = OrderPosition.objects.filter(order__in=[item.order.pk for item in items])
    Allocation.objects.filter(position__in=positions).delete()
    positions.delete()


def _write_headers(new: Sequence[OrderPlan], changed: Sequence[OrderPlan], writing: Writing) -> None:
    for item in (*new, *changed):
        item.order.complete, item.order.changed_at = writing.complete, writing.now
    for item in new:
        item.order.created_at = writing.now
    Order.objects.bulk_create([item.order for item in new])
    fields = [*HEADER[1:], "agreement", *TOTALS, "complete", "changed_at"]
    Order.objects.bulk_update([item.order for item in changed], fields)
    events = [_event(item, OrderEvent.Kind.DRAFTED, "", writing) for item in new]
    if not writing.by_person:
        events += [_event(item, OrderEvent.Kind.CHANGED, f"{item.net_before} → ", writing) for item in changed]
    write_events(events)


def _event(item: OrderPlan, kind: OrderEvent.Kind, before: str, writing: Writing) -> OrderEvent:
    text = f"{before}{item.order.net_amount} {item.order.currency}"
    text = "\n".join([text, *item.adjusted.sentences])
    return OrderEvent(order=item.order, kind=kind, at=writing.now, user_id=writing.user, text=text)


def _write_adjustments(changed: Sequence[OrderPlan]) -> None:
    """Forget what could not be kept, and keep what is computed by now beside the rest; the history has said both."""
    dropped = [change.pk for item in changed for change in item.adjusted.dropped]
    restated = [change for item in changed for change in item.adjusted.restated]
    if dropped:
        Adjustment.objects.filter(pk__in=dropped).delete()
    if restated:
        Adjustment.objects.bulk_update(restated, ["original_number", "original_text"])


def _move_prepaid(items: Iterable[OrderPlan], writing: Writing) -> None:
    """Take from prepaid blocks what these orders use now, and give back what they do not use any more."""
    wanted = {item.order.number: item.uses for item in items}
    if wanted:
        set_uses(wanted, uses_of(wanted.keys()), now=writing.now, user=writing.user)


def _write_positions(items: Sequence[OrderPlan], writing: Writing, terms: EntryTerms) -> None:
    """Write and claim; raises ``TimeMoved`` when a position got other entries than it was priced for."""
    for item in items:
        for position in item.positions:
            position.order_id = item.order.pk
    orders = [item.order.pk for item in items]
    _insert_positions(orders, [position for item in items for position in item.positions])
    SettlementLine.objects.bulk_create(
        SettlementLine(settlement_id=settlement, position=line.position)
        for item in items
        for line in item.corrections
        for settlement in line.settlements
    )
    positions = [position for item in items for position in item.time_positions]
    priced = [item.times[line_key(position)] for item in items for position in item.time_positions]
    claim_free_entries(orders, writing.month, terms)
    claimed = claimed_times(orders)
    for position, time in zip(positions, priced, strict=True):
        held = claimed.get(position.pk)
        if held is None or (held.minutes, held.entries) != (time.minutes, time.entries):
            raise TimeMoved


def _insert_positions(orders: Collection[int], positions: Sequence[OrderPosition]) -> None:
    """In bulk, and give each its key; the orders have no others. ``bulk_create`` took a third of a run's time."""
    rows = [[getattr(position, name) for name in ("order_id", *LINE)] for position in positions]
    insert_rows(OrderPosition, ("order_id", *LINE), rows)
    found = OrderPosition.objects.filter(order__in=orders).order_by().values_list("order", "position", "pk")
    keys = {(order, place): pk for order, place, pk in found}
    for position in positions:
        position.pk = keys[position.order_id, position.position]
