"""The discrepancies as a JSON document; numbers are decimal strings, those to be given back with a minus."""

from collections.abc import Sequence
from decimal import Decimal

from billing.discrepancy_kinds import Discrepancy
from billing.discrepancy_pages import mirrored_at
from common.money import plain
from tickets.models import Customer

Document = dict[str, object]


def discrepancies_document(rows: Sequence[Discrepancy]) -> Document:
    """``discrepancies`` as listed and their ``totals`` in each currency; ``mirrored_at`` is ISO 8601 or ``None``.

    ``choices`` are what ``manage.py settle`` takes for the ``key``.
    """
    read_at = mirrored_at()
    return {
        "mirrored_at": None if read_at is None else read_at.isoformat(),
        "discrepancies": [_document(row) for row in rows],
        "totals": [
            {"currency": currency, "minutes_at_stake": plain(minutes), "money_at_stake": plain(money, 2)}
            for currency, minutes, money in totals_of(rows)
        ],
    }


def totals_of(rows: Sequence[Discrepancy]) -> list[tuple[str, Decimal, Decimal]]:
    """Currency, minutes and amount at stake of the orders in each currency."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        minutes, money = sums.get(row.currency, (Decimal(0), Decimal(0)))
        sums[row.currency] = minutes + row.minutes_at_stake, money + (row.money_at_stake or 0)
    return [(currency, *sums[currency]) for currency in sorted(sums)]


def _document(row: Discrepancy) -> Document:
    return {
        "key": row.key,
        "kind": row.kind.value,
        "allocation": row.allocation,
        "order": row.order.number,
        "month": f"{row.order.month:%Y-%m}",
        "position": row.position.position,
        "customer_id": row.customer.customer_id,
        "customer_now": _customer_id(row.customer_now),
        "ticket": row.ticket.number,
        "ticket_now": None if row.ticket_now is None else row.ticket_now.number,
        "agent": str(row.entry.agent),
        "booked": row.entry.booked_local,
        "units": plain(row.entry.units),
        "minutes_billed": plain(row.minutes_billed),
        "minutes_now": plain(row.minutes_now),
        "minutes_at_stake": plain(row.minutes_at_stake),
        "money_at_stake": None if row.money_at_stake is None else plain(row.money_at_stake, 2),
        "currency": row.currency,
        "sentence": row.sentence,
        "choices": [choice.value for choice in row.choices],
    }


def _customer_id(customer: Customer | None) -> str | None:
    return None if customer is None else customer.customer_id
