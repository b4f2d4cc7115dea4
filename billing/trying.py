"""What a ticket would cost by an agreement: billing's own reckoning over all of its time, with nothing written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.agreement_models import Agreement, RateRule
from billing.agreements import agreement_of, agreements_in_force
from billing.claims import GRAINS
from billing.explanations import Step, explain
from billing.included import Included, included_of
from billing.pricing import Rule, amount, billable_minutes, quantity, unit_price
from billing.terms import NO_RULE, entry_terms
from common.months import Month
from tickets.models import AnyUser, Ticket, TimeEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedLine:
    """Time of the ticket at one rate, priced before included and prepaid time; as a position would show it."""

    rule: RateRule | None
    """``None``: the agreement's own rate."""
    billable: bool
    entries: Sequence[TimeEntry]
    recorded_minutes: Decimal
    billable_minutes: Decimal
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal
    steps: Sequence[Step] = ()
    included_minutes: Decimal = Decimal(0)
    prepaid_minutes: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    ticket: Ticket
    agreement: Agreement
    lines: Sequence[TriedLine]
    included: Included | None = None
    """Of the period that holds the month; ``None`` where nothing is included."""

    @property
    def net_amount(self) -> Decimal:
        """Of what would be billed."""
        return sum((line.amount for line in self.lines if line.billable), Decimal(0))


def tickets_to_try(number: str, *, user: AnyUser) -> list[Ticket]:
    """Tickets with this number that the user may see, those that have a customer; several where systems share it."""
    found = Ticket.objects.visible_to(user).filter(number=number.strip(), customer__isnull=False)
    return list(found.select_related("customer__system").order_by("system", "pk"))


def agreement_to_try(ticket: Ticket, month: Month) -> Agreement | None:
    """The agreement that the ticket's customer has in the month."""
    return agreement_of(agreements_in_force(month), ticket.customer_id)


def try_out(ticket: Ticket, agreement: Agreement, month: Month) -> Trial:
    """Price everything present on the ticket, billed or not, by the agreement and the rules of the entries' days.

    What is left of the included minutes of the month's period stands beside it.
    """
    terms = entry_terms()
    entries: defaultdict[int, list[TimeEntry]] = defaultdict(list)
    found = TimeEntry.objects.present().filter(ticket=ticket).annotate(rate=terms.rate())
    for entry in found.select_related("agent").order_by("booked_local", "pk"):
        entries[entry.rate].append(entry)  # type: ignore[attr-defined]  # annotated
    lines = [_line(entries[key], terms.rules[key] if key != NO_RULE else None, agreement) for key in sorted(entries)]
    return Trial(ticket=ticket, agreement=agreement, lines=lines, included=_included(ticket, agreement, month))


def _included(ticket: Ticket, agreement: Agreement, month: Month) -> Included | None:
    if not agreement.included_minutes or ticket.customer_id is None:
        return None
    return included_of({ticket.customer_id: agreement}, month, [ticket.customer_id])[ticket.customer_id]


def _line(entries: Sequence[TimeEntry], special: RateRule | None, agreement: Agreement) -> TriedLine:
    rule = Rule.from_agreement(agreement)
    if special is not None:
        rule = rule.with_rate(special.hourly_rate, special.article_number)
    billable = billable_minutes(_parts(entries, rule.rounding_scope), rule)
    units, price = quantity(billable, rule), unit_price(rule)
    line = TriedLine(
        rule=special,
        billable=agreement.billed and (special is None or special.billable),
        entries=entries,
        recorded_minutes=sum((entry.minutes for entry in entries), Decimal(0)),
        billable_minutes=billable,
        quantity=units,
        unit=rule.unit,
        unit_price=price,
        amount=amount(units, price),
    )
    return replace(line, steps=explain(line, rule))


def _parts(entries: Sequence[TimeEntry], scope: str) -> list[tuple[Decimal, int]]:
    """As ``claims`` groups them: what is rounded on its own."""
    if scope == Agreement.RoundingScope.ENTRY:
        return [(entry.minutes, 1) for entry in entries]
    sums: defaultdict[object, Decimal] = defaultdict(Decimal)
    for entry in entries:
        sums[entry.local_day if GRAINS[scope] else None] += entry.minutes
    return [(minutes, 1) for minutes in sums.values()]
