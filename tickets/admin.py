"""Set-up of ticket systems, customers and agents; the mirror itself can only be looked at."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.admin import ReadOnlyAdmin
from tickets.agent_admin import AgentAdmin
from tickets.check_results import Check
from tickets.checks import check_as_entered, check_connection
from tickets.credentials import PASSWORDS, note_changes
from tickets.forms import ExpectationForm, TicketSystemForm, WebServiceForm
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketSystem, TimeEntry
from tickets.web_services import Offer, Transport, file_name, web_service_definition

admin.site.register(Agent, AgentAdmin)


@admin.register(TicketSystem)
class TicketSystemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = TicketSystemForm
    list_display = ("name", "base_url", "transport", "preset", "time_zone", "minutes_per_unit", "active")
    fieldsets = (
        (None, {"fields": ("name", "base_url", "verify_tls", "active")}),
        (
            gettext_lazy("Web service and sign-in"),
            {"fields": ("transport", "preset", "routes", "authentication", "login", "password")},
        ),
        (
            gettext_lazy("Time"),
            {"fields": ("time_zone", "minutes_per_unit", "time_source", "look_back_days", "reads_articles")},
        ),
        (
            gettext_lazy("Tickets"),
            {"fields": ("closed_state_types", "internal_queues", "search_limit", "deep_link")},
        ),
        (
            gettext_lazy("rpc.pl: for OTRS 3 and later, and to read absences back"),
            {"fields": ("rpc_url", "rpc_user", "rpc_password", "rpc_user_id"), "classes": ("collapse",)},
        ),
    )

    def save_model(self, request: HttpRequest, obj: TicketSystem, form: Any, change: bool) -> None:
        """Note who set which password, and that another connection is not checked yet."""
        changed = form.changed_fields if change else [*form.changed_fields, *PASSWORDS]
        note_changes(obj, changed, by=request.user.get_username(), now=timezone.now())
        super().save_model(request, obj, form, change)

    def response_post_save_add(self, request: HttpRequest, obj: TicketSystem) -> HttpResponseRedirect:
        """To what comes next: the check of the connection."""
        return HttpResponseRedirect(reverse("admin:tickets_ticketsystem_check", args=[obj.pk]))

    def get_urls(self) -> list[URLPattern]:
        own = {"check": self.check_page, "try": self.try_page, "web-service": self.web_service_page}
        pages = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(page), name=f"tickets_ticketsystem_{name}")
            for name, page in own.items()
        ]
        new = path("add/try/", self.admin_site.admin_view(self.try_page), name="tickets_ticketsystem_try_new")
        return [*pages, new, *super().get_urls()]

    def check_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the ticket system what works; only on POST, because it takes a while."""
        system = self._system(request, pk)
        form = ExpectationForm(request.POST if request.method == "POST" else None)
        asked = request.method == "POST" and form.is_valid()
        checks = check_connection(pk, expected=form.cleaned_data["expected"]) if asked else []
        context = self.admin_site.each_context(request) | {"system": system, "title": str(system)}
        return render(request, "admin/tickets/ticketsystem/check.html", context | {"form": form, "checks": checks})

    def try_page(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What works with the values as they were typed; nothing of them is saved. Opens beside the form."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if pk is None and not self.has_add_permission(request):
            raise PermissionDenied
        stored = None if pk is None else self._system(request, pk)
        form = self.get_form(request, stored, change=stored is not None)(request.POST, instance=stored)
        checks: list[Check] = []
        if form.is_valid():
            system: TicketSystem = form.save(commit=False)
            system.pk = system.pk or 0  # of no stored row, and yet the mirror can be asked for it
            checks = check_as_entered(system)
        context = self.admin_site.each_context(request) | {"title": str(stored or _("New ticket system"))}
        context |= {"errors": _errors_of(form), "checks": checks}
        return render(request, "admin/tickets/ticketsystem/try.html", context)

    def web_service_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is to be imported into the ticket system; with the choices made, the file itself."""
        system = self._system(request, pk)
        form = WebServiceForm(request.GET or None)
        if form.is_valid():
            transport, offer = Transport(form.cleaned_data["transport"]), Offer(form.cleaned_data["offer"])
            text = web_service_definition(transport=transport, offer=offer)
            response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
            response["Content-Disposition"] = content_disposition_header(True, file_name(transport=transport))
            return response
        context = self.admin_site.each_context(request) | {"system": system, "title": str(system), "form": form}
        return render(request, "admin/tickets/ticketsystem/web_service.html", context)

    def _system(self, request: HttpRequest, pk: int) -> TicketSystem:
        system = get_object_or_404(TicketSystem, pk=pk)
        if not self.has_change_permission(request, system):
            raise PermissionDenied
        return system


def _errors_of(form: Any) -> list[tuple[str, str]]:
    """Label and sentence of what the form refuses, or would refuse to save."""
    labels = {name: field.label or name for name, field in form.fields.items()}
    return [(labels.get(name, ""), error) for name, errors in form.errors.items() for error in errors]


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """The interface tells CustomerIDs alone; the names are entered here, many on one page."""

    list_display = ("customer_id", "name", "system")
    list_editable = ("name",)
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
