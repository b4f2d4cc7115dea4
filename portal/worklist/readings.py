"""The readings of the ticket systems: which are complete, and which need a look."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import PermissionsMixin
from django.db.models import Max, OuterRef, Subquery
from django.utils.translation import gettext as _

from portal.worklist.lines import Line, page
from tickets.models import AnyUser, SyncRun, TicketSystem
from tickets.readings import only_open, states_of_readings
from tickets.readings_views import RIGHTS
from tickets.sync import is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfSystem:
    """The latest reading of a ticket system and the latest final one: complete, of a month that was over."""

    system: TicketSystem
    latest: SyncRun | None
    final: SyncRun | None

    @property
    def is_too_early(self) -> bool:
        """The latest reading is complete, but its month still went on."""
        return self.latest is not None and self.latest.complete and not is_final(self.latest)


def final_readings() -> dict[int, SyncRun]:
    """The latest final reading of each active ticket system that has one, by the system's key; one query.

    Whether a reading is final depends on the zone of its system. Only the latest complete one of each month is looked
    at: where that came too early, all before it did.
    """
    complete = SyncRun.objects.of_months().filter(complete=True, system__active=True).order_by()
    latest = complete.values("system", "month").annotate(latest=Max("pk")).values("latest")
    runs = SyncRun.objects.filter(pk__in=latest).select_related("system").defer("problems")
    return {run.system_id: run for run in runs.order_by("finished_at", "pk") if is_final(run)}


def system_states() -> list[StateOfSystem]:
    """Every active ticket system with its latest reading and its latest final one; three queries."""
    runs = SyncRun.objects.of_months().filter(system=OuterRef("pk")).order_by("-created_at", "-pk").values("pk")
    systems = TicketSystem.objects.filter(active=True)
    latest = SyncRun.objects.filter(pk__in=systems.order_by().values(latest=Subquery(runs[:1])))
    latest_of = {run.system_id: run for run in latest.select_related("system")}
    final_of = final_readings()
    return [
        StateOfSystem(system=system, latest=latest_of.get(system.pk), final=final_of.get(system.pk))
        for system in systems
    ]


def readings_line(*, user: AnyUser, now: datetime) -> Line | None:
    """Months, and agents, whose last reading failed or left something open; for those who may read them again."""
    if not (isinstance(user, PermissionsMixin) and user.has_perms(RIGHTS)):
        return None
    count = sum(len(each.months) + len(each.agents) for each in only_open(states_of_readings(now=now)))
    if not count:
        return None
    title = _("Readings that failed or are not complete")
    return Line(key="readings", title=title, url=page("tickets:readings", shown="open"), count=count)
