from collections.abc import Iterator

import pytest

from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import start_simulator
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory, connected
from tests.portal.reports.support import MONTHS
from tests.tickets.support import sync
from tickets.models import Customer, TicketSystem


@pytest.fixture
def data() -> DataSet:
    """August to October 2026 with all special cases."""
    return build_data_set((2026, 10))


@pytest.fixture
def mirrored(db: None, data: DataSet) -> Iterator[TicketSystem]:
    """The data set, which stays reachable, read for its three months after they were over."""
    with start_simulator(data) as running:
        system = connected(running, name="Helpdesk", time_source="both")
        for login in data.agents:
            AgentFactory(system=system, login=login, login_only=True)
        for month in MONTHS:
            sync(system, month)
        yield system


@pytest.fixture
def system(db: None) -> TicketSystem:
    system: TicketSystem = TicketSystemFactory(name="Helpdesk")
    return system


@pytest.fixture
def customer(system: TicketSystem) -> Customer:
    """Pays 1 EUR for each recorded minute."""
    customer: Customer = CustomerFactory(system=system, customer_id="K1001", name="Königsbau AG")
    AgreementFactory(customer=customer)
    return customer
