"""What can be told only by walking over time entries: discrepancies, what was left out, the oldest unbilled time.

Over a million entries this takes longer than a page may; there the start page asks for it after it is shown.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from billing.discrepancies import discrepancies
from billing.queries import Reason, left_out
from billing.settlement_models import Kind
from billing.standing import Standing
from common.durations import hhmm
from common.months import Month
from common.spans import Span
from common.templatetags.formats import minutes, month_label
from portal.reports.selection import Narrowing, select_entries
from portal.reports.sums import count_and_minutes
from portal.worklist.lines import Line, page, sums_in_words
from tickets.models import AnyUser, Customer, TimeEntry, sees_all_customers
from tickets.periods import Period

ENTRIES_AT_ONCE = 50_000
"""Up to so many the start page looks through them at once."""

KEPT_SECONDS = 300
"""So long the start page of a large portal tells what was found, with its time, before it looks again."""

NEEDS_A_PERSON = frozenset({Reason.NO_CUSTOMER, Reason.AGREEMENT_ENDED})
"""Time left out for these reasons stays so until somebody does something."""


def is_large() -> bool:
    """Whether there are so many entries that walking over them takes longer than a page may."""
    latest = TimeEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
    return latest is not None and latest > ENTRIES_AT_ONCE


def discrepancies_line(*, user: AnyUser) -> Line | None:
    """Late entries and whatever else disagrees with orders that have left draft, with the money at stake."""
    found = discrepancies(user=user)
    if not found:
        return None
    sums = defaultdict[str, Decimal](Decimal)
    for each in found:
        sums[each.currency] += each.money_at_stake or Decimal(0)
    stake = sums_in_words((sums[currency], currency) for currency in sorted(sums))
    details = [_("at stake: %(money)s") % {"money": stake}]
    late = sum(each.kind in (Kind.LATE, Kind.NEGATIVE_LATE) for each in found)
    if late:
        details.append(
            ngettext("%(count)d of them booked late", "%(count)d of them booked late", late) % {"count": late}
        )
    return Line(
        key="discrepancies",
        title=_("Late entries and discrepancies after billing"),
        url=page("billing:discrepancies"),
        count=len(found),
        details=tuple(details),
    )


def unbilled_line(current: Month, *, today: date, user: AnyUser) -> Line | None:
    """The entries of the month of the oldest time that can be billed and stands in no order.

    It needs the user only when its month should have been billed: before the previous one.
    """
    unbilled = Narrowing(standing=Standing.UNBILLED)
    everything = select_entries(Span.everything(), user=user, narrowing=unbilled)
    oldest = everything.order_by("local_day").values_list("local_day", flat=True).first()
    if oldest is None:
        return None
    month = Month.of(oldest)
    count, total = count_and_minutes(select_entries(Span.of_month(month), user=user, narrowing=unbilled))
    age = (today - oldest).days
    return Line(
        key="unbilled",
        title=_("Oldest unbilled time, of %(month)s") % {"month": month_label(month)},
        url=page("reports:entries", period=month, standing=Standing.UNBILLED.value),
        count=count,
        details=(_minutes(total), ngettext("%(count)d day old", "%(count)d days old", age) % {"count": age}),
        needs_you=month < current.previous,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutSum:
    """What was left out of the month for one reason: so many rows of the list at ``url``."""

    reason: Reason
    count: int
    minutes: Decimal
    url: str
    needs_you: bool

    @property
    def label(self) -> str:
        return str(self.reason.label)


def left_out_sums(month: Month, *, user: AnyUser) -> list[LeftOutSum]:
    """By reason, those with the most minutes first; reasons without minutes are told, too."""
    counts, sums = defaultdict[Reason, int](int), defaultdict[Reason, Decimal](Decimal)
    for row in left_out(month, user=user):
        counts[row.reason] += 1
        sums[row.reason] += row.minutes
    return [
        LeftOutSum(
            reason=reason,
            count=counts[reason],
            minutes=sums[reason],
            url=page("billing:left_out", period=month, reason=reason.value),
            needs_you=reason in NEEDS_A_PERSON,
        )
        for reason in sorted(counts, key=lambda reason: (-sums[reason], reason.value))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutTime:
    """All that is told about time, as it was at ``at``; in the language that was active then."""

    lines: tuple[Line, ...]
    left_out: tuple[LeftOutSum, ...]
    at: datetime


def look_about_time(user: AnyUser, period: Period, *, now: datetime) -> AboutTime:
    """Look through the entries, and keep what was found for ``kept_about_time``."""
    sums = left_out_sums(period.month, user=user)
    oldest = unbilled_line(period.current, today=timezone.localdate(now), user=user)
    lines = [discrepancies_line(user=user), oldest, *_lines_of(period.month, sums)]
    found = AboutTime(lines=tuple(line for line in lines if line is not None), left_out=tuple(sums), at=now)
    cache.set(_key(user, period), found, KEPT_SECONDS)
    return found


def kept_about_time(user: AnyUser, period: Period, *, now: datetime) -> AboutTime:
    """What was found for the same user and month within the last minutes, or else now. Says itself how old it is."""
    kept: AboutTime | None = cache.get(_key(user, period))
    return kept or look_about_time(user, period, now=now)


def _key(user: AnyUser, period: Period) -> str:
    """With what the user may see: an assignment that is taken away counts from the next request."""
    customers = Customer.objects.visible_to(user).order_by("pk").values_list("pk", flat=True)
    seen = "all" if sees_all_customers(user) else sha256(repr(list(customers)).encode()).hexdigest()
    return f"about-time-{user.pk}-{period.value}-{period.current}-{get_language()}-{seen}"


def _lines_of(month: Month, sums: list[LeftOutSum]) -> list[Line]:
    """A line for each reason that a person has to see to."""
    return [
        Line(
            key="left_out",
            title=_("Left out of %(month)s: %(reason)s") % {"month": month_label(month), "reason": each.label},
            url=each.url,
            count=each.count,
            details=(_minutes(each.minutes),),
        )
        for each in sums
        if each.needs_you
    ]


def _minutes(total: Decimal) -> str:
    return _("%(minutes)s min (%(hours)s)") % {"minutes": minutes(total), "hours": hhmm(total)}
