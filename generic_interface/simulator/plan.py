"""Plans of tickets: what happens to each and when. ``carry_out`` plays all of them in order of time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Self

from generic_interface.simulator.data_set import DEFAULT_AGENT, DataSet

Action = Callable[[DataSet, str], object]


@dataclass(slots=True, kw_only=True)
class Plan:
    """``special`` is the name under which the data set makes the ticket known."""

    created: datetime
    title: str
    customer: str | None
    queue: str = "Support"
    agent: str = DEFAULT_AGENT
    state: str = "new"
    special: str = ""
    steps: list[tuple[datetime, Action]] = field(default_factory=list)

    def book(self, at: datetime, units: Decimal | int | str, agent: str = "", times: int = 1) -> Self:
        action = partial(DataSet.book, units=units, at=at, agent=agent or self.agent)
        self.steps += [(at, action)] * times
        return self

    def close(self, at: datetime, state: str = "closed successful") -> Self:
        self.steps.append((at, partial(DataSet.close, at=at, agent=self.agent, state=state)))
        return self

    def reopen(self, at: datetime) -> Self:
        self.steps.append((at, partial(DataSet.reopen, at=at, agent=self.agent)))
        return self

    def move(self, at: datetime, queue: str) -> Self:
        self.steps.append((at, partial(DataSet.move, queue=queue, at=at, agent=self.agent)))
        return self

    def merge(self, at: datetime, away: str) -> Self:
        """Merge the special ticket ``away`` into this one."""

        def action(data: DataSet, main_id: str) -> None:
            data.merge(main_id, data.special[away], at=at, agent=self.agent)

        self.steps.append((at, action))
        return self

    def create(self, data: DataSet) -> str:
        ticket_id = data.create(
            title=self.title,
            customer=self.customer,
            queue=self.queue,
            agent=self.agent,
            at=self.created,
            state=self.state,
        )
        if self.special:
            data.special[self.special] = ticket_id
        return ticket_id


def carry_out(plans: Iterable[Plan], data: DataSet) -> None:
    """Create the tickets in order of creation, then play every step of every plan in order of time."""
    ordered = sorted(plans, key=lambda plan: plan.created)
    ids = [plan.create(data) for plan in ordered]
    steps = [(at, ticket_id, action) for plan, ticket_id in zip(ordered, ids, strict=True) for at, action in plan.steps]
    for _, ticket_id, action in sorted(steps, key=lambda step: step[0]):
        action(data, ticket_id)
