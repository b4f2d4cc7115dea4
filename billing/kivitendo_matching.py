"""Which customer of kivitendo each ticket customer is: matched by number, and what does not match."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreements import agreement_of, agreements_in_force
from billing.erp_models import KivitendoCopy, KivitendoCustomer
from billing.kivitendo_preflight import customer_fault
from common.months import Month
from tickets.models import AnyUser, Customer


class Match(TextChoices):
    MATCHED = "matched", gettext_lazy("matched")
    LOCKED = "locked", gettext_lazy("locked for orders")
    OBSOLETE = "obsolete", gettext_lazy("obsolete in kivitendo")
    AMBIGUOUS = "ambiguous", gettext_lazy("number not unique")
    NOT_FOUND = "not_found", gettext_lazy("not in kivitendo")
    ONLY_THERE = "only_there", gettext_lazy("only in kivitendo")


AT_FAULT = (Match.OBSOLETE, Match.AMBIGUOUS, Match.NOT_FOUND)
"""Whose orders are not handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A ticket customer and the customers of kivitendo that have its number; or one of kivitendo alone."""

    customer: Customer | None
    number: str
    match: Match
    found: tuple[KivitendoCustomer, ...]
    sentence: str

    @property
    def names(self) -> str:
        """What kivitendo calls it, each name once."""
        return ", ".join(dict.fromkeys(" ".join(filter(None, [row.name, row.city])) for row in self.found))

    @property
    def contacts(self) -> str:
        return ", ".join(str(contact) for row in self.found for contact in row.contacts.all())


def pairs(copy: KivitendoCopy, *, month: Month, user: AnyUser, with_contacts: bool) -> list[Pair]:
    """Every billed ticket customer that the user may see, then what only kivitendo has; a fixed number of queries.

    The agreements of the month say who is billed and under which number.
    Without ``with_contacts`` asking a pair for its contacts costs a query.
    """
    rows = KivitendoCustomer.objects.all()
    by_number: dict[str, list[KivitendoCustomer]] = {}
    for row in rows.prefetch_related("contacts") if with_contacts else rows:
        by_number.setdefault(row.number, []).append(row)
    alike = {_folded(number): number for number in by_number}
    found = [_pair(customer, number, by_number, alike, copy) for customer, number in _billed_customers(month, user)]
    taken = {pair.number for pair in found}
    alone = (row for number, rows in by_number.items() if number not in taken for row in rows)
    text = _("No billed ticket customer has this number.")
    return found + [
        Pair(customer=None, number=row.number, match=Match.ONLY_THERE, found=(row,), sentence=text) for row in alone
    ]


def _billed_customers(month: Month, user: AnyUser) -> Iterable[tuple[Customer, str]]:
    """With the number of their agreement, else the CustomerID, exactly as the orders have it.

    Those that their agreement excludes are left out; without an own one the default agreement decides.
    """
    agreements = agreements_in_force(month)
    for customer in Customer.objects.visible_to(user).select_related("system"):
        own, agreement = agreements.get(customer.pk), agreement_of(agreements, customer.pk)
        if agreement is None or agreement.billed:
            yield customer, (own.erp_customer_number if own else "") or customer.customer_id


def _pair(
    customer: Customer,
    number: str,
    by_number: dict[str, list[KivitendoCustomer]],
    alike: dict[str, str],
    copy: KivitendoCopy,
) -> Pair:
    """``alike`` has one of kivitendo's numbers for each that is the same without regard to case and outer blanks."""
    rows = by_number.get(number, [])
    fault = customer_fault(number, rows, copy)
    sentence = f"{fault.text[:1].upper()}{fault.text[1:]}" if fault else ""
    if not rows and (other := alike.get(_folded(number))):
        sentence += " " + _("It has “%(number)s”, which is not the same to kivitendo.") % {"number": other}
    return Pair(customer=customer, number=number, match=_match(rows), found=tuple(rows), sentence=sentence)


def _match(rows: list[KivitendoCustomer]) -> Match:
    if not rows:
        return Match.NOT_FOUND
    if len(rows) > 1:
        return Match.AMBIGUOUS
    if rows[0].obsolete:
        return Match.OBSOLETE
    return Match.LOCKED if rows[0].locked else Match.MATCHED


def _folded(number: str) -> str:
    return number.strip().casefold()
