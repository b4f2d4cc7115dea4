"""The page that shows every component of the pages with its states; only where the portal runs for development."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.jobs import Job
from common.paging import Empty, EmptyKind, show_page
from common.tables import Column, MinutesColumn, MoneyColumn, Table
from tickets.models import SyncRun
from tickets.periods import chosen_period

COLOURS = (
    *("accent", "primary", "surface", "page", "line", "muted"),
    *("good", "good-bg", "warn", "warn-bg", "bad", "bad-bg", "info-bg", "neutral-bg"),
)


class SampleForm(forms.Form):
    """One of each kind of field; the number is always refused."""

    customer = forms.CharField(label=gettext_lazy("Customer"), help_text=gettext_lazy("Number or name"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("All")), *Job.State.choices], required=False
    )
    number = forms.IntegerField(label=gettext_lazy("Minutes"))
    reason = forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 2}), required=False)
    complete = forms.BooleanField(label=gettext_lazy("complete"), required=False)


class SampleFilter(forms.Form):
    queue = forms.CharField(label=gettext_lazy("Queue"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("All")), *Job.State.choices], required=False
    )


class SampleTable(Table):
    caption = gettext_lazy("Orders")
    totals_fields = ("minutes", "amount")
    currency_field = "currency"

    customer = Column(verbose_name=gettext_lazy("Customer"), attrs={"td": {"class": "break"}})
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes"))
    amount = MoneyColumn(verbose_name=gettext_lazy("Net amount"))


@dataclass(frozen=True, slots=True)
class Sample:
    customer: str
    minutes: Decimal
    amount: Decimal
    currency: str = field(default="EUR")


def styleguide(request: HttpRequest) -> HttpResponse:
    """Not there unless ``DEBUG`` is on. Nothing on it is read from the database but what every page's frame asks."""
    if not settings.DEBUG:
        raise Http404
    messages.success(request, _("Saved."))
    messages.warning(request, _("Nothing was changed."))
    messages.error(request, _("The file is empty."))
    return render(request, "portal/styleguide.html", _parts(request, now=timezone.now()))


def _parts(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    rows = [Sample(f"{number} Muster GmbH", Decimal(15 * number), Decimal(number * 23)) for number in range(1, 31)]
    table = SampleTable(rows)
    show_page(table, request, per_page=4)
    filters = SampleFilter({"queue": "Support", "state": Job.State.DONE})
    filters.is_valid()
    form = SampleForm({"number": "many"})
    form.is_valid()
    return {
        "colours": COLOURS,
        "period": chosen_period(request.GET, now=now, offers_everything=True),
        "filters": filters,
        "form": form,
        "table": table,
        "jobs": [SyncRun(state=state) for state in Job.State],
        "job": SyncRun(
            state=Job.State.RUNNING, step=_("Searching for closed tickets"), progress_done=3, progress_total=8
        ),
        "now": now,
        "empties": [
            Empty(title=_("No run yet"), text=_("A run reads the closed tickets of a month.")),
            Empty(
                kind=EmptyKind.NOTHING_MATCHES,
                title=_("Nothing matches"),
                text=_("Tickets are there, but none passes the filters."),
                url="?view=plain",
                action=_("Clear the filters"),
            ),
            Empty(kind=EmptyKind.NOT_READ, title=_("Not read yet"), text=_("The tickets were not yet read in full.")),
            Empty(
                kind=EmptyKind.NO_PERMISSION,
                title=_("No customers are assigned to you"),
                text=_("An administrator can assign them."),
            ),
        ],
    }
