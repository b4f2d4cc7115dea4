"""Set-up of ticket systems, customers and agents; the mirror itself can only be looked at."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path

from common.admin import ReadOnlyAdmin
from tickets.agent_admin import AgentAdmin
from tickets.checks import check_connection
from tickets.forms import TicketSystemForm
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketSystem, TimeEntry

admin.site.register(Agent, AgentAdmin)


@admin.register(TicketSystem)
class TicketSystemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = TicketSystemForm
    list_display = ("name", "base_url", "preset", "time_zone", "minutes_per_unit", "active")

    def get_urls(self) -> list[URLPattern]:
        check = path("<int:pk>/check/", self.admin_site.admin_view(self.check_page), name="tickets_ticketsystem_check")
        return [check, *super().get_urls()]

    def check_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the ticket system what works; only on POST, because it takes a while."""
        system = get_object_or_404(TicketSystem, pk=pk)
        if not self.has_change_permission(request, system):
            raise PermissionDenied
        checks = check_connection(pk) if request.method == "POST" else []
        context = self.admin_site.each_context(request) | {"system": system, "checks": checks, "title": str(system)}
        return render(request, "admin/tickets/ticketsystem/check.html", context)


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("customer_id", "name", "system")
    list_filter = ("system", "account_managers")
    list_select_related = ("system",)
    search_fields = ("customer_id", "name")
    filter_horizontal = ("account_managers",)


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "customer", "queue", "state", "closed_at")
    list_select_related = ("customer",)
    search_fields = ("=number",)
    show_full_result_count = False


@admin.register(TimeEntry)
class TimeEntryAdmin(ReadOnlyAdmin):
    list_display = ("booked_local", "agent", "ticket", "units", "minutes", "gone_at")
    list_select_related = ("agent", "ticket")
    search_fields = ("=ticket__number",)
    show_full_result_count = False


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "state", "complete", "tickets", "entries", "minutes", "started_at", "finished_at")
    list_filter = ("system", "state", "complete")
    list_select_related = ("system",)
