"""The start page: what needs the user today."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from billing.discrepancies import count_discrepancies
from billing.order_pages import may_bill
from portal.languages import keep_language
from portal.worklist import checklist, latest_billing_run, open_drafts, order_states, system_states
from tickets.periods import chosen_period

SITE_HEADER = _("Billing portal")
SET_UP = _("Set-up")


def start(request: HttpRequest) -> HttpResponse:
    """Drafts to review, the last run, the last sync of each ticket system and the orders of the previous month."""
    period = chosen_period(request.GET, now=timezone.now())
    context = {
        "period": period,
        "checklist": checklist(user=request.user),
        "drafts": open_drafts(user=request.user),
        "discrepancies": count_discrepancies(user=request.user),
        "states": order_states(period.month, user=request.user),
        "run": latest_billing_run(),
        "systems": system_states(),
        "can_bill": may_bill(request.user),
    }
    return render(request, "portal/start.html", context)


@login_not_required
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Change the language of the pages and, of who is signed in, that of the mails."""
    if request.method == "POST" and request.user.is_authenticated:
        keep_language(request.user, request.POST.get("language", ""))
    return set_language(request)
