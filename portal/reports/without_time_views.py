"""The list of agents without time in a month."""

from typing import Any

import django_tables2 as tables
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.exports import download
from common.months import Month
from common.paging import Empty, show_page
from common.tables import DateColumn, Table
from portal.reports.without_time import agents_without_time
from tickets.periods import chosen_period

WORDS = {"td": {"class": "break"}}


class WithoutTimeTable(Table):
    """One row an agent; the name leads to the month of the last booking."""

    caption = gettext_lazy("Agents without time")

    agent = tables.Column(verbose_name=gettext_lazy("Agent"), attrs=WORDS)
    login = tables.Column(verbose_name=gettext_lazy("Login"), accessor="agent__login", attrs=WORDS)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), accessor="agent__system", attrs=WORDS)
    last_day = DateColumn(verbose_name=gettext_lazy("Last booked on"))

    def render_agent(self, record: Any) -> SafeString:
        query = urlencode({"agent": record.agent.pk, "period": str(Month.of(record.last_day))})
        return format_html('<a href="{}?{}">{}</a>', reverse("reports:entries"), query, record.agent)

    def value_agent(self, record: Any) -> str:
        return str(record.agent)


@permission_required("tickets.see_all_customers", raise_exception=True)
def without_time(request: HttpRequest) -> HttpResponse:
    """Agents who booked in the three months before and nothing in this one; the running month by default."""
    now = timezone.now()
    query = request.GET.copy()
    query.setdefault("period", str(chosen_period(query, now=now).current))
    period = chosen_period(query, now=now)
    table = WithoutTimeTable(agents_without_time(period.month))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('agents-without-time')}_{period.value}")
    context: dict[str, Any] = {"period": period, "table": table}
    if not table.paginator.count:
        text = _("Everybody who booked in the three months before has booked in this one, too, or has left.")
        context["empty"] = Empty(title=_("Nobody is missing"), text=text)
    return render(request, "reports/without_time.html", context)
