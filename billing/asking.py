"""Why is this ticket not in the order? One sentence for each part of its time.

A ticket that there is not and one that the asking user may not see get the same answer.
"""

from collections.abc import Iterable

from django.db.models import Sum
from django.utils.translation import gettext as _

from billing.claims import stored_minutes
from billing.models import Allocation, Order, OrderPosition
from billing.pricing import one_line
from billing.queries import LeftOut, left_out
from common.months import Month
from common.templatetags.formats import number
from tickets.models import AnyUser, Ticket

LONGEST_NUMBER = 100


def clean_number(text: str) -> str:
    """A ticket number as somebody has typed it."""
    return one_line(text)[:LONGEST_NUMBER].lstrip("#").strip()


def why_not_in_order(number: str, order: Order, *, user: AnyUser) -> list[str]:
    """Where the time of this ticket is, if not in the order; needs the order's customer."""
    tickets = [ticket for ticket in _tickets(number, user) if ticket.system_id == order.customer.system_id]
    answers = [sentence for ticket in tickets for sentence in _of_order(ticket, order, user)]
    return answers or [_unknown(number)]


def why_left_out(number: str, month: Month, rows: Iterable[LeftOut], *, user: AnyUser) -> list[str]:
    """Where the time of this ticket is in the month; ``rows`` is all that was left out and that the user may see."""
    listed = list(rows)
    answers = []
    for ticket in _tickets(number, user):
        found = _in_orders(ticket, month, user) + _left_out(ticket, listed)
        answers += found or [_untouched(ticket, month)]
    return answers or [_unknown(number)]


def _tickets(number: str, user: AnyUser) -> list[Ticket]:
    """One of each ticket system."""
    found = Ticket.objects.visible_to(user).filter(number=number).select_related("customer")
    return list(found.order_by("system", "pk"))


def _of_order(ticket: Ticket, order: Order, user: AnyUser) -> list[str]:
    month = Month.of(order.month)
    here = _in_order(ticket, order)
    if ticket.customer_id is not None and ticket.customer_id != order.customer_id:
        text = _("Ticket %(number)s belongs to %(customer)s; this order is for %(own)s.")
        values = {"number": ticket.number, "customer": ticket.customer, "own": order.customer}
        return [*here, text % values]
    rows = left_out(month, customer=ticket.customer, user=user)
    others = _in_orders(ticket, month, user, besides=order)
    return here + others + _left_out(ticket, rows) or [_untouched(ticket, month)]


def _in_order(ticket: Ticket, order: Order) -> list[str]:
    text = _("Ticket %(number)s stands in this order: position %(position)d, %(minutes)s recorded minutes.")
    lines = OrderPosition.objects.filter(order=order, ticket=ticket).order_by("position")
    return [
        text % {"number": ticket.number, "position": line.position, "minutes": number(line.recorded_minutes)}
        for line in lines
    ]


def _in_orders(ticket: Ticket, month: Month, user: AnyUser, besides: Order | None = None) -> list[str]:
    """Orders of the month that hold its time, as far as the user may see them."""
    orders = Order.objects.visible_to(user).filter(month=month.first_day)
    orders = orders if besides is None else orders.exclude(pk=besides.pk)
    held = Allocation.objects.filter(live=True, entry__ticket=ticket, position__order__in=orders)
    text = _("%(minutes)s minutes of ticket %(number)s stand in order %(order)s of this month.")
    sums = held.order_by("position__order__number").values_list("position__order__number").annotate(Sum("minutes"))
    return [
        text % {"minutes": number(stored_minutes(total)), "number": ticket.number, "order": order}
        for order, total in sums
    ]


def _left_out(ticket: Ticket, rows: Iterable[LeftOut]) -> list[str]:
    text = _("%(minutes)s minutes of ticket %(number)s: %(sentence)s")
    return [
        text % {"minutes": number(row.minutes), "number": ticket.number, "sentence": row.sentence}
        for row in rows
        if row.ticket.pk == ticket.pk
    ]


def _untouched(ticket: Ticket, month: Month) -> str:
    text = _("Ticket %(number)s was not closed in %(month)s, and no time was booked on it in that month.")
    return text % {"number": ticket.number, "month": month}


def _unknown(number: str) -> str:
    text = _(
        "There is no ticket “%(number)s” here that you may see. Type the whole number, as it stands in the ticket."
    )
    return text % {"number": number}
