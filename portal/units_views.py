"""Set-up: how many minutes a ticket system's time unit stands for, once time is mirrored."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.units import (
    LEAST,
    MOST,
    ConversionPlan,
    PlanOutdated,
    UnitsRefused,
    convert_units,
    plan_conversion,
)
from common.templatetags.formats import minutes
from tickets.models import TicketSystem

RIGHTS = ("tickets.change_ticketsystem", "billing.run_billing")


class UnitsForm(forms.Form):
    """``seen`` is the fingerprint of the plan that the page showed, empty on the way there."""

    minutes_per_unit = forms.DecimalField(
        label=gettext_lazy("Minutes per time unit from now on"), min_value=LEAST, max_value=MOST, decimal_places=2
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


@permission_required(RIGHTS, raise_exception=True)
def units(request: HttpRequest, pk: int) -> HttpResponse:
    """First what would be counted anew; then, if nothing of it changed meanwhile, do it."""
    system = get_object_or_404(TicketSystem, pk=pk)
    form = UnitsForm(request.POST or None)
    context: dict[str, object] = {"system": system, "form": form}
    if form.is_valid():
        wanted: Decimal = form.cleaned_data["minutes_per_unit"]
        seen: str = form.cleaned_data["seen"]
        try:
            if seen:
                done = convert_units(system=system, minutes_per_unit=wanted, user=request.user, expected=seen)
                return _told(request, system, done)
            context["plan"] = _needed(plan_conversion(system, wanted))
        except PlanOutdated as refusal:
            context |= {"refusal": str(refusal), "plan": plan_conversion(system, wanted)}
        except UnitsRefused as refusal:
            form.add_error("minutes_per_unit", str(refusal))
    return render(request, "portal/units.html", context)


def _needed(plan: ConversionPlan) -> ConversionPlan:
    """The plan, if it does anything; else ``UnitsRefused``."""
    if not plan.is_needed:
        raise UnitsRefused(
            _("%(minutes)s min per time unit is what holds already. Nothing has to be counted anew.")
            % {"minutes": minutes(plan.minutes_per_unit)}
        )
    return plan


def _told(request: HttpRequest, system: TicketSystem, plan: ConversionPlan) -> HttpResponse:
    """Back to the page, so that a reload sends nothing again."""
    done = ngettext(
        "%(minutes)s min per time unit from now on; %(count)d time entry was counted anew.",
        "%(minutes)s min per time unit from now on; %(count)d time entries were counted anew.",
        plan.entries_to_convert,
    )
    messages.success(request, done % {"minutes": minutes(plan.minutes_per_unit), "count": plan.entries_to_convert})
    if plan.next_step:
        messages.warning(request, plan.next_step)
    return redirect("units", pk=system.pk)
