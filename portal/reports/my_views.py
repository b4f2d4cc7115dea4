"""An agent's own month."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exports import bad_request, download
from portal.reports.choice import Unit, chosen_unit
from portal.reports.my_month import my_month
from portal.reports.work_tables import WorkTable
from tickets.periods import chosen_period


def mine(request: HttpRequest) -> HttpResponse:
    """What the agents whose account this is have booked, day by day, whoever's customer it was for."""
    now = timezone.now()
    period = chosen_period(request.GET, now=now)
    month = my_month(period.month, user=request.user, now=now)
    if "export" in request.GET:
        if period.error:
            return bad_request(request, period.error)
        return download(WorkTable(month), request, f"{_('my-month')}_{period.value}")
    unit = chosen_unit(request.GET)
    return render(request, "reports/mine.html", {"period": period, "month": month, "unit": unit, "units": Unit})
