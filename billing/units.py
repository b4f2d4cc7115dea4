"""Another number of minutes for a ticket system's time unit, after time was mirrored.

The units are what was booked, the minutes what was made of them. What no order holds, or only a draft, is counted
anew; what an order holds that has left draft keeps its minutes for ever.
"""

import hashlib
import logging
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Case, Count, Exists, OuterRef, QuerySet, Sum, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.actions import Action
from audit.recording import record
from billing.claims import stored_minutes
from billing.models import Allocation, Order
from common.durations import minutes_from_units
from common.money import plain, quantize
from common.months import Month
from common.templatetags.formats import number
from tickets.bulk import batches
from tickets.entry_rows import MOST_MINUTES
from tickets.models import AnyUser, Customer, TicketSystem, TimeEntry
from tickets.queries import lock_system

LEAST, MOST = Decimal("0.01"), Decimal("999999.99")  # of minutes per unit, as the column holds them

logger = logging.getLogger(__name__)


class UnitsRefused(Exception):
    """Nothing was changed; the text tells a person why."""


class PlanOutdated(UnitsRefused):
    """Time was read or billed, or units were converted, since the plan was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionPlan:
    """What another number of minutes per unit would do. Vanished entries are converted as well and counted here."""

    system: int
    minutes_per_unit_before: Decimal
    minutes_per_unit: Decimal
    entries_to_convert: int
    minutes_before: Decimal
    minutes_after: Decimal
    entries_billed_kept: int
    minutes_kept: Decimal
    drafts_touched: int
    months: tuple[Month, ...]
    """Of the drafts touched."""

    @property
    def is_needed(self) -> bool:
        return bool(self.entries_to_convert) or self.minutes_per_unit != self.minutes_per_unit_before

    @property
    def fingerprint(self) -> str:
        """Another one as soon as anything of the plan is."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()

    @property
    def next_step(self) -> str:
        """What to do about the drafts afterwards; empty where there are none."""
        text = ngettext(
            "%(count)d draft holds time that is counted anew. Run billing again for %(months)s.",
            "%(count)d drafts hold time that is counted anew. Run billing again for %(months)s.",
            self.drafts_touched,
        )
        months = ", ".join(map(str, self.months))
        return text % {"count": self.drafts_touched, "months": months} if self.drafts_touched else ""


def plan_conversion(system: TicketSystem, minutes_per_unit: Decimal) -> ConversionPlan:
    """What would happen; writes nothing. Raises ``UnitsRefused`` for a number that cannot be."""
    minutes_per_unit = _checked(minutes_per_unit)
    stale = [group for group in _groups(system) if group.minutes != group.counted(minutes_per_unit)]
    _refuse_overflow(stale, minutes_per_unit)
    kept = _closed_claims(entry__system=system).aggregate(entries=Count("pk"), minutes=Sum("entry__minutes"))
    drafts = _drafts_holding(system, minutes_per_unit)
    return ConversionPlan(
        system=system.pk,
        minutes_per_unit_before=quantize(Decimal(system.minutes_per_unit), 2),
        minutes_per_unit=minutes_per_unit,
        entries_to_convert=sum(group.entries for group in stale),
        minutes_before=sum((group.entries * group.minutes for group in stale), Decimal(0)),
        minutes_after=sum((group.entries * group.counted(minutes_per_unit) for group in stale), Decimal(0)),
        entries_billed_kept=kept["entries"],
        minutes_kept=stored_minutes(kept["minutes"]),
        drafts_touched=len(drafts),
        months=tuple(sorted(set(drafts.values()))),
    )


def convert_units(
    *, system: TicketSystem, minutes_per_unit: Decimal, user: AnyUser | None, expected: str
) -> ConversionPlan:
    """Count anew what is not billed and change the setting, all or nothing; returns what was done.

    ``expected`` is the fingerprint of the plan that was looked at. Raises ``PlanOutdated`` when it is another one by
    now, ``UnitsRefused`` for a number that cannot be. No sync writes and no draft is written or approved meanwhile.
    """
    with transaction.atomic():
        _lock(system)
        system.refresh_from_db(fields=["minutes_per_unit"])
        plan = plan_conversion(system, minutes_per_unit)
        if plan.fingerprint != expected:
            raise PlanOutdated(
                _("Time was read, billed or converted since you looked. Nothing was changed; look at it again.")
            )
        _write(system, plan.minutes_per_unit)
        changes = {"minutes_per_unit": (plan.minutes_per_unit_before, plan.minutes_per_unit)}
        record(Action.UNITS_CONVERTED, target=system, changes=changes, user=user)
    logger.info(
        "%s: %s minutes per time unit instead of %s, by %s; counted anew: %d entries, %s minutes instead of %s; "
        "billed and kept: %d entries, %s minutes",
        system,
        plan.minutes_per_unit,
        plan.minutes_per_unit_before,
        user.get_username() if user else "a command",
        plan.entries_to_convert,
        plain(plan.minutes_after),
        plain(plan.minutes_before),
        plan.entries_billed_kept,
        plain(plan.minutes_kept),
    )
    return plan


class _Group(NamedTuple):
    """So many free entries with these units and minutes."""

    units: Decimal
    minutes: Decimal
    entries: int

    def counted(self, minutes_per_unit: Decimal) -> Decimal:
        return minutes_from_units(self.units, minutes_per_unit)


def _checked(minutes_per_unit: Decimal) -> Decimal:
    if not (minutes_per_unit.is_finite() and LEAST <= minutes_per_unit <= MOST):
        raise UnitsRefused(
            _("A time unit stands for at least %(least)s and at most %(most)s minutes.")
            % {"least": LEAST, "most": MOST}
        )
    stored = quantize(minutes_per_unit, 2)
    if stored != minutes_per_unit:
        raise UnitsRefused(_("The minutes of a time unit have at most two decimals."))
    return stored


def _closed_claims(**conditions: object) -> QuerySet[Allocation]:
    """Live claims of orders that have left draft."""
    return Allocation.objects.filter(live=True, **conditions).exclude(position__order__state=Order.State.DRAFT)


def _free(system: TicketSystem) -> QuerySet[TimeEntry]:
    """Entries that no order holds, or only a draft."""
    return TimeEntry.objects.filter(~Exists(_closed_claims(entry=OuterRef("pk"))), system=system).order_by()


def _groups(system: TicketSystem) -> list[_Group]:
    rows = _free(system).values_list("units", "minutes").annotate(entries=Count("pk"))
    return [_Group(*row) for row in rows]


def _refuse_overflow(groups: list[_Group], minutes_per_unit: Decimal) -> None:
    for group in groups:
        if abs(group.counted(minutes_per_unit)) >= MOST_MINUTES:
            raise UnitsRefused(
                _("A booking of %(units)s time units would have more minutes than the portal can hold.")
                % {"units": number(group.units)}
            )


def _drafts_holding(system: TicketSystem, minutes_per_unit: Decimal) -> dict[int, Month]:
    """Drafts with time that would have other minutes, by primary key, each with its month."""
    held = Allocation.objects.filter(live=True, position__order__state=Order.State.DRAFT, entry__system=system)
    rows = held.order_by().values_list("position__order", "position__order__month", "entry__units", "entry__minutes")
    return {
        order: Month.of(month)
        for order, month, units, minutes in rows.distinct()
        if minutes != minutes_from_units(units, minutes_per_unit)
    }


def _lock(system: TicketSystem) -> None:
    """Ticket system, customers, drafts: in the order in which syncs and billing runs take them."""
    lock_system(system.pk)
    customers = Customer.objects.filter(system=system).order_by("pk")
    list(customers.select_for_update(no_key=True).values_list("pk"))
    drafts = Order.objects.filter(customer__in=customers.values("pk"), state=Order.State.DRAFT).order_by("pk")
    list(drafts.select_for_update(no_key=True).values_list("pk"))


def _write(system: TicketSystem, minutes_per_unit: Decimal) -> None:
    """The products are worked out here and not in SQL, where SQLite would multiply in binary."""
    stale = {
        group.units: group.counted(minutes_per_unit)
        for group in _groups(system)
        if group.minutes != group.counted(minutes_per_unit)
    }
    minutes_field = TimeEntry._meta.get_field("minutes")
    for batch in batches(sorted(stale)):
        counted = (When(units=units, then=Value(stale[units], output_field=minutes_field)) for units in batch)
        _free(system).filter(units__in=batch).update(minutes=Case(*counted))
    TicketSystem.objects.filter(pk=system.pk).update(minutes_per_unit=minutes_per_unit)
    system.minutes_per_unit = minutes_per_unit
