"""Settling discrepancies, and taking a settlement back while nothing that was issued rests on it.

Customers are locked before their orders, as runs do it, so that no run claims late time while somebody decides on it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from billing.discrepancies import discrepancies
from billing.discrepancy_kinds import Discrepancy
from billing.issuing import LONGEST_REASON
from billing.models import Allocation, Order, OrderEvent
from billing.orders import OrdersRefused, lock_orders, record_texts
from billing.proposals import Proposal, propose
from billing.resting import end_settlements
from billing.settlement_history import settled_texts
from billing.settlement_models import Choice, Settlement, SettlementLine
from billing.settlements import CORRECTING
from billing.supplements import discard_supplement, draft_supplements
from tickets.models import AnyUser, Customer


@transaction.atomic
def settle(
    chosen: Sequence[Discrepancy], *, choice: Choice, reason: str, user: AnyUser | None, now: datetime
) -> list[Settlement]:
    """Settle all these discrepancies or none, as they were looked at, and carry out what the choice means.

    They are read anew under a lock. Raises ``OrdersRefused`` where one is settled or is otherwise by now, where it
    does not offer the choice, or where rounding makes nothing of a difference that is to be credited or billed. The
    history of each order says what was settled and why.
    """
    orders = {row.order.pk for row in chosen}
    _lock({row.customer.pk for row in chosen}, orders)
    rows, sentences = _as_they_are(chosen, orders, choice)
    sentences += _about_reason(reason)
    proposals = propose(rows) if not sentences else []
    sentences += _rounded_away(proposals, choice)
    if sentences:
        raise OrdersRefused(sentences)
    numbers = draft_supplements(rows, user=user, now=now) if choice == Choice.SUPPLEMENT else {}
    made = Settlement.objects.bulk_create(
        _settlement(each, choice, reason.strip(), numbers.get(each.discrepancy.order.pk, ""), user, now)
        for each in proposals
    )
    record_texts(settled_texts(made, reason=reason.strip()), OrderEvent.Kind.SETTLED, user=user, now=now)
    return made


def _lock(customers: Collection[int], orders: Collection[int]) -> list[Order]:
    # No key is changed: whoever only refers to these rows, as a sync does from tickets, need not wait.
    list(Customer.objects.filter(pk__in=customers).order_by("pk").select_for_update(no_key=True))
    return lock_orders(orders)


def _as_they_are(
    chosen: Sequence[Discrepancy], orders: Collection[int], choice: Choice
) -> tuple[list[Discrepancy], list[str]]:
    """The same discrepancies as they stand now, and why one of them cannot be settled like this."""
    now = {row.key: row for row in discrepancies(orders=orders)}
    rows: list[Discrepancy] = []
    sentences = [] if chosen else [_("Choose at least one discrepancy.")]
    for seen in chosen:
        names = {"number": seen.order.number, "ticket": seen.ticket.number}
        row = now.get(seen.key)
        if row is None:
            text = _("A discrepancy of ticket %(ticket)s in order %(number)s is settled or gone by now. Look again.")
            sentences.append(text % names)
        elif (row.facts, row.minutes_billed, row.minutes_now) != (seen.facts, seen.minutes_billed, seen.minutes_now):
            text = _("Time of ticket %(ticket)s in order %(number)s has changed since you looked. Look again.")
            sentences.append(text % names)
        elif choice not in row.choices:
            sentences.append(_not_offered(row, choice))
        else:
            rows.append(row)
    return rows, list(dict.fromkeys(sentences))


def _not_offered(row: Discrepancy, choice: Choice) -> str:
    names = {"number": row.order.number, "ticket": row.ticket.number, "kind": row.kind.label, "choice": choice.label}
    if not row.choices:
        text = _("Order %(number)s is not issued yet: return it to draft and start the run, or issue it first.")
        return text % names
    text = _("“%(choice)s” cannot settle “%(kind)s” on ticket %(ticket)s in order %(number)s.")
    return text % names


def _about_reason(reason: str) -> list[str]:
    if not reason.strip():
        return [_("Say why.")]
    if len(reason.strip()) > LONGEST_REASON:
        return [_("The reason is longer than %(longest)d characters.") % {"longest": LONGEST_REASON}]
    return []


def _rounded_away(proposals: Iterable[Proposal], choice: Choice) -> list[str]:
    """A line without a quantity would say nothing."""
    text = _("Rounding makes nothing of the difference on ticket %(ticket)s in order %(number)s. Accept it instead.")
    rows = [each.discrepancy for each in proposals if each.is_rounded_away]
    return [
        text % {"ticket": row.ticket.number, "number": row.order.number}
        for row in rows
        if choice in CORRECTING and row.allocation is not None
    ]


def _settlement(
    each: Proposal, choice: Choice, reason: str, supplement_number: str, user: AnyUser | None, now: datetime
) -> Settlement:
    row = each.discrepancy
    return Settlement(
        kind=row.kind,
        allocation_id=row.allocation,
        entry=row.entry,
        position=row.position,
        facts=row.facts,
        minutes_billed=row.minutes_billed,
        minutes_now=row.minutes_now,
        minutes_at_stake=row.minutes_at_stake,
        money_at_stake=each.money,
        currency=row.currency,
        choice=choice,
        reason=reason,
        supplement_number=supplement_number,
        at=now,
        user_id=user.pk if user else None,
    )


@transaction.atomic
def take_back(keys: Collection[int], *, reason: str, user: AnyUser | None, now: datetime) -> list[Settlement]:
    """Take back all these settlements (by primary key) or none: what they settled is open again.

    A draft supplement goes as a whole, with all that was settled by it. Raises ``OrdersRefused`` where an order that
    has left draft rests on one of them.
    """
    asked = Settlement.objects.filter(pk__in=keys).select_related("position__order")
    _lock({row.position.order.customer_id for row in asked}, {row.position.order_id for row in asked})
    numbers = {row.supplement_number for row in asked} - {""}
    found = list(Settlement.objects.filter(pk__in=keys).select_for_update(of=("self",), no_key=True).order_by("pk"))
    sentences = _about_reason(reason)
    if len(found) < len(set(keys)) or not all(row.live for row in found):
        sentences.append(_("A settlement is taken back already. Look at the list again."))
    resting = lock_orders(_orders_resting_on(found))
    text = _("Order %(number)s rests on the settlement. Return it to draft or void it first.")
    sentences += [text % {"number": order.number} for order in resting if order.state != Order.State.DRAFT]
    if sentences:
        raise OrdersRefused(sentences)
    for order in resting:
        if order.supplement and order.number in numbers:
            discard_supplement(order, user=user, now=now)
    together = Settlement.objects.filter(live=True, supplement_number__in=numbers)
    ended = {row.pk: row for row in [*found, *together]}
    texts = settled_texts(ended.values(), reason=reason.strip(), taken_back=True)
    record_texts(texts, OrderEvent.Kind.SETTLED, user=user, now=now)
    return end_settlements(ended.values(), reason=reason.strip(), user=user, now=now)


def _orders_resting_on(settlements: Collection[Settlement]) -> set[int]:
    """Orders that hold the late entries because of the settlement, or a line that carries it out."""
    lines = SettlementLine.objects.filter(settlement__in=settlements, live=True)
    late = [row for row in settlements if row.allocation_id is None]
    claims = Allocation.objects.filter(entry__in=[row.entry_id for row in late], live=True)
    return {*lines.values_list("position__order", flat=True), *claims.values_list("position__order", flat=True)}
