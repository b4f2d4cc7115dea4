"""How the audit log is narrowed down; everything stands in the address, and each filter has an index of its own."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.apps import apps
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import filters
from django_filters.filterset import FilterSet

from audit.actions import Action, Result
from audit.models import AuditRow

NEVER_TOLD = {"account", "admin", "audit", "contenttypes", "sessions"}
OTHER_KINDS = [("page", _("page")), ("file", _("file"))]


class AuditFilter(FilterSet):
    """``from`` and ``to`` are days in the zone of the page, both included."""

    actor = filters.CharFilter(label=_("Who (exact name)"), max_length=200)
    action = filters.ChoiceFilter(label=_("Action"), empty_label=_("All actions"), choices=Action.choices)
    kind = filters.ChoiceFilter(label=_("Kind of object"), empty_label=_("All kinds"), field_name="object_type")
    key = filters.CharFilter(label=_("Key of the object"), field_name="object_key", max_length=80)
    result = filters.ChoiceFilter(label=_("Result"), empty_label=_("All results"), choices=Result.choices)

    def __init__(self, query: QueryDict) -> None:
        super().__init__(query, queryset=AuditRow.objects.all())  # type: ignore[no-untyped-call]  # the base is untyped
        self.filters["kind"].extra["choices"] = kinds_of_objects()
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        for name, label in (("from", _("From")), ("to", _("To"))):
            self.filters[name] = filters.DateFilter(label=label, method=f"{name}_day", widget=day)
            self.filters[name].parent = self
        rest = [name for name in self.filters if name not in ("from", "to")]
        self.filters = {name: self.filters[name] for name in ("from", "to", *rest)}

    def from_day(self, rows: QuerySet[AuditRow], name: str, day: date) -> QuerySet[AuditRow]:
        return rows.filter(at__gte=_begin(day))

    def to_day(self, rows: QuerySet[AuditRow], name: str, day: date) -> QuerySet[AuditRow]:
        return rows.filter(at__lt=_begin(day + timedelta(days=1))) if day < date.max else rows


def kinds_of_objects() -> list[tuple[str, Any]]:
    """Every kind that a row may be about, sorted by its name in the language of the page."""
    models = [
        (model._meta.label_lower, model._meta.verbose_name)
        for model in apps.get_models()
        if model._meta.app_label not in NEVER_TOLD
    ]
    return sorted([*models, *OTHER_KINDS], key=lambda pair: str(pair[1]).casefold())


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
