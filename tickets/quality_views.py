"""The data quality page: what a person should look at, check by check and row by row."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exports import download
from common.paging import MOST_PER_PAGE, Empty, no_customers, show_page
from common.spans import Span
from tickets.models import AnyUser
from tickets.periods import Period, chosen_period
from tickets.quality import find_all, systems_not_read
from tickets.quality_checks import Check, checks_for, scope_of
from tickets.quality_tables import table_of
from tickets.queries import has_no_customers


def quality(request: HttpRequest) -> HttpResponse:
    """All checks of the period, each with how much it found."""
    now = timezone.now()
    period = chosen_period(request.GET, now=now, offers_everything=True)
    scope = scope_of(_span_of(period), user=request.user, now=now)
    context: dict[str, object] = {"period": period, "not_read": ", ".join(systems_not_read(scope))}
    if has_no_customers(request.user):
        text = _("You see the data of the customers that are assigned to you. An administrator can assign them.")
        context["empty"] = no_customers(text)
    else:
        context["findings"] = find_all(scope)
    return render(request, "tickets/quality.html", context)


def quality_check(request: HttpRequest, check: str) -> HttpResponse:
    """What one check found, as a list and as a file."""
    now = timezone.now()
    chosen = _check_of(check, request.user)
    period = chosen_period(request.GET, now=now, offers_everything=True)
    scope = scope_of(_span_of(period), user=request.user, now=now)
    table = table_of(chosen, scope)
    show_page(table, request, per_page=MOST_PER_PAGE)
    if "export" in request.GET:
        return download(table, request, f"{chosen.key}_{period.value}")
    context: dict[str, object] = {"period": period, "check": chosen, "table": table}
    context["not_read"] = ", ".join(systems_not_read(scope))
    if not table.paginator.count:
        context["empty"] = Empty(title=_("Nothing found"), text=_("This check found nothing in the period."))
    return render(request, "tickets/quality_check.html", context)


def _check_of(key: str, user: AnyUser) -> Check:
    """A check that the user may not see is not there."""
    found = next((check for check in checks_for(user) if check.key == key), None)
    if found is None:
        raise Http404
    return found


def _span_of(period: Period) -> Span:
    return Span.everything() if period.everything else Span.of_month(period.month)
