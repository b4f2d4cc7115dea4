"""The span of days and the unit that a report shows, chosen in the address."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.months import Month
from common.spans import Span
from common.templatetags.formats import month_label
from portal.reports.span_text import parse_span, span_text
from tickets.periods import YEARS, Period, Preset, chosen_period

ENTERED = 40  # characters of what was typed that are shown again
DAY_FORMS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII),
    re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})", re.ASCII),
)


class Unit(TextChoices):
    """How the page shows minutes; files hold minutes and hours."""

    MINUTES = "minutes", gettext_lazy("Minutes")
    HHMM = "hhmm", gettext_lazy("Hours (h:mm)")
    HOURS = "hours", gettext_lazy("Hours (decimal)")


def chosen_unit(query: QueryDict) -> Unit:
    """``?unit=``; minutes where none is named or it cannot be read."""
    text = query.get("unit", "")
    return Unit(text) if text in Unit.values else Unit.MINUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanChoice:
    """The shown span and what its fields hold; of each field what was typed and the sentence to show at it."""

    span: Span
    calendar: Period
    """Its ``current`` is the month that runs now; its zones are whose days these are."""
    entered: str = ""
    entered_from: str = ""
    entered_to: str = ""
    error: str = ""
    from_error: str = ""
    to_error: str = ""

    @property
    def value(self) -> str:
        return span_text(self.span)

    @property
    def label(self) -> str:
        return span_label(self.span)

    @property
    def heading(self) -> str:
        """``October 2026 (Europe/Berlin)``."""
        return f"{self.label} ({', '.join(self.calendar.zones)})"

    @property
    def errors(self) -> list[str]:
        return [error for error in (self.error, self.from_error, self.to_error) if error]

    @property
    def before(self) -> Span | None:
        """What the report compares with; ``None`` where the calendar has none."""
        return self._shifted(-1)

    @property
    def previous(self) -> str:
        """Where the arrow leads to; empty where it leads nowhere."""
        return span_text(span) if (span := self._shifted(-1)) else ""

    @property
    def next(self) -> str:
        return span_text(span) if (span := self._shifted(1)) else ""

    @property
    def presets(self) -> list[Preset]:
        """What the menu offers."""
        month = self.calendar.current
        quarter = Month(month.year, (month.month - 1) // 3 * 3 + 1)
        named = [
            (_("Previous month: %(period)s"), Span.of_month(month.previous)),
            (_("This month: %(period)s"), Span.of_month(month)),
            (_("Previous quarter: %(period)s"), Span.of_months(quarter.shift(-3), quarter.previous)),
            (_("This year: %(period)s"), Span.of_year(month.year)),
            (_("Previous year: %(period)s"), Span.of_year(month.year - 1)),
            (_("The last 12 months: %(period)s"), Span.of_months(month.shift(-12), month.previous)),
            (_("A year before the previous month: %(period)s"), Span.of_month(month.shift(-13))),
            (_("Everything that was read"), Span.everything()),
        ]
        return [Preset(value=span_text(span), label=text % {"period": span_label(span)}) for text, span in named]

    def _shifted(self, places: int) -> Span | None:
        if self.span.is_everything:
            return None
        try:
            span = self.span.shift(places)
        except ValueError:
            return None
        return span if _is_sensible(span) else None


def chosen_span(query: QueryDict, *, now: datetime) -> SpanChoice:
    """``?from=`` and ``?to=`` (days, both count) or ``?period=``; the previous month where nothing can be read."""
    calendar = chosen_period(QueryDict(), now=now)
    default = SpanChoice(span=Span.of_month(calendar.current.previous), calendar=calendar)
    first, last = query.get("from", "").strip(), query.get("to", "").strip()
    choice = _of_days(default, first, last) if first or last else _of_text(default, query.get("period", "").strip())
    if choice.errors or choice.span.is_everything:
        return choice
    return replace(
        choice,
        entered=choice.value,
        entered_from=choice.span.first_day.isoformat(),
        entered_to=choice.span.last_day.isoformat(),
    )


def span_label(span: Span) -> str:
    """The span in words: ``October 2026``, ``Quarter 3 of 2026``, ``2026``, ``2026-09-01 to 2026-10-15``."""
    first, last, months = span.first_day, span.last_day, span.whole_months
    if span.is_everything:
        return _("All time")
    if months == 1:
        return month_label(first)
    if months == 3 and first.month % 3 == 1:
        return _("Quarter %(quarter)d of %(year)d") % {"quarter": first.month // 3 + 1, "year": first.year}
    if months == 12 and first.month == 1:
        return str(first.year)
    if span.days == 1:
        return _short(first)
    show = month_label if months else _short
    return _("%(first)s to %(last)s") % {"first": show(first), "last": show(last)}


def _short(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _of_text(default: SpanChoice, text: str) -> SpanChoice:
    if not text:
        return default
    try:
        span = parse_span(text)
    except ValueError:
        span = None
    if span is not None and (span.is_everything or _is_sensible(span)):
        return replace(default, span=span)
    sentence = _("“%(text)s” is not a period. Write it as 2026-10, 2026-Q3 or 2026. Shown is %(shown)s.")
    return replace(default, entered=text[:ENTERED], error=sentence % {"text": text[:ENTERED], "shown": default.label})


def _of_days(default: SpanChoice, first: str, last: str) -> SpanChoice:
    days = {"from": _day(first), "to": _day(last)}
    entered = replace(default, entered_from=first[:ENTERED], entered_to=last[:ENTERED])
    if days["from"] is None or days["to"] is None:
        return replace(entered, from_error=_day_error(first, default), to_error=_day_error(last, default))
    if days["to"] < days["from"]:
        sentence = _("The last day comes before the first. Shown is %(shown)s.")
        return replace(entered, to_error=sentence % {"shown": default.label})
    return replace(entered, span=Span(days["from"], days["to"] + timedelta(days=1)))


def _day(text: str) -> date | None:
    """``2026-10-05`` or ``05.10.2026`` as a day; ``None`` where it is none or out of reach."""
    for form in DAY_FORMS:
        if match := form.fullmatch(text):
            try:
                day = date(int(match["year"]), int(match["month"]), int(match["day"]))
            except ValueError:
                return None
            return day if day.year in YEARS else None
    return None


def _day_error(text: str, default: SpanChoice) -> str:
    if _day(text) is not None:
        return ""
    if not text:
        return _("Give the other day, too. Shown is %(shown)s.") % {"shown": default.label}
    sentence = _("“%(text)s” is not a day. Write it as 2026-10-31 or 31.10.2026. Shown is %(shown)s.")
    return sentence % {"text": text[:ENTERED], "shown": default.label}


def _is_sensible(span: Span) -> bool:
    return span.first_day.year in YEARS and span.last_day.year in YEARS
