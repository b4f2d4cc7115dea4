"""The base of every table: right-aligned numbers, totals of the whole filtered set, and values for the export."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import django_tables2 as tables
from django.db.models import DateField, DateTimeField, Field, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_tables2.columns import library

from common.durations import decimal_hours, hhmm
from common.money import plain, quantize, round_money
from common.templatetags import formats

STORED_PLACES = 5  # the most decimals of a summed field; SQLite sums in binary and its sums are cut back to them


def _resolve(accessor: str, record: Any) -> Any:
    return tables.A(accessor).resolve(record)


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of the filtered set by column name; one per currency where the table names a ``currency_field``."""

    currency: str
    sums: dict[str, Decimal]


class Column(tables.Column):
    """The library's column of text, with a typed constructor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]


class DateColumn(Column):
    """A day in the short form of the language; exported as a real date."""

    def render(self, value: date) -> str:
        return date_format(value, "SHORT_DATE_FORMAT")

    def value(self, **kwargs: Any) -> Any:
        return kwargs["value"]

    @classmethod
    def from_field(cls, field: "Field[Any, Any]", **kwargs: Any) -> "DateColumn | None":
        return cls(**kwargs) if isinstance(field, DateField) else None


class DateTimeColumn(Column):
    """An instant in the zone of the page; exported as a real date and time in that zone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["attrs"] = {"td": {"class": "instant"}} | kwargs.get("attrs", {})
        super().__init__(*args, **kwargs)

    def render(self, value: datetime) -> str:
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")

    def value(self, **kwargs: Any) -> Any:
        return kwargs["value"]

    @classmethod
    def from_field(cls, field: "Field[Any, Any]", **kwargs: Any) -> "DateTimeColumn | None":
        return cls(**kwargs) if isinstance(field, DateTimeField) else None


# The library asks the latest first, and a DateTimeField is a DateField, too.
for kind in (DateColumn, DateTimeColumn):
    library.register(kind)


class NumberColumn(Column):
    """A right-aligned number; in the footer stands its total where the table has one."""

    xlsx_format = "General"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["attrs"] = {"cell": {"class": "number text-end"}} | kwargs.get("attrs", {})
        super().__init__(*args, **kwargs)

    def show(self, value: Decimal) -> str:
        """The number as a person reads it."""
        return formats.number(Decimal(value))

    def render(self, value: Decimal) -> str:
        return self.show(value)

    def value(self, **kwargs: Any) -> Decimal:
        """The number without needless zeros, for exports."""
        return Decimal(plain(Decimal(kwargs["value"])))

    def render_footer(self, bound_column: Any, table: "Table") -> str:
        name = bound_column.name
        return self.show_total(name, table.totals) if name in table.totals_fields else ""

    def show_total(self, name: str, totals: list[Total]) -> str:
        return self.show(sum((total.sums[name] for total in totals), Decimal(0)))

    def show_page_total(self, name: str, table: "Table") -> str:
        """What the rows of the page come to."""
        return self.show_total(name, table.page_totals)


class MinutesColumn(NumberColumn):
    """Minutes, with hours and minutes as title."""

    def show(self, value: Decimal) -> str:
        return format_html('<span title="{}">{}</span>', hhmm(value), formats.minutes(value))


class HoursColumn(NumberColumn):
    """Minutes as decimal hours, on the page and in files."""

    xlsx_format = "0.00"

    def show(self, value: Decimal) -> str:
        return formats.hours(Decimal(value))

    def value(self, **kwargs: Any) -> Decimal:
        return decimal_hours(Decimal(kwargs["value"]))


class MoneyColumn(NumberColumn):
    """An amount in cents. ``currency`` is the accessor of its currency; empty: the currency is not shown."""

    xlsx_format = "#,##0.00"

    def __init__(self, *args: Any, currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def render(self, value: Decimal, record: Any) -> str:  # type: ignore[override]  # called by parameter name
        return formats.money(value, _resolve(self.currency, record) if self.currency else "")

    def value(self, **kwargs: Any) -> Decimal:
        return round_money(kwargs["value"])

    def show_total(self, name: str, totals: list[Total]) -> str:
        """One amount per currency: different currencies are never added up."""
        return " + ".join(formats.money(total.sums[name], total.currency) for total in totals)


class Table(tables.Table):
    """Base class of the tables. The totals cost one query, whatever page is shown.

    ``caption`` says what the table holds, for assistive technology and print. ``totals_fields`` names the columns that
    are summed. ``currency_field`` is the model field that the sums are kept apart by; without it a table must not sum
    amounts of several currencies. With it the totals are read by primary key, so the columns must be model fields.
    """

    request: HttpRequest | None = None
    caption: str | Promise = ""
    totals_fields: tuple[str, ...] = ()
    currency_field: str = ""

    class Meta:
        empty_text: ClassVar[str | Promise] = _("Nothing found.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        if self.empty_text is None:  # the library does not inherit Meta
            self.empty_text = Table.Meta.empty_text
        columns = [bound.column for bound in self.columns]
        if not isinstance(columns[0], NumberColumn) and all(column._footer is None for column in columns):
            columns[0]._footer = _("Total")

    def has_footer(self) -> bool:
        return bool(self.totals_fields) and self.show_footer

    def footers(self) -> list[tuple[str, list[tuple[Any, str]]]]:
        """Class and cells of each row of the footer, a cell with its column: the totals, above them those of the page
        where there are several pages."""
        if not self.has_footer():
            return []
        overall = [(column, str(column.footer)) for column in self.columns]
        if not self.is_cut:
            return [("", overall)]
        named = [(column, str(_("Total of all pages")) if _is_named(column) else text) for column, text in overall]
        return [("of-page", [(column, self._page_total(column)) for column in self.columns]), ("", named)]

    @property
    def is_cut(self) -> bool:
        """Whether only one of several pages is shown."""
        page = getattr(self, "page", None)
        return page is not None and page.paginator.num_pages > 1

    def _page_total(self, bound: Any) -> str:
        if _is_named(bound):
            return str(_("Sum of this page"))
        shows = isinstance(bound.column, NumberColumn) and bound.name in self.totals_fields
        return bound.column.show_page_total(bound.name, self) if shows else ""

    @cached_property
    def page_totals(self) -> list[Total]:
        """Sums of the rows of the page that is shown; no query."""
        return _sums_of_list([row.record for row in self.paginated_rows], self._accessors, self.currency_field)

    @property
    def _accessors(self) -> dict[str, str]:
        shown = [name for name in self.totals_fields if name in self.columns.names()]
        return {name: str(self.columns[name].accessor) for name in shown}

    @cached_property
    def totals(self) -> list[Total]:
        """Sums of the whole filtered set, not of the page; empty where the table has no totals."""
        accessors = self._accessors
        if not accessors:
            return []
        data = self.data.data
        if isinstance(data, QuerySet):
            return _sums_of_queryset(data, accessors, self.currency_field)
        return _sums_of_list(data, accessors, self.currency_field)


def _is_named(bound: Any) -> bool:
    """The column whose footer says what the others hold."""
    return bool(bound.column._footer)


def _sums_of_queryset(data: "QuerySet[Any]", accessors: dict[str, str], currency_field: str) -> list[Total]:
    sums = {f"total_{name}": Sum(accessor) for name, accessor in accessors.items()}
    if currency_field:
        # By primary key, so that joins of the filters cannot multiply rows.
        found = data.model._base_manager.filter(pk__in=data.order_by().values("pk"))
        rows = found.order_by(currency_field).values(currency_field).annotate(**sums)
    else:
        rows = [data.order_by().aggregate(**sums)]
    return [
        Total(row.get(currency_field, ""), {name: _stored(row[f"total_{name}"]) for name in accessors}) for row in rows
    ]


def _sums_of_list(data: Iterable[Any], accessors: dict[str, str], currency_field: str) -> list[Total]:
    totals: dict[str, Total] = {} if currency_field else {"": Total("", dict.fromkeys(accessors, Decimal(0)))}
    for record in data:
        currency = _resolve(currency_field, record) if currency_field else ""
        total = totals.setdefault(currency, Total(currency, dict.fromkeys(accessors, Decimal(0))))
        for name, accessor in accessors.items():
            total.sums[name] += _resolve(accessor, record) or 0
    return [totals[currency] for currency in sorted(totals)]


def _stored(total: Decimal | int | None) -> Decimal:
    return Decimal(plain(quantize(Decimal(total or 0), STORED_PLACES)))
