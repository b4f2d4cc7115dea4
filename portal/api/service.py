"""The read API as a whole: its routers, and how it answers where something is wrong."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import ValidationError

from portal.api.discrepancy_routes import router as discrepancies
from portal.api.entry_routes import router as entries
from portal.api.order_routes import router as orders
from portal.api.people_routes import router as people
from portal.api.problems import ParameterProblem, Refused, WrongParameter, problem_response
from portal.api.registration_routes import router as registrations
from portal.api.report_routes import router as reports
from portal.api.run_routes import router as runs
from portal.api.status_routes import router as status
from portal.api.ticket_routes import router as tickets
from portal.api.upload_routes import router as uploads

logger = logging.getLogger("portal.api")
DESCRIPTION = """\
Read what the portal shows: tickets, time, reports, orders, readings, absences and registered ticket systems.

Every request carries a token (`Authorization: Bearer bpt_…`) that its user has made at `/api-tokens/`. It reads what
that user may see at this moment, within its scopes. Nothing can be changed. Minutes, quantities and money are texts
with exact decimal numbers; moments are in UTC; days are those of the ticket system's own clock.
"""

api = NinjaAPI(
    title="Billing portal",
    version=settings.VERSION,
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
for router in (status, tickets, entries, people, reports, orders, discrepancies, runs, uploads, registrations):
    api.add_router("", router)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem_response(error)


@api.exception_handler(ValidationError)
def _not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [ParameterProblem(parameter=str(each["loc"][-1]), message=_sentence(each)) for each in error.errors]
    return problem_response(WrongParameter(*problems))


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    return problem_response(Refused(400, _("The request cannot be read, so nothing was done.")))


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """What Django does with an error of its pages, in the form of the API: log it and tell those who watch."""
    got_request_exception.send(sender=None, request=request)
    logger.error("API: %s failed", request.path, exc_info=error)
    text = _("Something went wrong here, and it was noted. Ask an administrator, and quote the id of this request.")
    return problem_response(Refused(500, text))


def _sentence(error: dict[str, Any]) -> str:
    """Of pydantic's commonest errors one that people read; of all others its own."""
    limits: dict[str, Any] = error.get("ctx", {})
    kind = error["type"]
    if kind in ("greater_than_equal", "less_than_equal"):
        least, most = limits.get("ge"), limits.get("le")
        if most is None:
            return _("It must be at least %(least)s.") % {"least": least}
        return _("It must be at most %(most)s.") % {"most": most}
    if kind == "string_too_long":
        return _("It may have %(most)s characters at most.") % {"most": limits["max_length"]}
    if kind in ("enum", "literal_error"):
        return _("It must be one of these: %(known)s.") % {"known": limits["expected"]}
    if kind.startswith("int_"):
        return _("It must be a whole number.")
    if kind.startswith("date_"):
        return _("It must be a day such as 2026-10-31.")
    if kind == "string_pattern_mismatch":
        return _("It is not written as the documentation says.")
    return str(error["msg"])
