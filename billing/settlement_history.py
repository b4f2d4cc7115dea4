"""What the history of an order says about its discrepancies: how they were settled, and what carried that out."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.models import Order
from billing.settlement_models import LATE_KINDS, Choice, Kind, Settlement, SettlementLine
from common.money import plain


def settled_texts(settlements: Iterable[Settlement], *, reason: str, taken_back: bool = False) -> dict[int, str]:
    """By primary key of the order that the discrepancies were about: how many, what, minutes and money, and why."""
    keys = [row.pk for row in settlements]
    by_order: defaultdict[int, list[Settlement]] = defaultdict(list)
    for row in Settlement.objects.filter(pk__in=keys).select_related("position").order_by("pk"):
        by_order[row.position.order_id].append(row)
    head = _("Taken back:") if taken_back else ""
    return {order: "\n".join(filter(None, [head, *_lines(rows), reason])) for order, rows in by_order.items()}


def _lines(rows: Collection[Settlement]) -> list[str]:
    together: defaultdict[tuple[str, str, str, str], list[Settlement]] = defaultdict(list)
    for row in rows:
        together[row.kind, row.choice, row.currency, row.supplement_number].append(row)
    return [_line(key, found) for key, found in together.items()]


def _line(key: tuple[str, str, str, str], rows: Collection[Settlement]) -> str:
    kind, choice, currency, supplement = key
    minutes = sum((row.minutes_at_stake for row in rows), Decimal(0))
    money = sum((row.money_at_stake for row in rows), Decimal(0))
    text = f"{len(rows)} × {Kind(kind).label}: {Choice(choice).label}"
    text += f", {plain(minutes)} min, {plain(money, 2)} {currency}"
    return f"{text} ({supplement})" if supplement else text


def carried_out_by(orders: Collection[Order]) -> dict[int, set[int]]:
    """By primary key of earlier orders: those of ``orders`` that correct them or bill what came too late for them."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    lines = SettlementLine.objects.filter(live=True, position__order__in=orders)
    late = Settlement.objects.filter(
        live=True,
        kind__in=LATE_KINDS,
        choice__in=(Choice.NEXT_ORDER, Choice.SUPPLEMENT),
        entry__allocations__live=True,
        entry__allocations__position__order__in=orders,
    )
    pairs = [
        *lines.order_by().values_list("settlement__position__order", "position__order"),
        *late.order_by().values_list("position__order", "entry__allocations__position__order"),
    ]
    for earlier, order in pairs:
        if earlier != order:
            found[earlier].add(order)
    return dict(found)


def carried_out_texts(pairs: Mapping[int, Collection[int]], orders: Iterable[Order], text: str) -> dict[int, str]:
    """By primary key of the earlier orders: ``text`` with the document numbers, which are ``%(numbers)s`` there."""
    documents = {order.pk: order.document_number or order.number for order in orders}
    return {
        earlier: text % {"numbers": ", ".join(sorted(documents[order] for order in later))}
        for earlier, later in pairs.items()
    }
