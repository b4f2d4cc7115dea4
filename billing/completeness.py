"""Whether the mirror is known to hold a month completely; if not, the sentences that say what is missing."""

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from common.months import Month
from tickets.models import Customer, SyncRun, TicketClosing, TicketSystem
from tickets.sync import is_final, last_written_sync


def billed_systems(month: Month, customer: Customer | None = None) -> list[TicketSystem]:
    """Systems whose data a run for the month rests on: the active ones, and those with tickets closed in it."""
    if customer is not None:
        return [customer.system]
    closed = TicketClosing.objects.filter(month=month.first_day, ticket__system=OuterRef("pk"))
    return list(TicketSystem.objects.filter(Q(active=True) | Exists(closed)))


def mirrored_by(system: TicketSystem, month: Month) -> SyncRun | None:
    """The sync that the mirror's content of the month comes from, or the latest attempt if none has written yet."""
    attempts = SyncRun.objects.of_months().filter(system=system, month=month.first_day).order_by("-created_at", "-id")
    return last_written_sync(system, month) or attempts.first()


def sync_problem(system: TicketSystem, month: Month, sync: SyncRun | None) -> str:
    """Why this reading does not make the month complete; empty when it does."""
    names = {"system": system.name, "month": str(month)}
    if sync is None:
        return _("“%(system)s” has never been read for %(month)s. Read it, then start the run again.") % names
    if not sync.complete:
        why = " ".join([sync.error or str(sync.get_state_display()), *sync.problems[:1]])
        text = _("“%(system)s” could not be read completely for %(month)s: %(why)s")
        return text % {**names, "why": why}
    if not is_final(sync):
        text = _("%(month)s was not over yet when “%(system)s” was read. Start the run again after the month's end.")
        return text % names
    return ""


def mirror_problems(month: Month, customer: Customer | None = None) -> list[str]:
    """Why the mirror, as it stands, is not known to hold the month completely; empty when it is."""
    systems = billed_systems(month, customer)
    if not systems:
        return [no_system()]
    problems = [sync_problem(system, month, mirrored_by(system, month)) for system in systems]
    return [problem for problem in problems if problem]


def no_system() -> str:
    return _("There is no active ticket system. Add one, then start the run again.")
