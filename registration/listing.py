"""What the list of registered systems shows and counts, and why it is empty."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from common.paging import Empty, no_customers, nothing_matches
from registration.date_check import Status
from registration.models import Account, RegisteredSystem
from registration.queries import with_status
from registration.status_texts import ATTENTION, ENDED, LABELS
from tickets.models import AnyUser, Customer
from tickets.queries import has_no_customers


def systems_of(user: AnyUser, *, now: datetime) -> QuerySet[Any]:
    """Those the user may see, each with ``status`` and ``shown_type``."""
    systems = RegisteredSystem.objects.visible_to(user).for_list()
    kept = Case(When(kept_type="", then=F("reported_type")), default=F("kept_type"))
    return with_status(systems, now=now).annotate(shown_type=kept)


def system_called(text: str) -> Q:
    """Part of the host name or description, or the whole UniqueID."""
    described = Q(kept_description__icontains=text) | Q(kept_description="", reported_description__icontains=text)
    return Q(fqdn__icontains=text) | Q(unique_id__iexact=text) | described


def counts_of(systems: QuerySet[Any]) -> dict[Status, int]:
    """How many of these have which state, in the order of urgency and without those that none has; one query."""
    rows = systems.order_by().values("status").annotate(count=Count("pk"))
    found = {row["status"]: row["count"] for row in rows}
    return {status: found[status] for status in LABELS if status in found}


def attention_of(user: AnyUser, *, now: datetime) -> dict[Status, int]:
    """The counts of the states that a person has to do something about; one query."""
    systems: QuerySet[Any] = with_status(RegisteredSystem.objects.visible_to(user), now=now)
    return counts_of(systems.filter(status__in=ATTENTION))


def urgency() -> Case:
    """0 for the most urgent state, for sorting."""
    places = [When(status=status, then=Value(place)) for place, status in enumerate(LABELS)]
    return Case(*places, output_field=IntegerField())


def versions_and_types(systems: QuerySet[Any]) -> tuple[list[str], list[str]]:
    """What the filters offer: values that occur among the systems that still report; one query."""
    pairs = systems.order_by().filter(~Q(state__in=ENDED)).values_list("product_version", "shown_type").distinct()
    found = list(pairs)
    return _sorted(version for version, _type in found), _sorted(kind for _version, kind in found)


def systems_of_customer(customer: Customer, *, user: AnyUser) -> int:
    """How many systems of the customer the user may see, ended ones left out; one query."""
    systems = RegisteredSystem.objects.visible_to(user).filter(account__customer=customer)
    return systems.exclude(state__in=ENDED).count()


def why_none(*, user: AnyUser, is_filtered: bool, can_add: bool) -> Empty:
    """The sentence for a list without rows: no customers, nothing matches, or nothing registered, and what to do."""
    if has_no_customers(user):
        text = _("You see the systems of the customers that are assigned to you. An administrator can assign them.")
        return no_customers(text)
    if is_filtered:
        text = _("No registered system passes the filters.")
        return nothing_matches(text)
    if Account.objects.exists() or not can_add:
        text = _(
            "No ticket system reports here. In OTRS it is registered under Admin, System Registration, with the "
            "OTRS-ID and the password of its customer's registration account."
        )
        return Empty(title=_("Nothing registered"), text=text)
    text = _(
        "A ticket system registers itself with an OTRS-ID and a password. Make a registration account for a customer "
        "first, then enter both in OTRS under Admin, System Registration."
    )
    make = reverse("admin:registration_account_add")
    return Empty(title=_("Nothing registered"), text=text, url=make, action=_("Make a registration account"))


def _sorted(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})
