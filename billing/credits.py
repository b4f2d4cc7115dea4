"""What a changed entry makes of a position that was billed: by the position's own frozen rule, never by today's.

A position is corrected as a whole, because minutes may be rounded for a whole ticket. What it bills by now is what it
held when it was issued and what later lines have corrected since. A line is what the position should come to by now,
less what was charged for it before: so a series of lines ends at the same amount as a single one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from billing.models import Allocation, Order, OrderPosition
from billing.pricing import Parts, Rule, amount, billable_minutes, quantity
from billing.settlement_models import Settlement, SettlementLine
from billing.settlements import Correction, corrections
from common.money import plain
from common.months import Month

Minutes = Mapping[int, tuple[date, Decimal]]
"""Day and minutes of entries, by primary key."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What time comes to. ``quantity`` is in the unit of the position."""

    billable_minutes: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)

    def __add__(self, other: "Worth") -> "Worth":
        return Worth(self.billable_minutes + other.billable_minutes, self.quantity + other.quantity)

    def __sub__(self, other: "Worth") -> "Worth":
        return Worth(self.billable_minutes - other.billable_minutes, self.quantity - other.quantity)


@dataclass(frozen=True, slots=True)
class CreditLine:
    """A position that corrects one of an earlier order, not saved yet, and the settlements that it carries out."""

    position: OrderPosition
    settlements: frozenset[int]
    currency: str


def held_minutes(positions: Collection[int]) -> defaultdict[int, dict[int, tuple[date, Decimal]]]:
    """What these positions held when they were issued, by position and entry; void ones have let go of it since."""
    found: defaultdict[int, dict[int, tuple[date, Decimal]]] = defaultdict(dict)
    held = Allocation.objects.filter(position__in=positions).order_by()
    for position, entry, day, minutes in held.values_list("position", "entry", "entry__local_day", "minutes"):
        found[position][entry] = day, minutes
    return found


def billed_minutes(positions: Collection[int]) -> dict[int, dict[int, tuple[date, Decimal]]]:
    """What these positions bill by now, with all corrections, by position and entry. Two queries."""
    found = held_minutes(positions)
    for each in corrections(Settlement.objects.filter(allocation__position__in=positions)):
        found[each.position] = corrected(found[each.position], [(each.entry, each.minutes)])
    return found


def corrected(minutes: Minutes, changes: Iterable[tuple[int, Decimal]]) -> dict[int, tuple[date, Decimal]]:
    """The minutes with these changes, each of an entry that is there."""
    found = dict(minutes)
    for entry, change in changes:
        day, before = found[entry]
        found[entry] = day, before + change
    return found


def worth(position: OrderPosition, minutes: Minutes) -> Worth:
    """What these minutes come to by the rule of the position; nothing is cut at zero.

    Minutes that were included or prepaid cost nothing and stay used: only what was charged can be given back.
    """
    rule = Rule.from_json(position.rule)
    billable = billable_minutes(parts_of(minutes, rule.rounding_scope), rule)
    return Worth(billable, quantity(_charged(billable, position.included_minutes + position.prepaid_minutes), rule))


def amount_of(position: OrderPosition, units: Decimal) -> Decimal:
    """What so many units cost at the price and discount of the position."""
    return amount(units, position.unit_price, position.discount)


def _charged(billable: Decimal, covered: Decimal) -> Decimal:
    return billable if billable < 0 else max(billable - covered, Decimal(0))


def parts_of(minutes: Minutes, scope: str) -> Parts:
    """What is rounded on its own: each entry, each day, or all of it."""
    if scope == "entry":
        return [(each, 1) for _day, each in minutes.values()]
    if scope == "day":
        days: defaultdict[date, Decimal] = defaultdict(Decimal)
        for day, each in minutes.values():
            days[day] += each
        return [(each, 1) for each in days.values()]
    return [(sum((each for _day, each in minutes.values()), Decimal(0)), 1)]


def waiting_corrections(customers: Iterable[int], month: Month) -> list[Correction]:
    """What these customers' order of the month has to carry out: of earlier orders, and in no other order yet."""
    earlier = Settlement.objects.filter(
        position__order__customer__in=list(customers), position__order__month__lt=month.first_day
    )
    found = [each for each in corrections(earlier) if not each.is_carried_out]
    if not found:
        return []
    lines = _lines_elsewhere(month).filter(settlement__in=[each.settlement for each in found])
    elsewhere = set(lines.values_list("settlement", flat=True))
    return [each for each in found if each.settlement not in elsewhere]


def _lines_elsewhere(month: Month) -> QuerySet[SettlementLine]:
    """Lines that stand, but for those in drafts of the month, which are written anew."""
    drafted = OrderPosition.objects.filter(
        order__month=month.first_day, order__supplement=0, order__state=Order.State.DRAFT
    )
    return SettlementLine.objects.filter(live=True).exclude(position__in=drafted.order_by().values("pk"))


def credit_lines(customers: Iterable[int], month: Month) -> dict[int, list[CreditLine]]:
    """The lines that correct earlier orders, by customer: one for each position that is corrected."""
    waiting: defaultdict[int, list[Correction]] = defaultdict(list)
    for each in waiting_corrections(customers, month):
        waiting[each.position].append(each)
    if not waiting:
        return {}
    positions = OrderPosition.objects.select_related("order__customer", "ticket").in_bulk(list(waiting))
    held, charged = held_minutes(waiting.keys()), _charged_before(waiting.keys(), month)
    lines: defaultdict[int, list[CreditLine]] = defaultdict(list)
    for position in sorted(positions.values(), key=lambda line: (line.order.month, line.order_id, line.position)):
        minutes = held[position.pk]
        changes, before = charged.get(position.pk, ([], Worth()))
        after = corrected(minutes, [*changes, *((each.entry, each.minutes) for each in waiting[position.pk])])
        made = worth(position, after) - worth(position, minutes) - before
        lines[position.order.customer_id].append(_credit_line(position, waiting[position.pk], made))
    return dict(lines)


def _charged_before(positions: Collection[int], month: Month) -> dict[int, tuple[list[tuple[int, Decimal]], Worth]]:
    """What other lines have corrected of these positions: minutes by entry, and what the lines come to."""
    rows = _lines_elsewhere(month).filter(settlement__position__in=positions)
    found: dict[int, tuple[list[tuple[int, Decimal]], Worth]] = {}
    seen: set[int] = set()
    columns = ("settlement__position", "settlement__entry", "settlement__minutes_at_stake", "position")
    of_line = ("position__billable_minutes", "position__quantity")
    for position, entry, minutes, line, billable, units in rows.order_by("pk").values_list(*columns, *of_line):
        changes, charged = found.get(position, ([], Worth()))
        charged = charged if line in seen else charged + Worth(billable, units)
        found[position] = [*changes, (entry, minutes)], charged
        seen.add(line)
    return found


def _credit_line(earlier: OrderPosition, waiting: Sequence[Correction], made: Worth) -> CreditLine:
    position = OrderPosition(
        kind=OrderPosition.Kind.CREDIT,
        ticket=earlier.ticket,
        rate_rule_id=earlier.rate_rule_id,
        text=_text(earlier, waiting),
        recorded_minutes=Decimal(0),
        billable_minutes=made.billable_minutes,
        quantity=made.quantity,
        unit=earlier.unit,
        unit_price=earlier.unit_price,
        discount=earlier.discount,
        amount=amount_of(earlier, made.quantity),
        article_number=earlier.article_number,
        rule=earlier.rule,
    )
    return CreditLine(position, frozenset(each.settlement for each in waiting), waiting[0].currency)


def _text(earlier: OrderPosition, waiting: Sequence[Correction]) -> str:
    """For the customer, so in German as the text of every position: the document, the ticket and why."""
    billed = sum((each.minutes_billed for each in waiting), Decimal(0))
    now = sum((each.minutes_now for each in waiting), Decimal(0))
    document = earlier.order.document_number or earlier.order.number
    number = earlier.ticket.number if earlier.ticket else ""
    return (
        f"Korrektur zu {document} ({earlier.order.number}), Position {earlier.position}, "
        f"Ticket {number}: {plain(now)} min statt {plain(billed)} min"
    )
