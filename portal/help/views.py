"""The documents for users."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.help.documents import NAMES
from portal.help.documents import document as document_of


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    """All of them, by title."""
    return render(request, "help/documents.html", {"documents": [document_of(name) for name in NAMES]})


@require_safe
def document(request: HttpRequest, name: str) -> HttpResponse:
    """One of them, with a list of its headings."""
    if name not in NAMES:
        raise Http404
    found = document_of(name)
    headings = [heading for heading in found.headings if heading.level == 2]
    return render(request, "help/document.html", {"document": found, "headings": headings})
