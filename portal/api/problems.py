"""Errors of the API: all in one form (RFC 9457), as sentences, with the id that the log knows the request by."""

from typing import Annotated

from django.http import HttpResponse
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from portal.logs import REQUEST_ID

CONTENT_TYPE = "application/problem+json"


class ParameterProblem(BaseModel):
    parameter: Annotated[str, Field(description="Name of the parameter.", examples=["period"])]
    message: Annotated[str, Field(description="What is wrong with it.")]


class Problem(BaseModel):
    """What happened and what to do about it."""

    type: Annotated[str, Field(description="Always about:blank: the status says it all.")] = "about:blank"
    title: Annotated[str, Field(description="What the status means, in English.", examples=["Not Found"])]
    status: Annotated[int, Field(description="The status of the answer once more.", examples=[404])]
    detail: Annotated[str, Field(description="A sentence in the language that Accept-Language asks for.")]
    errors: Annotated[list[ParameterProblem], Field(description="One for each wrong parameter.")] = []
    request_id: Annotated[str, Field(description="Quote it when you ask an administrator.")]


TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    414: "URI Too Long",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class Refused(Exception):
    """The request is answered with this status and sentence."""

    def __init__(self, status: int, detail: str, *, errors: list[ParameterProblem] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors or []
        self.headers: dict[str, str] = {}


class WrongParameter(Refused):
    """What stands in the address cannot be understood."""

    def __init__(self, *errors: ParameterProblem) -> None:
        sentence = _("Nothing was read, because the address cannot be understood:")
        said = " ".join(f"{error.parameter}: {error.message}" for error in errors)
        super().__init__(422, f"{sentence} {said}", errors=list(errors))


def wrong(parameter: str, message: str) -> WrongParameter:
    return WrongParameter(ParameterProblem(parameter=parameter, message=message))


def not_there() -> Refused:
    return Refused(404, _("There is nothing here that you may see."))


def problem_response(refused: Refused) -> HttpResponse:
    problem = Problem(
        title=TITLES[refused.status],
        status=refused.status,
        detail=refused.detail,
        errors=refused.errors,
        request_id=REQUEST_ID.get(),
    )
    return HttpResponse(
        problem.model_dump_json(), content_type=CONTENT_TYPE, status=refused.status, headers=refused.headers
    )
