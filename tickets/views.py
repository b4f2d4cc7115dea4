"""The list of tickets and the page of one ticket."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exports import download
from common.paging import show_page
from tickets.filters import TicketFilter
from tickets.listing import ticket_by_number, tickets_of, time_of, why_empty
from tickets.models import Ticket
from tickets.outbox import items_visible_to
from tickets.periods import chosen_period
from tickets.tables import TicketTable


def ticket_list(request: HttpRequest) -> HttpResponse:
    """Tickets closed in the period, filtered and sorted; an exact number leads straight to its ticket."""
    exact = ticket_by_number(request.GET.get("q", ""), user=request.user)
    if exact and "export" not in request.GET:
        return redirect(exact)
    period = chosen_period(request.GET, now=timezone.now(), offers_everything=True)
    tickets = tickets_of(period, user=request.user)
    filters = TicketFilter(request.GET, tickets=tickets, period=period, user=request.user)
    table = TicketTable(filters.qs, period=period)
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('tickets')}_{period.value}")
    context = {"period": period, "filters": filters, "table": table}
    if not table.paginator.count:
        context["empty"] = why_empty(period, user=request.user, is_filtered=any(filters.form.cleaned_data.values()))
    return render(request, "tickets/list.html", context)


def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """What the ticket system says about one ticket and the time booked on it."""
    visible = Ticket.objects.visible_to(request.user).select_related("system", "customer", "owner")
    found = get_object_or_404(visible.prefetch_related("closings"), pk=pk)
    written = items_visible_to(request.user).filter(ticket=found)
    return render(request, "tickets/ticket.html", {"ticket": found, "time": time_of(found), "written": written})
