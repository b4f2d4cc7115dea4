"""Set-up of agents: one by one, and the whole list as a file."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from common.csvfiles import GERMAN, LIMITS, PLAIN, Dialect
from tickets.agent_file import COLUMNS, write_agent_file
from tickets.agent_forms import AgentForm, AgentImportForm, as_content
from tickets.agent_list import AgentImport, export_agents, import_agents
from tickets.agent_plan import Effect, Row
from tickets.models import TicketSystem

MOST_SHOWN = 200
"""Rows of a file that its preview shows."""


class WithAccount(admin.SimpleListFilter):
    title = gettext_lazy("account in the portal")
    parameter_name = "with_account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", gettext_lazy("with account")), ("no", gettext_lazy("without account"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(account__isnull=self.value() == "no")


class AgentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = AgentForm
    list_display = ("__str__", "login", "user_id", "email", "system", "departed", "account")
    list_filter = ("system", "departed", WithAccount)
    list_select_related = ("system", "account")
    search_fields = ("login", "name", "email", "account__username")

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "tickets_agent_{}".format
        return [
            path("import/", view(self.import_page), name=name("import")),
            path("import/template/", view(self.template_file), name=name("template")),
            path("export/<int:pk>/", view(self.export_file), name=name("export")),
            *super().get_urls(),
        ]

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        if db_field.name == "account":
            kwargs["queryset"] = get_user_model()._default_manager.order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Choose a file, see what it would do, and only then take it in; it is looked at again at that moment."""
        self._check_may_import(request)
        form = AgentImportForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            system, data, seen = (form.cleaned_data[name] for name in ("system", "data", "seen"))
            result = import_agents(system=system, data=data, now=timezone.now(), dry_run=not seen, seen=seen)
            if result.written:
                self._log(request, result)
                messages.success(request, _counted(result))
                return redirect("admin:tickets_agent_changelist")
            context |= _preview(result, system, data) | {"has_changed": bool(seen) and not result.faults}
        return self._show_import(request, context)

    def template_file(self, request: HttpRequest) -> HttpResponse:
        """A file with the header alone."""
        self._check_may_import(request)
        return _download(write_agent_file([], _dialect()), _("agents-template"))

    def export_file(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The present list of a ticket system; taken in again, it changes nothing."""
        self._check_may_import(request)
        system = get_object_or_404(TicketSystem, pk=pk)
        return _download(export_agents(system, _dialect()), f"{_('agents')}_{system.name}")

    def _check_may_import(self, request: HttpRequest) -> None:
        if not (self.has_change_permission(request) and self.has_add_permission(request)):
            raise PermissionDenied

    def _show_import(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        context |= self.admin_site.each_context(request)
        context |= {"title": _("Import agents from CSV"), "columns": COLUMNS, "limits": LIMITS}
        context |= {"kilobytes": LIMITS.size // 1000, "systems": TicketSystem.objects.all()}
        return render(request, "admin/tickets/agent/import.html", context)

    def _log(self, request: HttpRequest, result: AgentImport) -> None:
        """Each agent's own history says where it came from."""
        for agents, flag in ((result.added, ADDITION), (result.changed, CHANGE)):
            if agents:
                user = request.user.pk or 0  # somebody: only those who may change agents get here
                LogEntry.objects.log_actions(user, agents, flag, _("Imported from CSV."))


def _preview(result: AgentImport, system: TicketSystem, data: bytes) -> dict[str, Any]:
    """Of a file with faults only the rows that have one; else those that would do something."""
    wanted = Effect.REFUSED if result.faults else None
    rows = [row for row in result.rows if (row.effect == wanted if wanted else row.effect != Effect.UNCHANGED)]
    lines = {row.source.line for row in result.rows}
    return {
        "result": result,
        "system": system,
        "rows": [(row, _cells(row)) for row in rows[:MOST_SHOWN]],
        "hidden": max(len(rows) - MOST_SHOWN, 0),
        "faults_of_file": [fault for fault in result.faults if fault.line not in lines],
        "counted": _counted(result),
        "content": as_content(data),
    }


def _cells(row: Row) -> list[dict[str, Any]]:
    """In the order of the columns: what stands in the file, what stood there before, and what is wrong with it."""
    return [
        {
            "text": row.source.cells.get(column, ""),
            "before": row.changes[column][0] if column in row.changes else "",
            "is_changed": column in row.changes and row.effect == Effect.CHANGED,
            "faults": [fault.text for fault in row.faults if fault.column == column],
        }
        for column in COLUMNS
    ]


def _counted(result: AgentImport) -> str:
    return _("%(new)d new, %(changed)d changed, %(unchanged)d unchanged.") % {
        effect.value: count for effect, count in result.counts.items()
    }


def _dialect() -> Dialect:
    """What the spreadsheet of whoever reads this page most likely wants."""
    return GERMAN if (get_language() or "").startswith("de") else PLAIN


def _download(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.csv")
    response["X-Content-Type-Options"] = "nosniff"
    return response
