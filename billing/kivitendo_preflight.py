"""What kivitendo would do wrongly with orders, found in the copy of it before a file is made.

kivitendo takes an order for an obsolete customer without a word, and leaves out a position whose article or unit it
does not know. So a file that is final is refused while anything of that kind is found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from billing.erp_models import KivitendoArticle, KivitendoCopy, KivitendoCustomer, KivitendoUnit
from billing.kivitendo_copy import OLD_AFTER, age_of, is_configured, the_copy
from billing.models import Order, OrderPosition


@dataclass(frozen=True, slots=True)
class Preflight:
    """``problems`` keep a final file from being made, ``notices`` do not; sentences for people, by order number."""

    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """``certain`` is not what rests on a list that is known to lack something."""

    text: str
    certain: bool = True


def preflight(orders: "QuerySet[Order]", *, now: datetime) -> Preflight:
    """Check these orders against the copy; nothing is found where no kivitendo is configured.

    The number of queries does not depend on the number of orders, and rows are read only of what is at fault.
    """
    if not is_configured():
        return Preflight()
    copy = the_copy()
    if copy.read_at is None:
        text = _("kivitendo has not been read yet, so no order can be checked. Read it on the page kivitendo first.")
        return Preflight(problems=[" ".join(filter(None, [text, copy.error]))])
    notices = list(_notices(copy, now=now))
    faults = _customer_faults(orders, copy) + _article_faults(orders, copy)
    faults.sort(key=lambda item: item[0])
    problems = [text for _number, fault, text in faults if fault.certain]
    return Preflight(problems, notices + [text for _number, fault, text in faults if not fault.certain])


def _notices(copy: KivitendoCopy, *, now: datetime) -> Iterator[str]:
    if copy.read_at is not None and now - copy.read_at > OLD_AFTER:
        yield _("The copy of kivitendo is old.") + " " + age_of(copy) + " " + copy.error
    if not copy.has_articles:
        yield _("The articles of kivitendo cannot be read, so articles and units were not checked.")


def _customer_faults(orders: "QuerySet[Order]", copy: KivitendoCopy) -> list[tuple[str, Fault, str]]:
    """Order number, fault and sentence of each order whose customer is not as it must be."""
    numbers = orders.order_by().values_list("erp_customer_number", flat=True).distinct()
    found: dict[str, list[KivitendoCustomer]] = {number: [] for number in numbers}
    for customer in KivitendoCustomer.objects.filter(number__in=orders.order_by().values("erp_customer_number")):
        found.setdefault(customer.number, []).append(customer)
    faults = {number: fault for number, rows in found.items() if (fault := customer_fault(number, rows, copy))}
    wrong = orders.filter(erp_customer_number__in=list(faults)) if faults else orders.none()
    rows = wrong.order_by("number").values_list("number", "erp_customer_number", "state")
    return [(number, faults[of], _sentence(number, faults[of], state)) for number, of, state in rows]


def customer_fault(number: str, found: Sequence[KivitendoCustomer], copy: KivitendoCopy) -> Fault | None:
    """What is wrong with the customers that have this number, if anything is."""
    names = {"number": number, "count": len(found)}
    if not found and not copy.has_all_customers:
        text = _("customer “%(number)s” is not among those that the view shows, which are not all of them.")
        return Fault(text % names, certain=False)
    if not found:
        return Fault(_("kivitendo has no customer with the number “%(number)s”.") % names)
    if len(found) > 1:
        return Fault(_("kivitendo has %(count)d customers with the number “%(number)s”.") % names)
    if found[0].obsolete:
        return Fault(_("customer “%(number)s” is obsolete in kivitendo.") % names)
    if found[0].locked:
        return Fault(_("customer “%(number)s” is locked for orders in kivitendo.") % names, certain=False)
    return None


def _article_faults(orders: "QuerySet[Order]", copy: KivitendoCopy) -> list[tuple[str, Fault, str]]:
    if not copy.has_articles:
        return []
    positions = OrderPosition.objects.filter(order__in=orders.order_by())
    pairs = set(positions.order_by().values_list("article_number", "unit").distinct())
    articles: dict[str, list[KivitendoArticle]] = {}
    for article in KivitendoArticle.objects.filter(number__in={number for number, _unit in pairs}):
        articles.setdefault(article.number, []).append(article)
    bases = dict(KivitendoUnit.objects.values_list("name", "base"))
    faults = {
        (number, unit): fault
        for number, unit in pairs
        if (fault := _article_fault(number, articles.get(number, [])))
        or (fault := _unit_fault(unit, articles[number][0].unit, bases, copy))
    }
    if not faults:
        return []
    wrong = positions.filter(article_number__in={number for number, _unit in faults})
    rows = set(wrong.order_by().values_list("order__number", "order__state", "article_number", "unit").distinct())
    return [
        (number, faults[article, unit], _sentence(number, faults[article, unit], state))
        for number, state, article, unit in sorted(rows)
        if (article, unit) in faults
    ]


def _article_fault(number: str, found: Sequence[KivitendoArticle]) -> Fault | None:
    names = {"number": number, "count": len(found)}
    if not found:
        return Fault(_("kivitendo has no article with the number “%(number)s”, or it is not a service.") % names)
    if len(found) > 1:
        return Fault(_("kivitendo has %(count)d articles with the number “%(number)s”.") % names)
    if found[0].obsolete:
        return Fault(_("article “%(number)s” is obsolete in kivitendo.") % names)
    return None


def _unit_fault(unit: str, of_article: str, bases: dict[str, str], copy: KivitendoCopy) -> Fault | None:
    """kivitendo knows a unit by its exact name, and converts it where both are multiples of the same one."""
    if unit == of_article:
        return None
    names = {"unit": unit, "other": of_article}
    if unit not in bases:
        text = _("kivitendo has no unit “%(unit)s”; the article has “%(other)s”.")
        return Fault(text % names, certain=copy.has_all_units)
    if _root(unit, bases) != _root(of_article, bases):
        text = _("the unit “%(unit)s” cannot be converted to the article's unit “%(other)s”.")
        return Fault(text % names, certain=copy.has_all_units)
    return None


def _root(unit: str, bases: dict[str, str]) -> str:
    """The unit that this one is a multiple of in the end; a circle ends where it closes, at its least name."""
    way = [unit]
    while (base := bases.get(way[-1], "")) and base not in way:
        way.append(base)
    return min(way[way.index(base) :]) if base else way[-1]


def _sentence(number: str, fault: Fault, state: str) -> str:
    """Names the order and what to do. What is issued is frozen, with its customer number, articles and units."""
    if state in (Order.State.DRAFT, Order.State.APPROVED):
        remedy = _("Set it right in kivitendo and read it again, or correct the agreement and start the run again.")
    else:
        remedy = _("Set it right in kivitendo and read it again, or void the order and correct the agreement.")
    return _("Order %(number)s: %(fault)s %(remedy)s") % {"number": number, "fault": fault.text, "remedy": remedy}
