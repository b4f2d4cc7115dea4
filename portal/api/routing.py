"""How an address of the API is declared: with its scope and permissions, and in which form it answers."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import BaseModel

from portal.api.access import Token
from portal.api.problems import ParameterProblem, WrongParameter
from portal.api.scopes import Scope

Answer = TypeVar("Answer", bound=BaseModel)
View = Callable[..., Answer]


def reads(
    router: Router,
    path: str,
    *,
    answer: type[Answer],
    summary: str,
    scope: Scope | None = None,
    rights: Collection[str] = (),
) -> Callable[[View[Answer]], View[Answer]]:
    """Answers ``GET`` at ``path`` with what the view makes; its docstring is the description."""

    def declare(view: View[Answer]) -> View[Answer]:
        register = router.get(
            path,
            auth=Token(scope, rights=rights),
            response=answer,
            summary=summary,
            operation_id=view.__name__,
            url_name=view.__name__,
            openapi_extra={"x-scope": scope.value if scope else "", "x-permissions": list(rights)},
        )
        register(_answering(view))
        return view

    return declare


def _answering(view: View[Answer]) -> Callable[..., HttpResponse]:
    """Written by pydantic at once: what the library does with an answer takes five times as long."""

    @wraps(view)
    def answering(request: HttpRequest, **values: Any) -> HttpResponse:
        known = {name for model in answering._ninja_operation.models for name in _names(model)}  # type: ignore[attr-defined]
        _check_parameters(request, known)
        return HttpResponse(view(request, **values).model_dump_json(), content_type="application/json")

    return answering


def _names(model: Any) -> Collection[str]:
    return model.__ninja_flatten_map__ if model.__ninja_param_source__ == "query" else ()


def _check_parameters(request: HttpRequest, known: Collection[str]) -> None:
    """Each is known and given once: what is not understood must not be left out of account."""
    problems = []
    for name, values in request.GET.lists():
        if name not in known:
            text = _("This address knows no such parameter. It knows: %(known)s.") if known else ""
            text = text % {"known": ", ".join(sorted(known))} if text else _("This address knows no parameters.")
            problems.append(ParameterProblem(parameter=name[:40], message=text))
        elif len(values) > 1:
            problems.append(ParameterProblem(parameter=name, message=_("It is given more than once.")))
    if problems:
        raise WrongParameter(*problems)
