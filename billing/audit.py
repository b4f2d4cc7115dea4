"""The proof that the ledger is right, worked out anew from its rows and not from what the code believes.

Each check counts the rows that break a promise; a healthy ledger breaks none. Sums are compared in exact decimals.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing import guards
from billing.adjusting import CHANGEABLE
from billing.agreement_models import PrepaidBlock, PrepaidMovement
from billing.claims import stored_minutes
from billing.credits import Worth, corrected, held_minutes, worth
from billing.differences import unsettled as unsettled_claims
from billing.models import Adjustment, Allocation, NumberRange, Order, OrderPosition
from billing.prepaid import uses_of_all
from billing.settlement_models import Choice, Settlement, SettlementLine
from billing.standing import Standing, with_standing
from common.money import plain, round_money
from tickets.models import TimeEntry

MOST_EXAMPLES = 20
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that is broken: so many times, with examples."""

    check: str
    sentence: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """``minutes`` of all present time entries by ``Standing``; without breaches the ledger is proven right."""

    checks: tuple[str, ...]
    breaches: tuple[Breach, ...]
    minutes: dict[str, Decimal]
    mirrored: Decimal
    orders: int
    entries: int


def audit_ledger() -> Audit:
    """Look at every order, position, claim and time entry. Reads only; memory does not grow with the entries.

    All is seen as it stands at one moment, so that a run at work meanwhile is no breach.
    """
    with _one_moment():
        return _audit()


@contextmanager
def _one_moment() -> Iterator[None]:
    if connection.in_atomic_block:  # whoever began the transaction has said what it sees
        yield
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _audit() -> Audit:
    breaches = []
    for name, (sentence, found) in CHECKS.items():
        examples, count = [], 0
        for example in found():
            count += 1
            if count <= MOST_EXAMPLES:
                examples.append(example)
        if count:
            breaches.append(Breach(name, str(sentence), count, tuple(examples)))
    minutes, entries = _minutes_by_standing()
    mirrored = _sum(TimeEntry.objects.present().order_by().values_list("minutes", flat=True))
    return Audit(
        checks=tuple(CHECKS),
        breaches=tuple(breaches),
        minutes=minutes,
        mirrored=mirrored,
        orders=Order.objects.count(),
        entries=entries,
    )


def _sum(values: "QuerySet[Any, Decimal]") -> Decimal:
    return sum(values.iterator(chunk_size=CHUNK), Decimal(0))


def _minutes_by_standing() -> tuple[dict[str, Decimal], int]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    entries = 0
    rows: Any = with_standing(TimeEntry.objects.present()).order_by()
    for standing, minutes in rows.values_list("standing", "minutes").iterator(chunk_size=CHUNK):
        sums[standing] += minutes
        entries += 1
    return {standing.value: sums[standing.value] for standing in Standing}, entries


def _billed_twice() -> Iterator[str]:
    doubles = Allocation.objects.filter(live=True).order_by().values("entry").annotate(n=Count("pk")).filter(n__gt=1)
    for row in doubles:
        yield f"entry {row['entry']}"


def _totals_differ() -> Iterator[str]:
    """Orders that are not the sum of their positions."""
    sums: dict[int, list[Decimal]] = {}
    lines = OrderPosition.objects.order_by().values_list("order", "recorded_minutes", "billable_minutes", "amount")
    for order, *values in lines.iterator(chunk_size=CHUNK):
        known = sums.setdefault(order, [Decimal(0)] * 3)
        sums[order] = [have + more for have, more in zip(known, values, strict=True)]
    orders = Order.objects.order_by("pk").values_list(
        "pk", "number", "recorded_minutes", "billable_minutes", "net_amount"
    )
    for pk, number, *totals in orders.iterator(chunk_size=CHUNK):
        if totals != sums.get(pk, [Decimal(0)] * 3):
            yield number


def _amounts_differ() -> Iterator[str]:
    lines = OrderPosition.objects.order_by("pk").values_list(
        "order__number", "position", "quantity", "unit_price", "discount", "amount"
    )
    for number, position, quantity, price, discount, amount in lines.iterator(chunk_size=CHUNK):
        if round_money(quantity * price * (100 - discount) / 100) != amount:
            yield f"{number}/{position}"


def _claims_differ() -> Iterator[str]:
    """Positions of orders that stand which do not hold exactly the minutes that they show."""
    held: defaultdict[int, Decimal] = defaultdict(Decimal)
    claims = Allocation.objects.filter(live=True).order_by().values_list("position", "minutes")
    for position, minutes in claims.iterator(chunk_size=CHUNK):
        held[position] += minutes
    lines = OrderPosition.objects.filter(kind=OrderPosition.Kind.TIME).exclude(order__state=Order.State.VOID)
    lines = lines.order_by("pk")
    columns = lines.values_list("pk", "order__number", "position", "recorded_minutes")
    for pk, number, position, recorded in columns.iterator(chunk_size=CHUNK):
        if held[pk] != recorded:
            yield f"{number}/{position}"


def _prepaid_differs() -> Iterator[str]:
    """Blocks whose balance is not the sum of their movements, and orders that did not take what they show."""
    moved = dict(PrepaidMovement.objects.order_by().values_list("block").annotate(total=Sum("minutes")))
    for pk, name, balance in PrepaidBlock.objects.order_by("pk").values_list("pk", "name", "balance"):
        if balance != stored_minutes(moved.get(pk)):
            yield f"{name}: {plain(balance)} min"
    shown = Order.objects.not_void().order_by().values_list("number").annotate(total=Sum("positions__prepaid_minutes"))
    wanted = {number: stored_minutes(total) for number, total in shown if total}
    taken = {number: sum(uses.values(), Decimal(0)) for number, uses in uses_of_all().items()}
    for number in sorted(wanted.keys() | taken.keys()):
        if wanted.get(number, Decimal(0)) != taken.get(number, Decimal(0)):
            yield number


def _void_holds() -> Iterator[str]:
    number = "position__order__number"
    held = Allocation.objects.filter(live=True, position__order__state=Order.State.VOID)
    yield from held.order_by(number).values_list(number, flat=True).distinct()


def _numbers_have_gaps() -> Iterator[str]:
    """Numbers that the ranges gave and no order has, and numbers of orders that no range gave, however they look."""
    numbers = Order.objects.filter(document_number__isnull=False).order_by().values_list("document_number", flat=True)
    given = {str(number) for number in numbers}
    ranges = NumberRange.objects.values_list("year", "last")
    expected = {f"{year}-{number:05}" for year, last in ranges for number in range(1, last + 1)}
    yield from sorted(given ^ expected)


def _excluded_is_billed() -> Iterator[str]:
    """Positions that bill what a person has left out of the same order."""
    exclusions = Adjustment.objects.filter(field=Adjustment.Field.INCLUSION)
    out = set(exclusions.order_by().values_list("order", "ticket", "rate_rule", "flat_fee"))
    lines = OrderPosition.objects.filter(order__adjustments__field=Adjustment.Field.INCLUSION, kind__in=CHANGEABLE)
    columns = ("order", "ticket", "rate_rule", "flat_fee", "order__number", "position")
    for *line, number, position in lines.distinct().order_by("order__number", "position").values_list(*columns):
        if tuple(line) in out:
            yield f"{number}/{position}"


def _issued_from_incomplete() -> Iterator[str]:
    yield from (Order.objects.exclude(state=Order.State.DRAFT).filter(complete=False).values_list("number", flat=True))


def _claims_of_others() -> Iterator[str]:
    rows = Allocation.objects.filter(live=True).exclude(entry__system=F("position__order__customer__system"))
    for number, entry in rows.values_list("position__order__number", "entry"):
        yield f"{number}: entry {entry}"


def _minutes_get_lost() -> Iterator[str]:
    """Every present minute stands in one way or another; per ticket system and month."""
    mirrored: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    stands: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    entries = TimeEntry.objects.present().order_by()
    for system, day, minutes in entries.values_list("system__name", "local_day", "minutes").iterator(chunk_size=CHUNK):
        mirrored[system, f"{day:%Y-%m}"] += minutes
    standing: Any = with_standing(entries)
    columns = standing.values_list("system__name", "local_day", "minutes", "standing")
    for system, day, minutes, way in columns.iterator(chunk_size=CHUNK):
        stands[system, f"{day:%Y-%m}"] += minutes if way in Standing.values else Decimal(0)
    for key in sorted(mirrored.keys() | stands.keys()):
        if mirrored[key] != stands[key]:
            yield f"{key[0]} {key[1]}: {plain(mirrored[key])} / {plain(stands[key])} min"


def _corrections_differ() -> Iterator[str]:
    """Positions that their corrections do not lead to what they should come to, and corrections that nobody settled.

    Where a correction was voided, rounding may leave a rest until it is drafted anew.
    """
    lines: defaultdict[int, list[SettlementLine]] = defaultdict(list)
    found = SettlementLine.objects.select_related("settlement", "position").order_by("pk")
    for line in found.iterator(chunk_size=CHUNK):
        lines[line.settlement.position_id].append(line)
    held = held_minutes(lines.keys())
    for position in OrderPosition.objects.select_related("order").filter(pk__in=lines).order_by("pk"):
        if all(line.live for line in lines[position.pk]):
            changes = [(line.settlement.entry_id, line.settlement.minutes_at_stake) for line in lines[position.pk]]
            wanted = worth(position, corrected(held[position.pk], changes)) - worth(position, held[position.pk])
            made = {line.position_id: line.position for line in lines[position.pk]}.values()
            if sum((Worth(each.billable_minutes, each.quantity) for each in made), Worth()) != wanted:
                yield str(position)
    bare = OrderPosition.objects.filter(kind=OrderPosition.Kind.CREDIT, settlement_lines__isnull=True)
    for number, place in bare.order_by("pk").values_list("order__number", "position"):
        yield f"{number}/{place}"


def _corrected_wrongly() -> Iterator[str]:
    """Lines in orders that left draft whose settlement, or the claim that it is about, is not in force."""
    lines = SettlementLine.objects.filter(live=True).exclude(position__order__state=Order.State.DRAFT)
    right = Q(settlement__live=True, settlement__allocation__live=True)
    rows = lines.exclude(pk__in=lines.filter(right).values("pk")).order_by("pk")
    for number, settlement in rows.values_list("position__order__number", "settlement"):
        yield f"{number}: settlement {settlement}"


def _billed_although_settled() -> Iterator[str]:
    """Late time that stands in an order although somebody has decided not to bill it as it is."""
    settled = Settlement.objects.filter(live=True, choice=Choice.NOT_BILLABLE)
    held = settled.filter(
        entry__allocations__live=True,
        entry__allocations__minutes=F("minutes_now"),
        entry__allocations__position__ticket=F("position__ticket"),
        entry__allocations__position__order__customer=F("position__order__customer"),
        entry__gone_at__isnull=True,
        entry__minutes=F("minutes_now"),
        entry__ticket=F("position__ticket"),
        entry__ticket__customer=F("position__order__customer"),
    )
    for number, entry in held.order_by("pk").values_list("entry__allocations__position__order__number", "entry"):
        yield f"{number}: entry {entry}"


def _supplements_differ() -> Iterator[str]:
    """Supplements that do not hold exactly the entries that were settled by them."""
    settled: defaultdict[str, set[int]] = defaultdict(set)
    rows = Settlement.objects.filter(live=True, choice=Choice.SUPPLEMENT).order_by()
    for number, entry in rows.values_list("supplement_number", "entry"):
        settled[number].add(entry)
    held: defaultdict[str, set[int]] = defaultdict(set)
    claims = Allocation.objects.filter(live=True, position__order__supplement__gt=0).order_by()
    for number, entry in claims.values_list("position__order__number", "entry"):
        held[number].add(entry)
    yield from sorted(number for number in settled.keys() | held.keys() if settled[number] != held[number])


def _guards_missing() -> Iterator[str]:
    yield from guards.missing(connection)


def unsettled() -> int:
    """Entries of orders that left draft which are no longer so in the ticket system, and that nobody has settled."""
    return unsettled_claims().count()


CHECKS: dict[str, tuple[str | Promise, Callable[[], Iterator[str]]]] = {
    "billed_once": (_("A time entry stands in two order positions."), _billed_twice),
    "totals": (_("An order is not the sum of its positions."), _totals_differ),
    "amounts": (_("An amount is not quantity times price."), _amounts_differ),
    "excluded": (_("An order bills what a person has left out of it."), _excluded_is_billed),
    "claims": (_("A position does not hold the minutes that it shows."), _claims_differ),
    "prepaid": (_("The minutes of a prepaid block do not add up."), _prepaid_differs),
    "corrections": (_("Corrections do not come to what was settled."), _corrections_differ),
    "corrected": (_("An order corrects what nobody has settled."), _corrected_wrongly),
    "settled": (_("Time stands in an order that was settled as not to be billed."), _billed_although_settled),
    "supplements": (_("A supplement does not hold exactly the time settled by it."), _supplements_differ),
    "void": (_("A void order still holds time."), _void_holds),
    "numbers": (_("A document number is missing, or was given twice."), _numbers_have_gaps),
    "complete": (_("An order left draft although its data were not complete."), _issued_from_incomplete),
    "systems": (_("An order holds time of another ticket system."), _claims_of_others),
    "minutes": (_("Mirrored minutes stand nowhere."), _minutes_get_lost),
    "guards": (_("A trigger that protects the orders is missing. Run manage.py migrate."), _guards_missing),
}
