"""Periods in the address of the API: the months and spans that the pages take, but nothing is guessed."""

from datetime import date, timedelta
from typing import Annotated

from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from common.months import Month
from common.spans import Span
from portal.api.problems import wrong
from portal.reports.span_text import parse_span
from tickets.periods import EVERYTHING, YEARS, Period

MONTH = r"^(all|20\d\d-(0[1-9]|1[0-2]))$"
SPAN = r"^(all|20\d\d(-(0[1-9]|1[0-2])|-Q[1-4])?|20\d\d-\d\d-\d\d\.\.20\d\d-\d\d-\d\d)$"

MonthChoice = Annotated[
    str, Field(pattern=MONTH, description="A month such as 2026-10, or `all`.", examples=["2026-10"])
]


class SpanQuery(Schema):
    """A span of days, each by the clock of its ticket system."""

    period: Annotated[
        str | None,
        Field(
            pattern=SPAN,
            description="2026-10, 2026-Q3, 2026, 2026-09-01..2026-10-15 (both days count) or `all`. "
            "Left out, with `from` and `to` left out as well: `all`.",
            examples=["2026-10"],
        ),
    ] = None
    first: Annotated[date | None, Field(alias="from", description="First day; together with `to`.")] = None
    last: Annotated[date | None, Field(alias="to", description="Last day; it counts as well.")] = None


def span_of(query: SpanQuery) -> Span:
    """Of ``from`` and ``to``, or of ``period``; one of the two ways."""
    if query.first is None and query.last is None:
        return _of_text(query.period or EVERYTHING)
    if query.period is not None:
        raise wrong("period", _("Give either period or from and to."))
    if query.first is None or query.last is None:
        raise wrong("to" if query.last is None else "from", _("Give the other day, too."))
    if query.last < query.first:
        raise wrong("to", _("The last day comes before the first."))
    if query.first.year not in YEARS or query.last.year not in YEARS:
        raise wrong("from", _("Days lie between 2000-01-01 and 2099-12-31."))
    return Span(query.first, query.last + timedelta(days=1))


def month_of(text: str) -> Month | None:
    """Of a text that ``MONTH`` matches; ``None``: all months."""
    return None if text == EVERYTHING else Month.parse(text)


def period_of(text: str) -> Period:
    """The same for lists that are found by ``Period``."""
    month = month_of(text)
    shown = month or Month(2000, 1)
    return Period(month=shown, current=shown, zones=(), everything=month is None)


def _of_text(text: str) -> Span:
    try:
        return parse_span(text)
    except ValueError as error:
        raise wrong("period", str(error)) from error
