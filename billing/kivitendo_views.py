"""The pages about kivitendo: which customers match, and what became of the orders there."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from billing.erp_findings import is_fine, look_for_orders
from billing.forms import PairForm
from billing.kivitendo_copy import age_of, refresh_copy, the_copy
from billing.kivitendo_database import KivitendoError
from billing.kivitendo_matching import pairs
from billing.kivitendo_pages import (
    chosen_pairs,
    counts,
    findings_of,
    not_configured,
    place_in_words,
    why_no_findings,
    why_no_pairs,
)
from billing.kivitendo_tables import FindingTable, PairTable
from billing.order_pages import RIGHTS
from common.exports import bad_request, download
from common.months import Month
from common.paging import show_page
from tickets.periods import EVERYTHING, chosen_period


@permission_required(RIGHTS, raise_exception=True)
def customers(request: HttpRequest) -> HttpResponse:
    """Ticket customers beside those of kivitendo, and how old the copy is."""
    form, copy = PairForm(request.GET), the_copy()
    form.is_valid()
    today, with_contacts = Month.of(timezone.localdate()), "export" in request.GET
    known = copy.read_at is not None
    found = pairs(copy, month=today, user=request.user, with_contacts=with_contacts) if known else []
    match, text = form.cleaned_data.get("match", ""), form.cleaned_data.get("q", "")
    table = PairTable(chosen_pairs(found, match=match, text=text))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("kivitendo-customers"))
    context = {"copy": copy, "age": age_of(copy), "form": form, "table": table, "counts": counts(found)}
    context["empty"] = not_configured()
    if not context["empty"] and not table.paginator.count:
        context["empty"] = why_no_pairs(copy)
    context |= {"is_configured": bool(settings.KIVITENDO_DATABASE_URL), "place": place_in_words()}
    return render(request, "billing/kivitendo.html", context)


@permission_required(RIGHTS, raise_exception=True)
def orders(request: HttpRequest) -> HttpResponse:
    """What the last look into kivitendo found of the orders, of all months or of one."""
    query = request.GET.copy()
    query.setdefault("period", EVERYTHING)
    period = chosen_period(query, now=timezone.now(), offers_everything=True)
    table = FindingTable(findings_of(period, user=request.user))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('kivitendo-orders')}_{period.value}")
    context: dict[str, object] = {"period": period, "table": table, "empty": not_configured()}
    if not context["empty"] and not table.paginator.count:
        context["empty"] = why_no_findings()
    context["is_configured"] = bool(settings.KIVITENDO_DATABASE_URL)
    return render(request, "billing/kivitendo_orders.html", context)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def refresh(request: HttpRequest) -> HttpResponse:
    """Bring the copy up to date now."""
    try:
        done = refresh_copy(now=timezone.now())
    except KivitendoError as error:
        messages.error(request, str(error))
    else:
        text = _("kivitendo was read: %(customers)d customers, %(articles)d articles, %(units)d units.")
        numbers = {"customers": done.customers.total, "articles": done.articles.total, "units": done.units.total}
        messages.success(request, text % numbers)
    return redirect("billing:kivitendo")


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def look(request: HttpRequest) -> HttpResponse:
    """Look into kivitendo for the orders of the form's period."""
    period = chosen_period(request.POST, now=timezone.now(), offers_everything=True)
    if period.error:
        return bad_request(request, period.error)
    month = None if period.everything else period.month
    try:
        found = look_for_orders(month=month, now=timezone.now())
    except KivitendoError as error:
        messages.error(request, str(error))
    else:
        wrong = sum(not is_fine(finding) for finding in found)
        text = ngettext("%(count)d order was looked for", "%(count)d orders were looked for", len(found))
        text = text % {"count": len(found)} + "; " + _("not as they should be: %(wrong)d.") % {"wrong": wrong}
        (messages.warning if wrong else messages.success)(request, text)
    return redirect(f"{reverse('billing:kivitendo_orders')}?period={period.value}")
