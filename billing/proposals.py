"""What settling discrepancies together comes to, before it is done."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.credits import amount_of, billed_minutes, worth
from billing.discrepancies import discrepancies
from billing.discrepancy_kinds import Discrepancy
from billing.settlement_models import Choice, Kind
from common.tables import Total
from tickets.models import AnyUser


@dataclass(frozen=True, slots=True)
class Proposal:
    """What settling one discrepancy comes to. The first one of a position carries the money of all that is chosen."""

    discrepancy: Discrepancy
    money: Decimal
    is_rounded_away: bool = False
    """Rounding makes nothing of all that is chosen of the position."""


def propose(chosen: Sequence[Discrepancy]) -> list[Proposal]:
    """What settling them together comes to, by the frozen rules of their positions; two queries."""
    billed = billed_minutes({row.position.pk for row in chosen})
    proposals: list[Proposal] = []
    for position in {row.position.pk: row.position for row in chosen}.values():
        rows = [row for row in chosen if row.position.pk == position.pk]
        before = billed.get(position.pk, {})
        stakes = {row.entry.pk: (row.entry.local_day, row.minutes_now) for row in rows if row.minutes_at_stake}
        units = (worth(position, {**before, **stakes}) - worth(position, before)).quantity
        first = Proposal(rows[0], amount_of(position, units), not units)
        proposals += [first, *(Proposal(row, Decimal(0)) for row in rows[1:])]
    return proposals


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """``rows`` can be settled like this, with the money of just them; ``others`` offer another choice, or none."""

    choice: Choice
    rows: list[Discrepancy]
    others: list[Discrepancy]

    @property
    def keys(self) -> str:
        """For a hidden field."""
        return ",".join(row.key for row in self.rows)

    @property
    def fingerprint(self) -> str:
        """Another one as soon as anything is that the person has looked at."""
        seen = [(row.key, row.facts, row.minutes_at_stake, row.money_at_stake) for row in self.rows]
        return hashlib.sha256(repr((self.choice.value, seen)).encode()).hexdigest()

    @property
    def totals(self) -> list[Total]:
        """Minutes and money at stake in each currency."""
        sums: dict[str, dict[str, Decimal]] = {}
        for row in self.rows:
            values = sums.setdefault(row.currency, dict.fromkeys(("minutes", "money"), Decimal(0)))
            values["minutes"] += row.minutes_at_stake
            values["money"] += row.money_at_stake or 0
        return [Total(currency, sums[currency]) for currency in sorted(sums)]


def choose(keys: Collection[str], *, choice: Choice, user: AnyUser | None) -> Chosen:
    """The open discrepancies with these keys that the user may see; unknown and foreign ones are not there."""
    found = [row for row in discrepancies(user=user) if row.key in set(keys)]
    rows = [row for row in found if choice in row.choices]
    return Chosen(choice=choice, rows=alone(rows), others=[row for row in found if choice not in row.choices])


def alone(rows: Sequence[Discrepancy]) -> list[Discrepancy]:
    """The rows with the money that they come to without the others of their positions; two queries."""
    money = {each.discrepancy.key: each.money for each in propose(rows)}
    seen: set[int] = set()
    found = []
    for row in rows:
        is_first = row.position.pk not in seen
        seen.add(row.position.pk)
        found.append(replace(row, money_at_stake=money[row.key] if is_first else None))
    return found


def narrow(rows: Sequence[Discrepancy], *, kind: str = "", customer: str = "") -> list[Discrepancy]:
    """Those of the kind, and of the customer with this number or a name that holds the text; empty: all."""
    found: Iterable[Discrepancy] = rows
    if customer:
        text = customer.casefold()
        found = [row for row in found if _is_of(row, text)]
    if kind:
        return alone([row for row in found if row.kind == Kind(kind)])
    return list(found)


def _is_of(row: Discrepancy, text: str) -> bool:
    return text == row.customer.customer_id.casefold() or text in row.customer.name.casefold()
