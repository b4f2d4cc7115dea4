from collections.abc import Iterator

import pytest

from generic_interface.simulator.data import build_data_set, build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import connected
from tests.tickets.support import Connect
from tickets.models import TicketSystem


@pytest.fixture
def small_data() -> DataSet:
    """October 2026: six closed tickets of three customers with two entries each."""
    return build_month(tickets=6, customers=3, entries_per_ticket=2)


@pytest.fixture
def full_data() -> DataSet:
    """August to October 2026 with all special cases; more than 500 closed tickets of one customer in October."""
    return build_data_set((2026, 10))


@pytest.fixture
def simulator(small_data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(small_data) as running:
        yield running


@pytest.fixture
def full_simulator(full_data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(full_data) as running:
        yield running


@pytest.fixture
def connect(db: None) -> Connect:
    """Make the ticket system that stands for a running simulator."""
    return connected


@pytest.fixture
def system(simulator: RunningSimulator, connect: Connect) -> TicketSystem:
    return connect(simulator)
