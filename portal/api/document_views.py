"""The document for programs, which anybody may read as it says nothing of anybody, and the page for people."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.api.document import document
from portal.api.document_pages import addresses, forms


def openapi(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1; goes through the door like every answer of the API."""
    return JsonResponse(document())


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """For whoever has signed in."""
    return render(request, "portal/api.html", {"groups": addresses(), "forms": forms(), "document": document()})
