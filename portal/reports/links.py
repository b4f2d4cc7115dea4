"""Where the numbers and names of a report lead to: the same span and filters, one step closer to the entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from portal.reports.selection import NONE
from portal.reports.sums import By
from tickets.models import TicketSystem

FILTERS = ("system", "agent", "customer", "queue", "standing", "ticket")
UNKNOWN_QUEUE = "::"
"""Stands for the empty queue; no queue has this name, as ``::`` parts a queue from those below it."""


def address(page: str, parameters: Mapping[str, str]) -> str:
    """The page of this name with these parameters; empty ones are left out."""
    return f"{reverse(page)}?{urlencode({name: value for name, value in parameters.items() if value})}"


class Links:
    """Addresses below one page: each overrides some of its parameters.

    Built by joining, as a page holds hundreds of them.
    """

    def __init__(self, page: str, parameters: Mapping[str, str]) -> None:
        self._page, self._parameters = page, dict(parameters)
        self._stems: dict[frozenset[str], str] = {}

    def to(self, **overrides: str) -> str:
        """The page with ``overrides`` instead of its own parameters of these names; empty ones are left out."""
        names = frozenset(overrides)
        if names not in self._stems:
            kept = {name: value for name, value in self._parameters.items() if name not in names}
            self._stems[names] = address(self._page, kept)
        rest = urlencode({name: value for name, value in overrides.items() if value})
        return f"{self._stems[names]}&{rest}" if rest else self._stems[names]


class GroupParameters:
    """How a group of a report is written in an address. Ticket numbers are told apart by their ticket system."""

    def __init__(self, by: By) -> None:
        self._by = by
        systems = TicketSystem.objects.values_list("name", "pk") if by == By.TICKET else []
        self._systems = {name: str(pk) for name, pk in systems}

    def of(self, *, group: int | str | None, key: str, system: str) -> dict[str, str]:
        match self._by:
            case By.TICKET if len(self._systems) > 1:
                return {"ticket": key, "system": self._systems[system]}
            case By.TICKET:
                return {"ticket": key}
            case By.QUEUE:
                return {"queue": str(group) or UNKNOWN_QUEUE}
            case _:
                return {self._by.value: NONE if group is None else str(group)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One of several views between which a page switches."""

    label: str
    url: str
    is_current: bool
