"""The period that a page shows, chosen by ``?period=YYYY-MM`` in the address."""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from common.months import Month
from common.templatetags.formats import month_label
from tickets.models import TicketSystem

EVERYTHING = "all"
YEARS = range(2000, 2100)  # the arrows and the ends of months need room on both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One month, or with ``everything`` all of them; ``month`` then is the one that the arrows start from.

    ``current`` is the month that runs now in the ticket systems' zone, ``zones`` are the zones of the active ticket
    systems, ``entered`` is what stands in the field and ``error`` the sentence to show at it.
    """

    month: Month
    current: Month
    zones: tuple[str, ...]
    everything: bool = False
    offers_everything: bool = False
    entered: str = ""
    error: str = ""

    @property
    def value(self) -> str:
        return EVERYTHING if self.everything else str(self.month)

    @property
    def label(self) -> str:
        return _("All months") if self.everything else month_label(self.month)

    @property
    def is_previous_month(self) -> bool:
        return self.month == self.current.previous

    @property
    def previous(self) -> Month:
        return self.month.previous

    @property
    def next(self) -> Month:
        return self.month.next

    @property
    def presets(self) -> list[Preset]:
        """What the menu offers."""
        named = [
            (_("Previous month: %(month)s"), self.current.previous),
            (_("This month: %(month)s"), self.current),
            (_("Month before the previous one: %(month)s"), self.current.shift(-2)),
            (_("A year before the previous month: %(month)s"), self.current.shift(-13)),
        ]
        presets = [Preset(value=str(month), label=text % {"month": month_label(month)}) for text, month in named]
        if self.offers_everything:
            presets.append(Preset(value=EVERYTHING, label=_("All months")))
        return presets

    @property
    def zone_note(self) -> str:
        """Whose months these are; ticket systems of several zones each keep their own."""
        if len(self.zones) > 1:
            return _("Each ticket system by its own clock: %(zones)s") % {"zones": ", ".join(self.zones)}
        return f"({self.zones[0]})"


def chosen_period(query: QueryDict, *, now: datetime, offers_everything: bool = False) -> Period:
    """The period of the address; the previous month where none is named or where it cannot be read (with ``error``)."""
    systems = TicketSystem.objects.filter(active=True).order_by("time_zone")
    zones = tuple(systems.values_list("time_zone", flat=True).distinct()) or (settings.TIME_ZONE,)
    current = Month.of(now.astimezone(ZoneInfo(zones[0])).date())
    period = Period(month=current.previous, current=current, zones=zones, offers_everything=offers_everything)
    text = query.get("period", "").strip() or str(period.month)
    if text == EVERYTHING and offers_everything:
        return replace(period, everything=True)
    try:
        return replace(period, month=_sensible_month(text), entered=text)
    except ValueError:
        words = {"text": text[:20], "month": period.label}
        error = _("“%(text)s” is not a month. Write it as YYYY-MM, for example 2026-10. Shown is %(month)s.") % words
        return replace(period, entered=text[:20], error=error)


def _sensible_month(text: str) -> Month:
    month = Month.parse(text)
    if month.year not in YEARS:
        raise ValueError(f"{month} is out of reach.")
    return month
