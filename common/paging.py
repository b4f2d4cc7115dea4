"""Pages of a table that cost the same at the end of a long list as at its beginning, and what an empty one says."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_tables2.data import TableQuerysetData

from common.tables import Table

PER_PAGE = 25
MOST_PER_PAGE = 100  # of lists whose rows are chosen for something


UNFILTERED = "?view=plain"
"""Where a list without a period shows all, also past the view that a person has chosen to open it with."""


class EmptyKind(Enum):
    """What kind of emptiness a person looks at; the value is its symbol."""

    NOTHING_YET = "inbox"
    NOTHING_MATCHES = "search"
    NOT_READ = "arrow-repeat"
    NO_PERMISSION = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """Why a list is empty and what to do next; ``url`` and ``action`` name the next step where there is one."""

    title: str
    text: str
    kind: EmptyKind = EmptyKind.NOTHING_YET
    url: str = ""
    action: str = ""


def nothing_matches(text: str, *, url: str = UNFILTERED) -> Empty:
    """Rows are there, but the filters let none pass; ``url`` leads to the list without them."""
    kind, title = EmptyKind.NOTHING_MATCHES, _("Nothing matches")
    return Empty(kind=kind, title=title, text=text, url=url, action=_("Clear the filters"))


def no_customers(text: str) -> Empty:
    """The user sees the rows of assigned customers, and none is assigned."""
    return Empty(kind=EmptyKind.NO_PERMISSION, title=_("No customers are assigned to you"), text=text)


class PagedData(TableQuerysetData):
    """Rows of a queryset. A page is found by its keys alone; only its own rows are then read in full.

    With OFFSET the database would otherwise read, join and sort every row in front of the page. The primary key ends
    each order, so that rows that are equal in it do not jump between pages.
    """

    def __init__(self, data: QuerySet[Any]) -> None:
        super().__init__(data)  # type: ignore[no-untyped-call]  # the base is untyped

    def __getitem__(self, key: Any) -> Any:
        rows: QuerySet[Any] = self._in_total_order()
        if not isinstance(key, slice):
            return rows[key]
        keys = list(rows.values_list("pk", flat=True)[key])
        return list(self.in_full(rows.filter(pk__in=keys))) if keys else []

    def in_full(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of one page with what only they are read with."""
        return rows

    def _in_total_order(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.data
        order = rows.query.order_by or rows.model._meta.ordering
        return rows.order_by(*order, "-pk")


def show_page(table: Table, request: HttpRequest, *, per_page: int = PER_PAGE) -> None:
    """Sort and cut the table as ``?sort=`` and ``?page=`` say; what cannot be read there counts as not said."""
    table.request = request
    sort = [name for name in request.GET.getlist("sort") if name.removeprefix("-") in table.columns.names()]
    if sort:
        table.order_by = sort
    table.paginator = Paginator(table.rows, per_page)
    table.page = table.paginator.get_page(request.GET.get("page"))
