"""What must not be believed without a person: an empty answer, and much time that vanishes at once."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _

from common.months import Month
from tickets.agents import AgentBook
from tickets.matching import Plan, Row, Standing
from tickets.models import TicketSystem
from tickets.scope import Scope, month_of
from tickets.snapshot import MonthSnapshot, SyncStopped

MOST_VANISHED_MINUTES = Decimal(600)
MOST_VANISHED_SHARE = Decimal("0.2")
SMALL_LOSS_MINUTES = Decimal(60)
"""A share says little about little time: one deleted booking may be all that is known."""


def refuse_silence(snapshot: MonthSnapshot, plan: Plan, *, scope: Scope, agents: AgentBook) -> None:
    """An empty answer never deletes. An unknown login, a failing database and no time at all are answered alike."""
    spoken = {(agents.of_login(line.login), Month.of(line.booked_local)) for line in snapshot.accounted}
    for row in plan.gone:
        if scope.in_window(row.key) and (row.key.agent, month_of(row.key)) not in spoken:
            raise SyncStopped(
                _(
                    "The ticket system shows no time of agent %(agent)s in %(month)s any more, but the portal knows "
                    "some. Nothing was changed. Check that the login still exists; if the time is really gone, run the "
                    "sync again and accept losses."
                )
                % {"agent": agents.names[row.key.agent], "month": month_of(row.key)}
            )


def refuse_losses(system: TicketSystem, plan: Plan, rows: Iterable[Row], *, scope: Scope) -> None:
    """Much time that vanishes at once is more likely a fault than a deletion."""
    known = sum(
        (abs(row.key.units) for row in rows if row.live and scope.standing(row) is Standing.COVERED), Decimal(0)
    )
    lost = sum((abs(row.key.units) for row in plan.gone), Decimal(0))
    minutes = lost * system.minutes_per_unit
    if minutes > MOST_VANISHED_MINUTES or (lost > known * MOST_VANISHED_SHARE and minutes > SMALL_LOSS_MINUTES):
        raise SyncStopped(
            _(
                "%(lost)s of %(known)s known time units would be gone at once. Nothing was changed. If the ticket "
                "system was not restored from a backup and the agent's rights are as before, run the sync again and "
                "accept losses."
            )
            % {"lost": lost, "known": known}
        )
