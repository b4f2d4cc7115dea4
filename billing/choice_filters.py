"""Every order that passes the filters of the list, on whatever page of it."""

from datetime import datetime

from django.http import QueryDict

from billing.filters import OrderFilter
from billing.forms import MOST_ORDERS
from billing.models import Order
from billing.order_pages import orders_of
from billing.selection import Step
from tickets.models import AnyUser
from tickets.periods import chosen_period

STATES = {Step.APPROVE: Order.State.DRAFT, Step.ISSUE: Order.State.APPROVED}


def matching(query: str, *, step: Step, user: AnyUser, now: datetime) -> list[int]:
    """Primary keys of those in front of the step; ``query`` is what stands behind the list's question mark.

    At most one more than can be taken at once, so that too many can be told from as many as that.
    """
    asked = QueryDict(query)
    period = chosen_period(asked, now=now, offers_everything=True)
    found = OrderFilter(asked, orders=orders_of(period, user=user)).qs.filter(state=STATES[step])
    return list(found.order_by("pk").values_list("pk", flat=True)[: MOST_ORDERS + 1])
