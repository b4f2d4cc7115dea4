"""The start page: what needs the user today."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template import loader
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from billing.order_pages import may_bill
from portal.languages import keep_language
from portal.logs import REQUEST_ID
from portal.models import HiddenPart
from portal.worklist.checklist import CHECKLIST, checklist
from portal.worklist.next_run import next_run_in_words
from portal.worklist.orders import drafts_line, latest_billing_run, order_states, prepaid_line, runs_line
from portal.worklist.readings import readings_line, system_states
from portal.worklist.time import AboutTime, is_large, kept_about_time, look_about_time
from portal.worklist.waiting import agents_line, mails_line, outbox_line, registrations_line, uploads_line
from registration.own_rights import may_manage
from registration.own_texts import hold
from tickets.models import AnyUser, Customer, sees_all_customers
from tickets.periods import Period, chosen_period

SITE_HEADER = _("Billing portal")
SET_UP = _("Set-up")


def start(request: HttpRequest) -> HttpResponse:
    """What waits, the next run, the last run, the last reading of each ticket system and the orders of a month.

    Where there are very many entries, what can be told only by walking over them is asked for later, see ``work``.
    """
    return _start(request, later=is_large())


def work(request: HttpRequest) -> HttpResponse:
    """The whole list of what waits: a part of the start page, or, without script, the page with all of it."""
    if not request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        return _start(request, later=False)
    now = timezone.now()
    period = chosen_period(request.GET, now=now)
    context = _work(request.user, period, now=now, about_time=kept_about_time(request.user, period, now=now))
    return render(request, "portal/work.html", context)


def _start(request: HttpRequest, *, later: bool) -> HttpResponse:
    now = timezone.now()
    period = chosen_period(request.GET, now=now)
    can_bill = may_bill(request.user)
    about_time = None if later else look_about_time(request.user, period, now=now)
    context = _work(request.user, period, now=now, about_time=about_time) | {
        "checklist": checklist(user=request.user),
        "states": order_states(period.month, user=request.user),
        "run": latest_billing_run(),
        "systems": system_states(),
        "can_bill": can_bill,
        "hold": hold(now=now) if can_bill and not may_manage(request.user) else "",  # in every page's frame for those
    }
    return render(request, "portal/start.html", context)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for mistakes of the portal: a number that the log knows too, and nothing of what happened.

    Without the request's context: what is broken may be just that.
    """
    return HttpResponse(loader.render_to_string("500.html", {"request_id": REQUEST_ID.get()}), status=500)


def _work(user: AnyUser, period: Period, *, now: datetime, about_time: AboutTime | None) -> dict[str, Any]:
    """The lines; those about time stand behind the drafts, and are asked for later where there are none yet."""
    lines = [
        drafts_line(user=user),
        *(about_time.lines if about_time else ()),
        readings_line(user=user, now=now),
        runs_line(user=user),
        prepaid_line(period.current, user=user),
        uploads_line(user=user, now=now),
        outbox_line(user=user),
        registrations_line(user=user, now=now),
        mails_line(user=user, now=now),
        agents_line(period.current, user=user),
    ]
    shown = [line for line in lines if line is not None]
    return {
        "period": period,
        "lines": [line for line in shown if line.needs_you],
        "notes": [line for line in shown if not line.needs_you],
        "about_time": about_time,
        "later": about_time is None,
        "next_run": next_run_in_words(now=now),
        "has_customers": sees_all_customers(user) or Customer.objects.visible_to(user).exists(),
    }


@require_POST
def hide_checklist(request: HttpRequest) -> HttpResponse:
    """Hide the first steps from the user who asks, or with ``show`` show them again."""
    if request.user.is_authenticated:
        if "show" in request.POST:
            HiddenPart.objects.filter(user=request.user, part=CHECKLIST).delete()
        else:
            HiddenPart.objects.get_or_create(user=request.user, part=CHECKLIST)
    return redirect("start")


@login_not_required
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Change the language of the pages and, of who is signed in, that of the mails."""
    if request.method == "POST" and request.user.is_authenticated:
        keep_language(request.user, request.POST.get("language", ""))
    return set_language(request)
