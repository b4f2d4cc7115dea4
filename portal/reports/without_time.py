"""Agents who booked of late and nothing in the month that runs: somebody may have forgotten to book."""

from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Subquery

from common.months import Month
from tickets.models import Agent, TimeEntry

MONTHS_BEFORE = 3
"""Whoever booked nothing for longer is no agent who books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """An agent with the day of the last booking, which lies before the month."""

    agent: Agent
    last_day: date


def agents_without_time(month: Month) -> list[Silent]:
    """Agents of active ticket systems who are not departed, the one who booked last first; one query.

    Asked agent by agent for the latest booking: that is one look into an index, however much was booked.
    """
    booked = TimeEntry.objects.filter(system=OuterRef("system"), agent=OuterRef("pk")).present()
    latest = booked.filter(booked_local__lt=f"{month.end_day}").order_by("-booked_local").values("local_day")[:1]
    agents = Agent.objects.filter(departed=False, system__active=True).select_related("system")
    silent = agents.annotate(last_day=Subquery(latest)).filter(
        last_day__lt=month.first_day, last_day__gte=month.shift(-MONTHS_BEFORE).first_day
    )
    return [Silent(agent=agent, last_day=agent.last_day) for agent in silent.order_by("-last_day", "pk")]
