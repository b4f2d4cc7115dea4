"""The page of a search, and the same as suggestions while somebody types."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.search.finding import exactly, find
from portal.search.words import clean_text

ON_PAGE, SUGGESTED = 5, 3  # of each kind
SHORTEST_SUGGESTED = 2  # letters; one finds nearly everything


@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """An exact number leads straight to what has it; two things with the same one are both shown."""
    text = clean_text(request.GET.get("q", ""))
    exact = exactly(text, user=request.user) if text else []
    if len(exact) == 1:
        return redirect(exact[0].url)
    groups = find(text, user=request.user, shown=ON_PAGE, now=timezone.now()) if text else []
    context = {"text": text, "exact": exact, "groups": groups}
    return render(request, "search/results.html", context)


@require_safe
@never_cache
def suggest(request: HttpRequest) -> HttpResponse:
    """The options for the list below the box, as a piece of a page."""
    text = clean_text(request.GET.get("q", ""))
    groups = []
    if len(text) >= SHORTEST_SUGGESTED:
        groups = find(text, user=request.user, shown=SUGGESTED, now=timezone.now())
    return render(request, "search/suggestions.html", {"text": text, "groups": groups})
