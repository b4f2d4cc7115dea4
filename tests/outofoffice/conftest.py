"""A ticket system with the agents that the recordings name."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD
from generic_interface.simulator.model import Agent as Upstream
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import AgentFactory, connected
from tickets.models import TicketSystem

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AGENTS = [
    ("b.schmidt", "Bernd", "Schmidt", "", True),
    ("c.weber", "Carla", "Weber", "", True),
    ("f.alt", "Frank", "Alt", "", False),
    ("h_test", "Hanna", "Test", "", True),
    ("hxtest", "Hans", "Ixtest", "", True),
    ("hotline", "Hot", "Line", "hotline@beispiel.test", True),
    ("hotline.two", "Second", "Line", "hotline@beispiel.test", True),
    ("jürgen", "Jürgen", "Groß", "juergen@beispiel.test", True),
    ("öztürk", "Deniz", "Öztürk", "öztürk@beispiel.test", True),
]


@pytest.fixture
def now() -> Iterator[datetime]:
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def upstream() -> DataSet:
    agents = [
        Upstream(user_id=10 + index, login=login, first_name=first, last_name=last, email=email, valid=valid)
        for index, (login, first, last, email, valid) in enumerate(AGENTS)
    ]
    admin = Upstream(user_id=2, login=DEMO_LOGIN, first_name="", last_name="", password=DEMO_PASSWORD, is_admin=True)
    return DataSet(agents=[admin, *agents], queues=(), customers=(), customer_users=(), now=datetime(2026, 11, 26))


@pytest.fixture
def simulator(upstream: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(upstream) as running:
        yield running


@pytest.fixture
def system(db: None, simulator: RunningSimulator) -> TicketSystem:
    """The simulator, connected; the portal knows every agent's login, name and address."""
    found = connected(simulator, name="Helpdesk")
    for index, (login, first, last, email, valid) in enumerate(AGENTS):
        AgentFactory(
            system=found,
            user_id=10 + index,
            login=login,
            name=f"{first} {last}",
            email=email or f"{login}@beispiel.test",
            departed=not valid,
        )
    return found
