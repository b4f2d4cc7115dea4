"""What customers have agreed to pay, to be looked at: a list of the own customers, and one of them in full."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreement_pages import agreement_page, agreement_rows
from billing.agreement_tables import AgreementTable
from billing.prepaid import low_on_prepaid
from common.exports import download
from common.paging import UNFILTERED, Empty, EmptyKind, no_customers, nothing_matches, show_page
from tickets.models import Customer, sees_all_customers
from tickets.periods import chosen_period


class AgreementFilterForm(forms.Form):
    """What cannot be read counts as not said."""

    customer = forms.CharField(label=gettext_lazy("Customer (number or name)"), required=False, max_length=100)
    prepaid = forms.ChoiceField(
        label=gettext_lazy("Prepaid time"),
        required=False,
        choices=[("", gettext_lazy("All")), ("low", gettext_lazy("runs low"))],
    )


def agreement_list(request: HttpRequest) -> HttpResponse:
    """The customers whom the user may see, with the agreement in force in the month."""
    period = chosen_period(request.GET, now=timezone.now())
    filters = AgreementFilterForm(request.GET)
    filters.is_valid()
    text, low_only = filters.cleaned_data.get("customer", ""), filters.cleaned_data.get("prepaid") == "low"
    rows = agreement_rows(period.month, user=request.user, text=text)
    if low_only:
        low = low_on_prepaid(period.month, user=request.user)
        rows = [row for row in rows if row.customer.pk in low]
    table = AgreementTable(rows)
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('agreements')}_{period.value}")
    context: dict[str, object] = {"period": period, "table": table, "filters": filters}
    if not table.paginator.count:
        context["empty"] = _none_low() if low_only and not text else _why_none(request, text)
    return render(request, "billing/agreements.html", context)


def _none_low() -> Empty:
    text = _("No customer with prepaid time has a fifth or less of it left.")
    return Empty(
        kind=EmptyKind.NOTHING_MATCHES,
        title=_("Nothing runs low"),
        text=text,
        url=UNFILTERED,
        action=_("Show all customers"),
    )


def _why_none(request: HttpRequest, text: str) -> Empty:
    if text:
        found = _("No customer of yours has this in number or name.")
        return nothing_matches(found)
    if sees_all_customers(request.user):
        return Empty(title=_("No customers yet"), text=_("Customers come with the first reading of a ticket system."))
    found = _("You see the agreements of the customers that are assigned to you. An administrator can assign them.")
    return no_customers(found)


def agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """One customer: the agreement in force, those before and after, rules, recurring lines and prepaid time."""
    customers = Customer.objects.visible_to(request.user).select_related("system")
    customer = get_object_or_404(customers, pk=pk)
    period = chosen_period(request.GET, now=timezone.now())
    context = {"customer": customer, "period": period, "page": agreement_page(customer, period.month)}
    return render(request, "billing/agreement.html", context)
