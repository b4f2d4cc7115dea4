"""Views of the reports and lists that a person has given a name. Only what a page itself understands is kept.

A page that is called without any parameter opens with the view that the person has chosen for it; so every address
of a view has one, at least ``PLAIN``.
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.models import SavedFilter
from portal.reports.choice import Unit
from portal.reports.links import FILTERS, address
from tickets.models import AnyUser

MOST_FILTERS = 50  # of one person, over all pages
LONGEST_QUERY = 2000
SPAN = ("period", "from", "to")
PARAMETERS = {
    "reports:report": ("by", *SPAN, *FILTERS, "unit", "sort"),
    "reports:entries": (*SPAN, *FILTERS, "unit", "sort"),
    "reports:pivot": ("kind", *SPAN, *FILTERS, "unit", "sort"),
    "reports:charts": (*SPAN, *FILTERS, "unit"),
    "tickets:list": ("period", "q", "customer", "queue", "state", "billed", "sort"),
    "billing:orders": ("period", "customer", "state", "complete", "sort"),
    "billing:agreements": ("period", "customer", "sort"),
    "billing:discrepancies": ("period", "shown", "kind", "customer", "sort"),
    "billing:runs": ("state", "complete", "sort"),
    "billing:exports": ("period", "q", "format", "sort"),
    "tickets:readings": ("shown", "system"),
    "outofoffice:index": ("shown", "q", "sort"),
    "registration:systems": ("q", "customer", "state", "type", "version", "sort"),
}
"""What each page understands, but the page number and the kind of file."""
UNITS = {"reports:charts": Unit.HHMM}
"""What a page shows where no unit is named, if not minutes."""
PLAIN = {"view": "plain"}
"""Stands in an address that would say nothing else, so that it leads past the view that the page opens with."""


class FilterRefused(Exception):
    """The view was not saved; the text says why."""


def filters_of(page: str, *, user: AnyUser) -> list[SavedFilter]:
    return list(SavedFilter.objects.filter(user=user.pk, page=page))


def address_of(saved: SavedFilter) -> str:
    """Where the view is shown; the page is one of our own names and its parameters are its own."""
    return address(saved.page, known_parameters(saved.page, QueryDict(saved.query)))


def known_parameters(page: str, query: QueryDict) -> dict[str, str]:
    """What the page understands of an address, each once; of reports always the unit. Never nothing."""
    values = {name: (query.get(name) or "").strip() for name in PARAMETERS[page]}
    unit = {"unit": UNITS.get(page, Unit.MINUTES).value} if "unit" in PARAMETERS[page] else {}
    return unit | {name: value for name, value in values.items() if value} or PLAIN


def save_filter(*, user: User, page: str, name: str, query: QueryDict, with_span: bool) -> SavedFilter:
    """Keep the view under a name that is new among those of the page. Raises ``FilterRefused``.

    Without its span the view opens with the previous month, whenever that is.
    """
    wanted = known_parameters(page, query)
    kept = {key: value for key, value in wanted.items() if with_span or key not in SPAN} or PLAIN
    text = address(page, kept).partition("?")[2]
    if len(text) > LONGEST_QUERY:
        raise FilterRefused(_("The filters are too long to be saved."))
    with transaction.atomic():
        own = _locked(user)
        if own.count() >= MOST_FILTERS:
            raise FilterRefused(
                _("You have %(most)d saved filters, and there may not be more. Delete one first.")
                % {"most": MOST_FILTERS}
            )
        _refuse_taken(own, page, name)
        return SavedFilter.objects.create(user=user, page=page, name=name, query=text)


def rename(saved: SavedFilter, name: str) -> None:
    """Give the view another name that is new among those of its page. Raises ``FilterRefused``."""
    with transaction.atomic():
        _refuse_taken(_locked(saved.user).exclude(pk=saved.pk), saved.page, name)
        SavedFilter.objects.filter(pk=saved.pk).update(name=name)


def open_with(saved: SavedFilter) -> None:
    """Make the page open with this view, and with no other one."""
    with transaction.atomic():
        _locked(saved.user).filter(page=saved.page, is_default=True).update(is_default=False)
        SavedFilter.objects.filter(pk=saved.pk).update(is_default=True)


def open_plainly(saved: SavedFilter) -> None:
    """Let the page no longer open with this view."""
    SavedFilter.objects.filter(pk=saved.pk).update(is_default=False)


def default_address(filters: Sequence[SavedFilter]) -> str:
    """What the page of these views opens with; empty where the person has chosen nothing."""
    return next((address_of(saved) for saved in filters if saved.is_default), "")


def _refuse_taken(own: QuerySet[SavedFilter], page: str, name: str) -> None:
    if own.filter(page=page, name=name).exists():
        raise FilterRefused(_("A filter called “%(name)s” is there already. Choose another name.") % {"name": name})


def _locked(user: User) -> QuerySet[SavedFilter]:
    """The person's views, which until the end of the transaction nobody else counts or changes."""
    User.objects.select_for_update().get(pk=user.pk)
    return SavedFilter.objects.filter(user=user)
