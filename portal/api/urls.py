"""Addresses of the API; each goes through the door."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from portal.api.document_views import documentation, openapi
from portal.api.door import through_the_door
from portal.api.problems import not_there, problem_response
from portal.api.service import api

app_name = "api"


def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """An address that the API does not have is answered in its own form."""
    return problem_response(not_there())


def _guarded() -> list[URLPattern]:
    patterns, _app, _namespace = api.urls
    found = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = through_the_door(pattern.callback)
    return found


urlpatterns = [
    path("openapi.json", through_the_door(openapi), name="openapi"),
    path("docs/", documentation, name="documentation"),
    *_guarded(),
    path("", through_the_door(nothing_here), name="nothing_here"),
    path("<path:rest>", through_the_door(nothing_here), name="nothing_here"),
]
