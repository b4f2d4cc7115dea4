import pytest

from generic_interface.simulator.data import build_data_set, build_month
from generic_interface.simulator.server import start_simulator
from tests.factories.tickets import TicketSystemFactory


@pytest.fixture
def small_data():
    """October 2026: six closed tickets of three customers with two entries each."""
    return build_month(tickets=6, customers=3, entries_per_ticket=2)


@pytest.fixture
def full_data():
    """August to October 2026 with all special cases; more than 500 closed tickets of one customer in October."""
    return build_data_set((2026, 10))


@pytest.fixture
def simulator(small_data):
    with start_simulator(small_data) as running:
        yield running


@pytest.fixture
def full_simulator(full_data):
    with start_simulator(full_data) as running:
        yield running


@pytest.fixture
def connect(db):
    """Make the ticket system that stands for a running simulator."""

    def make(running, **values):
        known = {"base_url": running.base_url, "login": running.login, "password": running.password}
        return TicketSystemFactory(**known | values)

    return make


@pytest.fixture
def system(simulator, connect):
    return connect(simulator)
