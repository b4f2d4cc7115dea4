"""How a span of days is written in an address and on the command line."""

import re
from datetime import date, timedelta

from django.utils.translation import gettext as _

from common.months import Month
from common.spans import Span

EVERYTHING = "all"
YEAR = re.compile(r"(\d{4})", re.ASCII)
QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)
MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", re.ASCII)
YEARS = range(1971, 9997 + 1)  # those of which a month may be read, see ``Month.parse``


def parse_span(text: str) -> Span:
    """Read ``2026-10``, ``2026-Q3``, ``2026``, ``2026-09-01..2026-10-15`` (both days count) or ``all``.

    Anything else raises ``ValueError`` with a sentence that names the forms.
    """
    try:
        return _read(text)
    except ValueError:
        words = _(
            "“%(text)s” is not a period; write it like 2026-10, 2026-Q3, 2026 or 2026-09-01..2026-10-15, "
            "or all for everything."
        )
        raise ValueError(words % {"text": text[:40]}) from None


def span_text(span: Span) -> str:
    """The shortest form that ``parse_span`` reads as this span."""
    first, months = span.first_day, span.whole_months
    if span.is_everything:
        return EVERYTHING
    if months == 1:
        return str(Month.of(first))
    if months == 3 and first.month % 3 == 1:
        return f"{first.year:04}-Q{first.month // 3 + 1}"
    if months == 12 and first.month == 1:
        return f"{first.year:04}"
    return f"{first.isoformat()}..{span.last_day.isoformat()}"


def _read(text: str) -> Span:
    if text == EVERYTHING:
        return Span.everything()
    if MONTH.fullmatch(text):
        return Span.of_month(Month.parse(text))
    if match := YEAR.fullmatch(text):
        return Span.of_year(_sensible(int(match[1])))
    if match := QUARTER.fullmatch(text):
        return Span.of_quarter(_sensible(int(match[1])), int(match[2]))
    if match := DAYS.fullmatch(text):
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        _sensible(first.year), _sensible(last.year)
        return Span(first, last + timedelta(days=1))
    raise ValueError(text)


def _sensible(year: int) -> int:
    if year not in YEARS:
        raise ValueError(year)
    return year
