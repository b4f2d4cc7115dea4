from collections.abc import Iterator

import pytest

from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import connected
from tests.tickets.support import Connect
from tickets.models import TicketSystem


@pytest.fixture
def data() -> DataSet:
    """October 2026: three closed tickets of three customers by three agents, two entries each, 75 minutes in all."""
    return build_month(tickets=3, customers=3, entries_per_ticket=2)


@pytest.fixture
def helpdesk(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        yield running


@pytest.fixture
def connect(db: None) -> Connect:
    """Make the ticket system that stands for a running simulator."""
    return connected


@pytest.fixture
def system(helpdesk: RunningSimulator, connect: Connect) -> TicketSystem:
    return connect(helpdesk)
