"""The audit log as a table: the newest first, one row an action."""

from collections.abc import Iterable
from typing import Any

import django_tables2 as tables
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.actions import ActorKind
from audit.filters import kinds_of_objects
from audit.models import AuditRow
from audit.wording import shown_changes, shown_text
from common.paging import PagedData
from common.tables import DateTimeColumn, Table

WORDS = {"td": {"class": "break"}}


class AuditTable(Table):
    """Files have more columns than the page: also the place in the chain."""

    caption = gettext_lazy("Audit log")

    number = tables.Column(verbose_name=gettext_lazy("No."), accessor="pk")
    at = DateTimeColumn(verbose_name=gettext_lazy("When"))
    who = tables.Column(verbose_name=gettext_lazy("Who"), accessor="actor", empty_values=(), attrs=WORDS)
    action = tables.Column(verbose_name=gettext_lazy("Action"))
    object = tables.Column(verbose_name=gettext_lazy("Object"), accessor="object_name", empty_values=(), attrs=WORDS)
    result = tables.Column(verbose_name=gettext_lazy("Result"))
    details = tables.Column(verbose_name=gettext_lazy("Details"), accessor="text", empty_values=(), attrs=WORDS)
    address = tables.Column(verbose_name=gettext_lazy("From"), empty_values=(), attrs=WORDS)
    source = tables.Column(verbose_name=gettext_lazy("Request or job"), visible=False)
    action_name = tables.Column(verbose_name=gettext_lazy("Name of the action"), accessor="action", visible=False)
    object_type = tables.Column(verbose_name=gettext_lazy("Kind of object"), visible=False)
    object_key = tables.Column(verbose_name=gettext_lazy("Key of the object"), visible=False)
    position = tables.Column(verbose_name=gettext_lazy("Position"), visible=False)
    seal = tables.Column(verbose_name=gettext_lazy("Seal"), visible=False)

    def __init__(self, data: QuerySet[AuditRow]) -> None:
        super().__init__(PagedData(data), orderable=False)

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {kind: str(label) for kind, label in kinds_of_objects()}

    def render_who(self, record: AuditRow) -> SafeString:
        kind = "" if record.actor_kind == ActorKind.USER else record.get_actor_kind_display()
        return format_html('{}<div class="muted">{}</div>', record.actor, kind)

    def value_who(self, record: AuditRow) -> str:
        return record.actor or record.get_actor_kind_display()

    def render_action(self, record: AuditRow) -> str:
        return record.action_label

    def value_action_name(self, record: AuditRow) -> str:
        return record.action

    def render_object(self, record: AuditRow) -> str:
        """With what else happened to it one click away."""
        if not record.object_type:
            return "–"
        kind = self._kinds.get(record.object_type, record.object_type)
        link = format_html(
            '<a href="?kind={}&amp;key={}">{}</a>',
            record.object_type,
            record.object_key,
            record.object_name or record.object_key or kind,
        )
        return format_html('{}<div class="muted">{}</div>', link, kind)

    def value_object(self, record: AuditRow) -> str:
        return record.object_name

    def render_details(self, record: AuditRow) -> SafeString:
        """In the reader's form of numbers and days; files hold what is stored."""
        shown = [(name, *shown_changes(record.object_type, name, old, new)) for name, old, new in record.changes]
        told = format_html_join("", "<div>{}: {} → {}</div>", _pairs(shown))
        return format_html("{}{}", told, shown_text(record.action, record.text))

    def value_details(self, record: AuditRow) -> str:
        changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in _pairs(record.changes))
        return " ".join(filter(None, (changes, record.text)))

    def render_address(self, record: AuditRow) -> SafeString:
        source = _task(record.source)
        return format_html('{}<div class="muted">{}</div>', record.address or "–", source)

    def value_address(self, record: AuditRow) -> str:
        return record.address


def _pairs(changes: Any) -> Iterable[tuple[str, str, str]]:
    for name, old, new in changes:
        yield name, old if old not in (None, "") else _("nothing"), new if new not in (None, "") else _("nothing")


def _task(source: str) -> str:
    """Ids of requests are for the log; they stand in files."""
    return source if source.startswith("task ") else ""
