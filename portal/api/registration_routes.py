"""``/registrations``: the ticket systems that registered here. Never a key, nor a whole OTRS-ID."""

from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from portal.api.access import caller
from portal.api.paging import Page, Paging, keyset_page
from portal.api.problems import not_there
from portal.api.references import CustomerReference, customer_reference
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.api.values import TEXT, Key, Link, Moment, PagePath, api
from registration.date_check import Status
from registration.listing import systems_of
from registration.masking import masked
from registration.status_texts import ENDED

router = Router(tags=["Registrations"])
Text = Annotated[str, Field(max_length=200, pattern=TEXT)]


class RegistrationQuery(Paging):
    """What the list can be asked for."""

    q: Annotated[Text, Field(description="Part of the host name or description, or a whole UniqueID.")] = ""
    customer: Annotated[Key | None, Field(description="Number of the customer in the portal.")] = None
    state: Annotated[Status | None, Field(description="Left out: all but those that have ended.")] = None
    type: Annotated[Text, Field(description="Its type.", examples=["production"])] = ""
    version: Annotated[Text, Field(description="Its version.", examples=["6.0.30"])] = ""


class RegistrationRecord(BaseModel):
    """A ticket system that registered here, as it reported itself last."""

    id: Key
    url: Link
    page: PagePath
    unique_id: Annotated[str, Field(description="UniqueID.")]
    otrs_id: Annotated[str, Field(description="OTRS-ID, masked.", examples=["ku…@example.org"])]
    customer: CustomerReference | None
    state: Annotated[Status, Field(description="With what time has made of it.")]
    fqdn: str
    type: str
    description: str
    product_version: str
    os_version: str
    database_version: str
    perl_version: str
    registered_at: Moment
    last_update_at: Annotated[Moment, Field(description="The registration counts as the first one.")]
    next_due_at: Moment
    conflict_at: Moment | None
    ended_at: Moment | None


@reads(
    router, "/registrations", scope=Scope.REGISTRATIONS, answer=Page[RegistrationRecord], summary="Registered systems"
)
def registrations(request: HttpRequest, query: Query[RegistrationQuery]) -> Page[RegistrationRecord]:
    """Systems of the customers that you may see."""
    found = _narrowed(systems_of(caller(request), now=timezone.now()), query)
    shown, following = keyset_page(request, found, query)
    return Page(items=[_record(system) for system in shown], next=following)


@reads(
    router,
    "/registrations/{int:system}",
    scope=Scope.REGISTRATIONS,
    answer=RegistrationRecord,
    summary="One registered system",
)
def registration(request: HttpRequest, system: Path[Key]) -> RegistrationRecord:
    """One registered system."""
    found = systems_of(caller(request), now=timezone.now()).filter(pk=system).first()
    if found is None:
        raise not_there()
    return _record(found)


def _narrowed(found: QuerySet[Any], query: RegistrationQuery) -> QuerySet[Any]:
    found = found.filter(status=query.state) if query.state else found.exclude(state__in=ENDED)
    if query.q:
        text = query.q
        described = Q(kept_description__icontains=text) | Q(kept_description="", reported_description__icontains=text)
        found = found.filter(Q(fqdn__icontains=text) | Q(unique_id__iexact=text) | described)
    wanted = {
        "account__customer": query.customer,
        "shown_type": query.type or None,
        "product_version": query.version or None,
    }
    return found.filter(**{name: value for name, value in wanted.items() if value is not None})


def _record(system: Any) -> RegistrationRecord:
    same = ("unique_id", "fqdn", "type", "description", "product_version", "os_version", "database_version")
    times = ("registered_at", "next_due_at", "conflict_at", "ended_at", "perl_version")
    customer = system.account.customer
    return RegistrationRecord(
        id=system.pk,
        url=api(f"registrations/{system.pk}"),
        page=system.get_absolute_url(),
        otrs_id=masked(system.account.otrs_id),
        customer=customer_reference(customer) if customer else None,
        state=Status(system.status),
        last_update_at=system.last_ok_at,
        **{name: getattr(system, name) for name in (*same, *times)},
    )
