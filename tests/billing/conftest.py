import pytest
from pytest_django import Settings

from tests.billing.fake_kivitendo import FakeKivitendo, installed
from tests.billing.scenes import read_completely
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Customer, TicketSystem


@pytest.fixture
def system(db: None) -> TicketSystem:
    """A system of which October 2026 was read to the end."""
    system: TicketSystem = TicketSystemFactory(name="Helpdesk")
    read_completely(system)
    return system


@pytest.fixture
def customer(system: TicketSystem) -> Customer:
    """Pays 1 EUR for each recorded minute."""
    customer: Customer = CustomerFactory(system=system, customer_id="K1001", name="Königsbau AG")
    AgreementFactory(customer=customer)
    return customer


@pytest.fixture
def erp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeKivitendo:
    """A configured kivitendo that knows K1001 and the article of the agreements."""
    return installed(settings, monkeypatch)
