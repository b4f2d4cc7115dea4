"""What the pages about agreements show: what each customer pays, what is included or prepaid, and how much is left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import zip_longest

from django.db.models import Prefetch, Q

from billing.agreement_models import FROM_THE_BEGINNING, Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.agreements import agreement_of, agreements_in_force, has_ended, last_day
from billing.explanations import rounding_in_words
from billing.included import Included, included_of
from billing.models import Order
from billing.prepaid import is_usable, usable_blocks
from billing.pricing import Rule
from billing.rule_words import rule_in_words, terms_in_words
from common.months import Month
from tickets.called import customer_called
from tickets.models import AnyUser, Customer

MOST_MOVEMENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow:
    """One customer with what holds in the month."""

    customer: Customer
    agreement: Agreement | None
    has_ended: bool
    rounding: str
    included: Included | None
    prepaid: Decimal
    """Minutes left in the blocks that the period's order may use."""

    @property
    def hourly_rate(self) -> Decimal | None:
        return self.agreement.hourly_rate if self.agreement else None

    @property
    def currency(self) -> str:
        return self.agreement.currency if self.agreement else ""

    @property
    def agreed(self) -> Decimal | None:
        return self.included.agreed if self.included and self.included.agreed else None

    @property
    def left(self) -> Decimal | None:
        return self.included.left if self.included and self.included.agreed else None


def agreement_rows(month: Month, *, user: AnyUser, text: str = "") -> list[AgreementRow]:
    """Every customer whom the user may see, by CustomerID; ``text`` occurs in number or name. Four queries."""
    customers = Customer.objects.visible_to(user).select_related("system").order_by("customer_id", "pk")
    if text:
        customers = customers.filter(customer_called(text))
    shown = list(customers)
    in_force = agreements_in_force(month)
    own = {row.pk: found for row in shown if (found := agreement_of(in_force, row.pk))}
    included = included_of(own, month)
    blocks = usable_blocks(list(own), month, lock=False) if own else {}
    return [_row(customer, own.get(customer.pk), month, included, blocks.get(customer.pk, [])) for customer in shown]


def _row(
    customer: Customer,
    agreement: Agreement | None,
    month: Month,
    included: dict[int, Included],
    blocks: Iterable[PrepaidBlock],
) -> AgreementRow:
    return AgreementRow(
        customer=customer,
        agreement=agreement,
        has_ended=agreement is not None and has_ended(agreement, month),
        rounding=rounding_in_words(Rule.from_agreement(agreement)) if agreement else "",
        included=included.get(customer.pk),
        prepaid=sum((block.balance for block in blocks), Decimal(0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedAgreement:
    """One of a customer's agreements with the days on which it was or is in force."""

    agreement: Agreement
    begins: date | None
    ends: date | None
    in_force: bool
    rounding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMovement:
    movement: PrepaidMovement
    order: Order | None
    """The order that it is about, where it still is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBlock:
    """A prepaid block with its latest movements."""

    block: PrepaidBlock
    usable: bool
    """By the order of the period that ends with the month."""
    last_month: date | None
    """Of the periods whose orders may use it, carry-over counted in; ``None``: without end."""
    movements: Sequence[ShownMovement]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementPage:
    row: AgreementRow
    terms: Sequence[str]
    history: Sequence[DatedAgreement] = ()
    rules: Sequence[str] = ()
    rules_for_all: Sequence[str] = ()
    fees: Sequence[FlatFee] = ()
    blocks: Sequence[ShownBlock] = field(default_factory=tuple)


def agreement_page(customer: Customer, month: Month) -> AgreementPage:
    """All that is agreed with one customer; the number of queries does not depend on how much that is."""
    agreement = agreement_of(agreements_in_force(month, [customer.pk]), customer.pk)
    own = {customer.pk: agreement} if agreement else {}
    blocks = _blocks(customer, month)
    usable = [shown.block for shown in blocks if shown.usable]
    row = _row(customer, agreement, month, included_of(own, month, [customer.pk]), usable)
    held, for_all = _rules(agreement, month)
    return AgreementPage(
        row=row,
        terms=terms_in_words(agreement) if agreement else [],
        history=_history(customer, agreement),
        rules=held,
        rules_for_all=for_all,
        fees=_fees(agreement, month),
        blocks=blocks,
    )


def _history(customer: Customer, in_force: Agreement | None) -> list[DatedAgreement]:
    """The latest first; each ends where the next one begins."""
    found = list(Agreement.objects.filter(customer=customer).order_by("valid_from"))
    nexts = [later.valid_from for later in found[1:]]
    dated = [
        DatedAgreement(
            agreement=agreement,
            begins=agreement.valid_from if agreement.valid_from > FROM_THE_BEGINNING else None,
            ends=min(filter(None, [agreement.valid_to, _day_before(begins)]), default=None),
            in_force=agreement == in_force,
            rounding=rounding_in_words(Rule.from_agreement(agreement)),
        )
        for agreement, begins in zip_longest(found, nexts)
    ]
    return dated[::-1]


def _day_before(begins: date | None) -> date | None:
    return last_day(Month.of(begins).previous) if begins else None


def _rules(agreement: Agreement | None, month: Month) -> tuple[list[str], list[str]]:
    """Those of the agreement and those for all customers, as far as they hold on a day of the month or later."""
    found = RateRule.objects.filter(Q(valid_to=None) | Q(valid_to__gte=month.first_day)).select_related("agent")
    found = found.filter(Q(agreement=None) | Q(agreement=agreement)) if agreement else found.filter(agreement=None)
    currency = agreement.currency if agreement else ""
    rules = [(rule.agreement_id, rule_in_words(rule, currency)) for rule in found.order_by("pk")]
    return [text for owner, text in rules if owner], [text for owner, text in rules if not owner]


def _fees(agreement: Agreement | None, month: Month) -> list[FlatFee]:
    if agreement is None:
        return []
    return list(agreement.flat_fees.filter(Q(valid_to=None) | Q(valid_to__gte=month.first_day)))


def _blocks(customer: Customer, month: Month) -> list[ShownBlock]:
    movements = PrepaidMovement.objects.select_related("user").order_by("-at", "-pk")
    blocks = list(
        PrepaidBlock.objects.filter(customer=customer).prefetch_related(
            Prefetch("movements", queryset=movements[:MOST_MOVEMENTS], to_attr="latest")
        )
    )
    numbers = {movement.order_number for block in blocks for movement in _latest(block)} - {""}
    orders = {order.number: order for order in Order.objects.filter(customer=customer, number__in=numbers)}
    return [
        ShownBlock(
            block=block,
            usable=is_usable(block, month),
            last_month=Month.of(block.expires).shift(block.carry_over_months).first_day if block.expires else None,
            movements=[ShownMovement(movement=each, order=orders.get(each.order_number)) for each in _latest(block)],
        )
        for block in blocks
    ]


def _latest(block: PrepaidBlock) -> list[PrepaidMovement]:
    found: list[PrepaidMovement] = block.latest  # type: ignore[attr-defined]  # prefetched
    return found
