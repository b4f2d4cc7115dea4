"""The try-out: a real ticket priced step by step, nothing written."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.trying import agreement_to_try, tickets_to_try, try_out
from tickets.periods import chosen_period


def trial(request: HttpRequest) -> HttpResponse:
    """What the ticket of the given number would cost by the agreement of its customer in the period's month."""
    period = chosen_period(request.GET, now=timezone.now())
    number = request.GET.get("ticket", "").replace("\0", "").strip()[:50]
    context: dict[str, object] = {"period": period, "number": number, "trials": []}
    if number:
        found = tickets_to_try(number, user=request.user)
        agreed = [(ticket, agreement_to_try(ticket, period.month)) for ticket in found]
        context["trials"] = [try_out(ticket, agreement, period.month) for ticket, agreement in agreed if agreement]
        if not found:
            context["error"] = _("No ticket with this number has a customer and is known to you.")
        elif not context["trials"]:
            context["error"] = _("There is no agreement in this month for the customer of this ticket.")
    return render(request, "billing/trial.html", context)
