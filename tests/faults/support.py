"""What the tests of single faults share: a stand-in that is watched at each answer, and the truth to compare with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import WORKING_AGENTS
from generic_interface.simulator.server import RunningSimulator
from generic_interface.simulator.system import SimulatedSystem
from generic_interface.simulator.wire import Call, Json
from tests.factories.tickets import AgentFactory, connected
from tests.tickets.support import dump_mirror
from tickets.models import SyncRun, TicketSystem

SOURCES = ["history", "both", "agents"]
Before = Callable[[Call], object]
After = Callable[[Call, Json], Json]


class Watched(SimulatedSystem):
    """Calls ``before`` ahead of each answer and lets ``after`` alter it."""

    def __init__(self, data: DataSet, *, before: Before | None = None, after: After | None = None) -> None:
        super().__init__(data)
        self.before, self.after = before, after

    def answer(self, call: Call) -> Json:
        if self.before is not None:
            self.before(call)
        answer = super().answer(call)
        return answer if self.after is None else self.after(call, answer)


@contextmanager
def watched(data: DataSet, *, before: Before | None = None, after: After | None = None) -> Iterator[RunningSimulator]:
    with RunningSimulator(Watched(data, before=before, after=after)) as running:
        yield running


def connected_to(running: RunningSimulator, source: str, **values: Any) -> TicketSystem:
    """The ticket system with this source of time. An administrator has entered the logins of those who work."""
    system = connected(running, time_source=source, **{"look_back_days": 0} | values)
    for login in WORKING_AGENTS:
        AgentFactory(system=system, login=login, login_only=True)
    return system


def truth(data: DataSet) -> list[tuple[Any, ...]]:
    """Everything ever booked, in the shape of ``tests.tickets.support.present``."""
    return sorted(
        (data.agent_by_id(each.user_id).login, str(each.booked), each.units, data.ticket(each.ticket_id).number)
        for each in data.entries()
    )


def first_closed(data: DataSet) -> str:
    """TicketID of the ticket closed in October that was created first."""
    return data.closed_in((2026, 10))[-1]


def assert_held(run: SyncRun, before: dict[str, Any], sentence: str) -> None:
    """The run says in a sentence why the month is not complete, and nothing was written."""
    said = [run.error, *run.problems]
    assert any(sentence in each for each in said), said
    assert (run.state, run.complete) == ("failed", False)
    assert dump_mirror() == before
