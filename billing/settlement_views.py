"""Settling discrepancies from the inbox, and taking a settlement back."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from billing.forms import LARGEST_KEY, ReasonForm
from billing.order_pages import RIGHTS
from billing.orders import OrdersRefused
from billing.proposals import choose
from billing.settlement_forms import SettlementForm
from billing.settlement_models import Choice, Settlement
from billing.settlement_pages import consequence, what_was_done
from billing.settling import settle, take_back
from common.refusals import with_input

INBOX = "billing:discrepancies"


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def settle_chosen(request: HttpRequest) -> HttpResponse:
    """First what would be done; then, if nothing of it changed meanwhile, do it."""
    form = SettlementForm(request.POST)
    if not form.is_valid():
        sentence = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, with_input(sentence, request.POST.get("reason", "")))
        return redirect(INBOX)
    choice, reason, seen = Choice(form.cleaned_data["choice"]), form.cleaned_data["reason"], form.cleaned_data["seen"]
    chosen = choose(form.cleaned_data["discrepancy"], choice=choice, user=request.user)
    if not seen or not chosen.rows or seen != chosen.fingerprint:
        context = {"chosen": chosen, "reason": reason, "consequence": consequence(choice)}
        return render(request, "billing/settle.html", context | {"has_changed": bool(seen and chosen.rows)})
    try:
        done = settle(chosen.rows, choice=choice, reason=reason, user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, with_input(str(refusal), reason))
    else:
        messages.success(request, what_was_done(done))
    return redirect(INBOX)


@permission_required(RIGHTS, raise_exception=True)
def take_back_one(request: HttpRequest) -> HttpResponse:
    """Ask why, then take back the settlement that ``?settlement=`` names."""
    settlement = _asked(request)
    if settlement is None:
        sentence = _("There is no such settlement, or it is taken back already.")
        messages.error(request, with_input(sentence, request.POST.get("reason", "")))
        return redirect(INBOX)
    form = ReasonForm(request.POST or None)
    title = _("Take the settlement back")
    if request.method != "POST" or not form.is_valid():
        context = {"title": title, "form": form, "settlement": settlement, "order": settlement.position.order}
        context["back"] = f"{reverse(INBOX)}?shown=settled"
        return render(request, "billing/take_back.html", context)
    try:
        done = take_back([settlement.pk], reason=form.cleaned_data["reason"], user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, with_input(str(refusal), form.cleaned_data["reason"]))
    else:
        text = ngettext("%(count)d settlement taken back.", "%(count)d settlements taken back.", len(done))
        messages.success(request, text % {"count": len(done)})
    return redirect(INBOX)


def _asked(request: HttpRequest) -> Settlement | None:
    text = request.GET.get("settlement", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_KEY):
        return None
    visible = Settlement.objects.visible_to(request.user).filter(live=True, pk=int(text))
    return visible.select_related("position__order__customer", "position__ticket").first()
