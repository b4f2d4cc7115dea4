"""``/orders`` and what disagrees with them."""

from typing import Annotated

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from ninja import Path, Query, Router
from pydantic import Field

from billing.models import Allocation, Order
from billing.order_pages import orders_of
from billing.stored_files import files_of_order
from portal.api.access import caller
from portal.api.order_records import (
    AllocationRecord,
    OrderRecord,
    OrderWithPositions,
    allocation_record,
    event_record,
    export_record,
    order_facts,
    position_record,
    reference_or_none,
    who,
)
from portal.api.paging import Page, Paging, keyset_page
from portal.api.periods import MonthChoice, period_of
from portal.api.problems import not_there
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import TEXT, Key, api, one_of
from tickets.models import AnyUser

router = Router(tags=["Orders"])


class OrderQuery(Paging):
    """What the list can be asked for."""

    period: Annotated[MonthChoice, Field(description="The month that is billed, or `all`.")] = "all"
    customer: Annotated[Key | None, Field(description="Number of the customer in the portal.")] = None
    customer_name: Annotated[
        str, Field(max_length=200, pattern=TEXT, description="CustomerID, or part of the name.")
    ] = ""
    state: Annotated[
        Annotated[Order.State, one_of(Order.State)] | None, Field(description="Left out: all but void ones.")
    ] = None
    complete: Annotated[bool | None, Field(description="Whether it rests on complete data.")] = None


@reads(router, "/orders", scope=Scope.ORDERS, answer=Page[OrderRecord], summary="Orders")
def orders(request: HttpRequest, query: Query[OrderQuery]) -> Page[OrderRecord]:
    """Orders of the customers that you may see."""
    found = _narrowed(orders_of(period_of(query.period), user=caller(request)), query)
    shown, following = keyset_page(request, found, query)
    return Page(items=[OrderRecord(**order_facts(order)) for order in shown], next=following)


@reads(router, "/orders/{int:order}", scope=Scope.ORDERS, answer=OrderWithPositions, summary="One order")
def order(request: HttpRequest, order: Path[Key]) -> OrderWithPositions:
    """One order with its positions, its history, and the files that hold it and that you may see."""
    user = caller(request)
    found = _visible(order, user)
    files = files_of_order(found, user=user)
    return OrderWithPositions(
        **order_facts(found),
        approved_by=who(found.approved_by),
        issued_by=who(found.issued_by),
        voided_by=who(found.voided_by),
        correction_of=reference_or_none(found.correction_of),
        corrected_by=reference_or_none(getattr(found, "correction", None)),
        positions=[position_record(each) for each in found.positions.select_related("ticket")],
        allocations=api(f"orders/{found.pk}/allocations"),
        discrepancies=api(f"discrepancies?order={found.pk}"),
        events=[event_record(each) for each in found.events.select_related("user")],
        exports=[export_record(each, page=reverse("billing:stored_file", args=[each.pk])) for each in files],
    )


class AllocationQuery(Paging):
    """What the list can be asked for."""


@reads(
    router,
    "/orders/{int:order}/allocations",
    scope=Scope.ORDERS,
    answer=Page[AllocationRecord],
    summary="Time entries of an order",
)
def allocations(request: HttpRequest, order: Path[Key], query: Query[AllocationQuery]) -> Page[AllocationRecord]:
    """The time entries that the positions bill. An entry is live in one order at most."""
    found = Allocation.objects.filter(position__order=_visible(order, caller(request)))
    shown, following = keyset_page(request, found.select_related("position", "entry__agent"), query)
    return Page(items=[allocation_record(each) for each in shown], next=following)


def _visible(key: int, user: AnyUser) -> Order:
    related = ("customer", "approved_by", "issued_by", "voided_by", "correction_of", "correction")
    found = Order.objects.visible_to(user).select_related(*related).filter(pk=key).first()
    if found is None:
        raise not_there()
    return found


def _narrowed(found: QuerySet[Order], query: OrderQuery) -> QuerySet[Order]:
    found = found.filter(state=query.state) if query.state else found.exclude(state=Order.State.VOID)
    if query.customer is not None:
        found = found.filter(customer=query.customer)
    if query.customer_name:
        name = query.customer_name
        found = found.filter(Q(customer__customer_id__iexact=name) | Q(customer__name__icontains=name))
    return found if query.complete is None else found.filter(complete=query.complete)
