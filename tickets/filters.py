"""How the list of tickets is narrowed down; everything stands in the address."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters import filters
from django_filters.filterset import FilterSet

from tickets.called import ticket_called
from tickets.listing import queues_and_states
from tickets.models import AnyUser, Ticket
from tickets.periods import Period

BILLED = [("yes", _("billed")), ("partly", _("partly billed")), ("no", _("not billed"))]


class TicketFilter(FilterSet):
    """Queue and state offer what occurs among the tickets of the period."""

    q = filters.CharFilter(label=_("Number or title"), method="search", max_length=200)
    customer = filters.CharFilter(label=_("Customer (number or name)"), method="of_customer", max_length=200)
    queue = filters.ChoiceFilter(label=_("Queue"), empty_label=_("All queues"))
    state = filters.ChoiceFilter(label=_("State"), empty_label=_("All states"))
    billed = filters.ChoiceFilter(label=_("Billed"), empty_label=_("All"), choices=BILLED, method="by_billing")

    def __init__(self, query: QueryDict, *, tickets: QuerySet[Ticket], period: Period, user: AnyUser) -> None:
        super().__init__(query, queryset=tickets)  # type: ignore[no-untyped-call]  # the base is untyped
        queues, states = queues_and_states(tickets, period, user=user)
        self.filters["queue"].extra["choices"] = [(name, name) for name in queues]
        self.filters["state"].extra["choices"] = [(name, name) for name in states]

    def search(self, tickets: QuerySet[Ticket], name: str, text: str) -> QuerySet[Ticket]:
        return tickets.filter(ticket_called(text))

    def of_customer(self, tickets: QuerySet[Ticket], name: str, text: str) -> QuerySet[Ticket]:
        return tickets.filter(Q(customer__customer_id__iexact=text) | Q(customer__name__icontains=text))

    def by_billing(self, tickets: QuerySet[Ticket], name: str, choice: str) -> QuerySet[Ticket]:
        wanted: dict[str, Any] = {
            "yes": {"has_billed": True, "has_unbilled": False},
            "partly": {"has_billed": True, "has_unbilled": True},
            "no": {"has_billed": False, "has_unbilled": True},
        }
        return tickets.filter(**wanted[choice])
