"""The time report as a document that scripts read and as a table that people read."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.commandline import table
from common.money import plain
from common.spans import Span
from portal.reports.data_state import DataState
from portal.reports.selection import every_entry
from portal.reports.span_text import span_text
from portal.reports.sums import MINUTES_FIELDS, SUM_FIELDS, By, Row, Sums, labelled, sums_by
from tickets.models import TicketSystem

Document = dict[str, Any]


def report_rows(by: By, span: Span) -> list[Row]:
    """Every group of the span, whoever may see it, by key and ticket system."""
    rows = labelled(by, sums_by(by, every_entry(span)))
    return sorted(rows, key=lambda row: (row.key, row.system))


def sum_of(rows: Iterable[Sums]) -> Sums:
    """Added up here, so that it is the sum of what is shown, whatever is being synced meanwhile."""
    sums = Sums(entries=0, **dict.fromkeys(MINUTES_FIELDS, Decimal(0)))
    values: dict[str, Any] = {name: getattr(sums, name) for name in SUM_FIELDS}
    for row in rows:
        for name in SUM_FIELDS:
            values[name] += getattr(row, name)
    return Sums(**values)


def report_document(*, by: By, span: Span, state: DataState, rows: Sequence[Row]) -> Document:
    """Minutes are decimal strings without exponent; ``as_of`` is an instant in ISO form or ``null``.

    ``time_zone`` is the one of the ticket systems, several separated by a comma.
    """
    sums = sum_of(rows)
    return {
        "period": span_text(span),
        "by": by.value,
        "time_zone": time_zones(),
        "as_of": state.as_of.isoformat() if state.as_of else None,
        "complete": state.complete,
        "problems": list(state.problems),
        "rows": [row_document(row) for row in rows],
        **{f"total_{name}": value for name, value in _values(sums).items()},
    }


def row_document(row: Row) -> Document:
    """``key`` is login, CustomerID (empty: the ticket has none), queue (empty: not known) or ticket number."""
    return {"key": row.key, "label": row.label, "system": row.system, **_values(row)}


def report_table(by: By, rows: Sequence[Row]) -> str:
    """Aligned columns with the sums in the last line."""
    header = [str(by.label), _("Name"), _("Ticket system"), _("Entries"), _("Minutes"), _("Billed"), _("Unbilled")]
    header += [_("Not billable"), _("Blocked")]
    lines = [[row.key, row.label, row.system, *_texts(row)] for row in rows]
    lines.append([_("Total"), "", "", *_texts(sum_of(rows))])
    return table(header, lines, numbers=len(SUM_FIELDS))


def time_zones() -> str:
    """Of the active ticket systems, whose days are counted."""
    zones = TicketSystem.objects.filter(active=True).order_by().values_list("time_zone", flat=True)
    return ", ".join(sorted(set(zones)))


def _values(sums: Sums) -> Document:
    return {"entries": sums.entries} | {name: plain(getattr(sums, name)) for name in MINUTES_FIELDS}


def _texts(sums: Sums) -> list[str]:
    return [str(value) for value in _values(sums).values()]
