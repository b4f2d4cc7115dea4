"""How the views that a person has saved come onto the pages."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template import Context

from portal.models import SavedFilter
from portal.saved import PARAMETERS, PLAIN, SPAN, address_of, default_address, filters_of, known_parameters


class SavedFilterMiddleware:
    """A page that is called without any parameter opens with the view that the person has chosen for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        page = page_of(request)
        if not page or request.method != "GET" or request.GET or not request.user.is_authenticated:
            return None
        start = default_address(filters_on(request, page))
        return redirect(start) if start else None


def page_of(request: HttpRequest) -> str:
    """The name of the page's address; empty where no views of it can be saved."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name if name in PARAMETERS else ""


def filters_on(request: HttpRequest, page: str) -> list[SavedFilter]:
    """The person's views of the page; asked for once in a request."""
    found: list[SavedFilter] | None = getattr(request, "saved_filters", None)
    if found is None:
        found = filters_of(page, user=request.user)
        request.saved_filters = found  # type: ignore[attr-defined]  # for the menu of the same page
    return found


def menu_of(context: Context) -> dict[str, Any]:
    """What the menu of saved views shows: each with its address and whether it is shown now.

    ``query`` in the context of the page is what it shows, where that is more than what its address says.
    """
    request = context["request"]
    page = page_of(request)
    if not page or not request.user.is_authenticated:
        return {"page": ""}
    shown = known_parameters(page, request.GET)
    views = [(saved, address_of(saved), _is_shown(saved, shown)) for saved in filters_on(request, page)]
    span = context.get("choice") or context.get("period")
    return {
        "page": page,
        "views": views,
        "query": context.get("query") or request.GET.urlencode(),
        "span": span.label if span and {*SPAN} & {*PARAMETERS[page]} else "",
        "plain": f"?{'&'.join('='.join(pair) for pair in PLAIN.items())}",
        "has_default": any(saved.is_default for saved, _url, _shown in views),
        "shown": next((saved for saved, _url, is_shown in views if is_shown), None),
    }


def _is_shown(saved: SavedFilter, shown: dict[str, str]) -> bool:
    """By what the view itself says: a period that it leaves open is not part of it."""
    own = known_parameters(saved.page, QueryDict(saved.query))
    return own == {name: value for name, value in shown.items() if name in own or name not in SPAN}
