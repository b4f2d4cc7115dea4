"""How the lists of orders and of runs are narrowed down; everything stands in the address."""

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters import filters
from django_filters.filterset import FilterSet

from billing.models import BillingRun, Order
from billing.order_words import order_called
from billing.run_lists import in_trouble

COMPLETE = [("yes", _("complete")), ("no", _("not complete"))]


class OrderFilter(FilterSet):
    """Number, customer, state and completeness."""

    def __init__(self, query: QueryDict, *, orders: QuerySet[Order]) -> None:
        super().__init__(query, queryset=orders)  # type: ignore[no-untyped-call]  # the base is untyped

    q = filters.CharFilter(label=_("Number or customer"), method="search", max_length=200)
    customer = filters.CharFilter(label=_("Customer (number or name)"), method="of_customer", max_length=200)
    state = filters.ChoiceFilter(label=_("State"), empty_label=_("All but void"), choices=Order.State.choices)
    complete = filters.ChoiceFilter(label=_("Data"), empty_label=_("All"), choices=COMPLETE, method="by_completeness")

    def filter_queryset(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Void orders are listed when they are asked for: their time stands elsewhere by now."""
        found: QuerySet[Order] = super().filter_queryset(orders)  # type: ignore[no-untyped-call]  # the base is untyped
        return found if self.form.cleaned_data.get("state") else found.exclude(state=Order.State.VOID)

    def search(self, orders: QuerySet[Order], name: str, text: str) -> QuerySet[Order]:
        return orders.filter(order_called(text))

    def of_customer(self, orders: QuerySet[Order], name: str, text: str) -> QuerySet[Order]:
        return orders.filter(Q(customer__customer_id__iexact=text) | Q(customer__name__icontains=text))

    def by_completeness(self, orders: QuerySet[Order], name: str, choice: str) -> QuerySet[Order]:
        return orders.filter(complete=choice == "yes")


class RunFilter(FilterSet):
    """State, completeness, and whether they need a person."""

    def __init__(self, query: QueryDict, *, runs: QuerySet[BillingRun]) -> None:
        super().__init__(query, queryset=runs)  # type: ignore[no-untyped-call]  # the base is untyped

    state = filters.ChoiceFilter(label=_("State"), empty_label=_("All"), choices=BillingRun.State.choices)
    shown = filters.ChoiceFilter(
        label=_("Shown"), empty_label=_("All"), choices=[("trouble", _("Failed or not complete"))], method="those_shown"
    )
    complete = filters.ChoiceFilter(label=_("Data"), empty_label=_("All"), choices=COMPLETE, method="by_completeness")

    def those_shown(self, runs: QuerySet[BillingRun], name: str, choice: str) -> QuerySet[BillingRun]:
        return in_trouble(runs)

    def by_completeness(self, runs: QuerySet[BillingRun], name: str, choice: str) -> QuerySet[BillingRun]:
        return runs.filter(complete=choice == "yes")
