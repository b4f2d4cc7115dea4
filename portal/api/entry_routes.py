"""``/entries``: the time entries, the rows behind every number."""

from django.http import HttpRequest
from ninja import Query, Router

from portal.api.access import caller
from portal.api.entry_filters import EntryFilters, narrowing_of
from portal.api.entry_records import EntryRecord, entry_records
from portal.api.paging import Page, Paging, keyset_page
from portal.api.periods import span_of
from portal.api.routing import reads
from portal.api.scopes import Scope
from portal.reports.selection import select_entries
from tickets.models import TicketSystem

router = Router(tags=["Time entries"])


class EntryQuery(Paging, EntryFilters):
    """What the list can be asked for."""


@reads(router, "/entries", scope=Scope.TICKETS, answer=Page[EntryRecord], summary="Time entries")
def entries(request: HttpRequest, query: Query[EntryQuery]) -> Page[EntryRecord]:
    """What was booked and the ticket system still shows. Their minutes add up to those of the reports.

    The order is that of the days; where no period is given, that of the numbers.
    """
    user, span = caller(request), span_of(query)
    systems = list(TicketSystem.objects.values_list("pk", flat=True)[:2])
    narrowing = narrowing_of(query, systems=systems)
    found = select_entries(span, user=user, narrowing=narrowing, standing=False)
    by = ("pk",) if span.is_everything else ("local_day", "pk")  # each has its index
    shown, following = keyset_page(request, found.only("pk", "local_day"), query, by=by)
    return Page(items=entry_records([entry.pk for entry in shown], user=user), next=following)
