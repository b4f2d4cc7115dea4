"""How the list of registered systems is narrowed down; everything stands in the address."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters import filters
from django_filters.filterset import FilterSet

from registration.listing import system_called, versions_and_types
from registration.status_texts import ATTENTION, ENDED, LABELS

NEEDS_ATTENTION = "attention"
STATES = [(NEEDS_ATTENTION, _("needs attention")), *((status.value, label) for status, label in LABELS.items())]


class SystemFilter(FilterSet):
    """``systems`` come from ``listing.systems_of``. Version and type offer what occurs among them."""

    q = filters.CharFilter(label=_("Host name or description"), method="search", max_length=200)
    customer = filters.CharFilter(label=_("Customer (number or name)"), method="of_customer", max_length=200)
    state = filters.ChoiceFilter(label=_("State"), empty_label=_("All but ended"), choices=STATES, method="in_state")
    type = filters.ChoiceFilter(label=_("Type"), empty_label=_("All types"), field_name="shown_type")
    version = filters.ChoiceFilter(label=_("Version"), empty_label=_("All versions"), field_name="product_version")

    def __init__(self, query: QueryDict, *, systems: QuerySet[Any]) -> None:
        super().__init__(query, queryset=systems)  # type: ignore[no-untyped-call]  # the base is untyped
        versions, types = versions_and_types(systems)
        self.filters["version"].extra["choices"] = [(name, name) for name in versions]
        self.filters["type"].extra["choices"] = [(name, name) for name in types]

    def filter_queryset(self, systems: QuerySet[Any]) -> QuerySet[Any]:
        """Ended registrations are listed when they are asked for."""
        found: QuerySet[Any] = super().filter_queryset(systems)  # type: ignore[no-untyped-call]
        return found if self.form.cleaned_data.get("state") else found.exclude(state__in=ENDED)

    def search(self, systems: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        return systems.filter(system_called(text))

    def of_customer(self, systems: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        number = Q(account__customer__customer_id__iexact=text)
        return systems.filter(number | Q(account__customer__name__icontains=text))

    def in_state(self, systems: QuerySet[Any], name: str, choice: str) -> QuerySet[Any]:
        return systems.filter(status__in=ATTENTION if choice == NEEDS_ATTENTION else [choice])
