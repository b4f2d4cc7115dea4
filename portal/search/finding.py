"""What the words of a search are found in. All of it goes through ``visible_to`` or the page's own right."""

from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import BillingRun, Order
from billing.order_pages import may_bill
from billing.order_words import order_called
from common.months import Month
from common.templatetags.formats import month_label
from outofoffice.models import Upload
from outofoffice.rights import may_upload
from portal.search.hits import Group, Hit, first_of
from registration.listing import system_called, systems_of
from registration.models import RegisteredSystem
from registration.status_texts import ENDED
from tickets.called import customer_called, ticket_called
from tickets.models import Agent, AnyUser, Customer, Ticket, TicketSystem, TimeEntry, sees_all_customers

Finder = Callable[[str, AnyUser, int], Iterator[Group]]


def find(text: str, *, user: AnyUser, shown: int, now: datetime) -> list[Group]:
    """What was found, kind by kind and without empty ones. The number of queries depends on the user's rights alone."""
    groups = [group for finder in FINDERS for group in finder(text, user, shown)]
    groups += _systems(text, user, shown, now)
    return [group for group in groups if group.count]


def exactly(text: str, *, user: AnyUser) -> list[Hit]:
    """Tickets, orders and customers with just this number, at most three of each kind; three queries."""
    systems = TicketSystem.objects.values("pk")  # the index on numbers begins with the system
    tickets = Ticket.objects.visible_to(user).filter(system__in=systems, number=text).select_related("customer")[:3]
    same = Q(number=text) | Q(document_number=text)
    orders = Order.objects.visible_to(user).filter(same).select_related("customer").order_by("pk")[:3]
    customers = Customer.objects.visible_to(user).filter(customer_id__iexact=text).select_related("system")[:3]
    return [*map(_ticket, tickets), *map(_order, orders), *map(_customer, customers)]


def _tickets(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    rows = Ticket.objects.visible_to(user).filter(ticket_called(text)).select_related("customer").order_by("-pk")
    found, count = first_of(rows, shown=shown)
    url = _list("tickets:list", period="all", q=text)
    yield Group(label=_("Tickets"), hits=[_ticket(ticket) for ticket in found], count=count, url=url)


def _customers(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    rows = Customer.objects.visible_to(user).filter(customer_called(text)).select_related("system")
    found, count = first_of(rows.order_by("customer_id", "pk"), shown=shown)
    url = _list("billing:agreements", customer=text)
    yield Group(label=_("Customers"), hits=[_customer(customer) for customer in found], count=count, url=url)


def _orders(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    """Void ones apart, as the list of orders shows them only where they are asked for."""
    rows = Order.objects.visible_to(user).filter(order_called(text)).select_related("customer")
    rows = rows.order_by("-month", "number")
    found, count = first_of(rows.not_void(), shown=shown)
    url = _list("billing:orders", period="all", q=text)
    yield Group(label=_("Orders"), hits=[_order(order) for order in found], count=count, url=url)
    found, count = first_of(rows.filter(state=Order.State.VOID), shown=shown)
    url = _list("billing:orders", period="all", state=Order.State.VOID, q=text)
    yield Group(label=_("Void orders"), hits=[_order(order) for order in found], count=count, url=url)


def _agents(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    """All agents, or those who have booked on a ticket that the user may see, as in the reports."""
    rows = Agent.objects.filter(Q(name__icontains=text) | Q(login__icontains=text)).select_related("system")
    if not sees_all_customers(user):
        booked = TimeEntry.objects.visible_to(user).present()
        rows = rows.filter(pk__in=booked.order_by().values("agent"))
    found, count = first_of(rows.order_by("name", "login", "user_id", "pk"), shown=shown)
    hits = [
        Hit(
            kind=_("Agent"),
            name=str(agent),
            note=agent.system.name,
            url=_list("reports:entries", agent=agent.pk, period="all"),
        )
        for agent in found
    ]
    yield Group(label=_("Agents"), hits=hits, count=count)


def _runs(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    """A month, written as ``2026-10``, finds the runs over it."""
    if not may_bill(user):
        return
    try:
        month = Month.parse(text)
    except ValueError:
        return
    rows = BillingRun.objects.filter(month=month.first_day).select_related("customer__system").order_by("pk")
    found, count = first_of(rows, shown=shown)
    hits = [
        Hit(
            kind=_("Billing run"),
            name=month_label(run.month),
            note=str(run.customer or run.get_state_display()),
            url=run.get_absolute_url(),
        )
        for run in found
    ]
    yield Group(label=_("Billing runs"), hits=hits, count=count, url=reverse("billing:runs"))


def _uploads(text: str, user: AnyUser, shown: int) -> Iterator[Group]:
    if not may_upload(user):
        return
    rows = Upload.objects.filter(file_name__icontains=text).defer("content").order_by("-pk")
    found, count = first_of(rows, shown=shown)
    hits = [
        Hit(
            kind=_("Out of office"),
            name=upload.file_name,
            note=str(upload.get_state_display()),
            url=upload.get_absolute_url(),
        )
        for upload in found
    ]
    yield Group(label=_("Out-of-office uploads"), hits=hits, count=count, url=reverse("outofoffice:index"))


def _systems(text: str, user: AnyUser, shown: int, now: datetime) -> Iterator[Group]:
    rows = systems_of(user, now=now).exclude(state__in=ENDED).filter(system_called(text)).order_by("fqdn", "pk")
    found, count = first_of(rows, shown=shown)
    url = _list("registration:systems", q=text)
    yield Group(label=_("Registered systems"), hits=[_system(system) for system in found], count=count, url=url)


FINDERS: list[Finder] = [_tickets, _customers, _orders, _agents, _runs, _uploads]


def _ticket(ticket: Ticket) -> Hit:
    note = " · ".join(filter(None, [ticket.title, str(ticket.customer or "")]))
    return Hit(kind=_("Ticket"), name=ticket.number, note=note, url=ticket.get_absolute_url())


def _order(order: Order) -> Hit:
    parts = [order.document_number, str(order.customer), month_label(order.month), str(order.get_state_display())]
    note = " · ".join(filter(None, parts))
    return Hit(kind=_("Order"), name=order.number, note=note, url=order.get_absolute_url())


def _customer(customer: Customer) -> Hit:
    note = " · ".join(filter(None, [customer.name, customer.system.name]))
    url = reverse("billing:agreement", args=[customer.pk])
    return Hit(kind=_("Customer"), name=customer.customer_id, note=note, url=url)


def _system(system: RegisteredSystem) -> Hit:
    customer = system.account.customer if system.account else None
    return Hit(kind=_("Registered system"), name=system.fqdn, note=str(customer or ""), url=system.get_absolute_url())


def _list(name: str, **parameters: object) -> str:
    return f"{reverse(name)}?{urlencode(parameters)}"
