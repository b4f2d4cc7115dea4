"""Pages of a list by what stands last on the one before (keyset), so that rows that come and go move nothing.

A cursor is signed and belongs to one address: nobody can make one up, and it says nothing that its page did not say.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import BaseModel, Field

from portal.api.problems import wrong
from portal.api.values import Link

MOST_PER_CALL = 500
Row = TypeVar("Row", bound=Model)
Value = TypeVar("Value")
Item = TypeVar("Item")


class Paging(Schema):
    """Parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=MOST_PER_CALL, description="How many rows at most.")] = 100
    cursor: Annotated[
        str, Field(max_length=400, pattern=r"^[A-Za-z0-9:_-]*$", description="From `next` of the page before.")
    ] = ""


class Page(BaseModel, Generic[Item]):
    """Some rows of a list, and where the following ones are."""

    items: list[Item]
    next: Annotated[Link | None, Field(description="Address of the following rows; null: there are none.")]


def keyset_page(
    request: HttpRequest, rows: QuerySet[Row], paging: Paging, *, by: Sequence[str] = ("pk",)
) -> tuple[list[Row], str | None]:
    """The rows in the order of these fields, of which the last tells them apart, and the link to the following ones.

    One query; no row is counted or skipped over.
    """
    last = _read(request, paging.cursor, len(by))
    if last is not None:
        rows = rows.filter(_after(by, last))
    found = list(rows.order_by(*by)[: paging.limit + 1])
    shown = found[: paging.limit]
    if len(found) <= paging.limit:
        return shown, None
    return shown, next_link(request, [_value(shown[-1], name) for name in by])


def list_page(
    request: HttpRequest, rows: Sequence[Value], paging: Paging, *, key: Callable[[Value], list[Any]]
) -> tuple[list[Value], str | None]:
    """The same of rows that are there already; ``key`` is a list of numbers and texts that tells them apart."""
    ordered = sorted(rows, key=key)
    last = _read(request, paging.cursor, len(key(ordered[0])) if ordered else None)
    if last is not None:
        ordered = [row for row in ordered if key(row) > last]
    shown = ordered[: paging.limit]
    return shown, next_link(request, key(shown[-1])) if len(ordered) > paging.limit else None


def read_cursor(request: HttpRequest, paging: Paging, length: int) -> list[Any] | None:
    """What the cursor says, for lists that find their rows in a way of their own; ``None`` at the beginning."""
    return _read(request, paging.cursor, length)


def _after(by: Sequence[str], last: Sequence[Any]) -> Q:
    """Later in the order; the first field is named by itself, too, as indexes begin with it."""
    later = Q()
    for place, name in enumerate(by):
        equal = dict(zip(by[:place], last[:place], strict=True))
        later |= Q(**equal, **{f"{name}__gt": last[place]})
    return later & Q(**{f"{by[0]}__gte": last[0]})


def _value(row: Model, name: str) -> Any:
    value = row.pk if name == "pk" else getattr(row, name)
    return value if isinstance(value, int | str) else value.isoformat()


def next_link(request: HttpRequest, last: list[Any]) -> str:
    """The same address, from behind these values on."""
    query = request.GET.dict() | {"cursor": _signer(request).sign_object(last)}
    return f"{request.path}?{urlencode(query)}"


def _read(request: HttpRequest, cursor: str, length: int | None) -> list[Any] | None:
    if not cursor:
        return None
    try:
        last: list[Any] = _signer(request).unsign_object(cursor)
    except signing.BadSignature:
        last = []
    if not last or length not in (None, len(last)):
        raise wrong("cursor", _("It is none that this list has given. Begin again without it."))
    return last


def _signer(request: HttpRequest) -> signing.Signer:
    """Without a time: the same page has the same links, and so the same entity tag."""
    return signing.Signer(salt=f"api cursor {request.path}")
