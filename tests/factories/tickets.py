"""The boring valid object of the mirror; variants are traits named like states."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from common.jobs import Job
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER
from generic_interface.simulator.server import RunningSimulator
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry


def _instant(entry: Any) -> datetime:
    return datetime.fromisoformat(entry.booked_local).replace(tzinfo=entry.system.zone).astimezone(UTC)


class TicketSystemFactory(DjangoModelFactory[TicketSystem]):
    class Meta:
        model = TicketSystem

    name = factory.Sequence(lambda n: f"System {n}")
    base_url = "http://127.0.0.1:9/otrs"
    login = "portal-api"
    password = "secret"

    class Params:
        over_rpc = factory.Trait(
            transport="rpc",
            rpc_url="http://127.0.0.1:9/otrs/rpc.pl",
            rpc_user="soapuser",
            rpc_password="soap-secret",
            login="",
            password="",
        )


def connected(running: RunningSimulator, **values: Any) -> TicketSystem:
    """The ticket system that stands for a running simulator, with the settings that differ."""
    reached = {"base_url": running.base_url, "login": running.login, "password": running.password}
    system: TicketSystem = TicketSystemFactory(**reached | values)
    return system


def connected_over_rpc(running: RunningSimulator, **values: Any) -> TicketSystem:
    """The same, with nothing but ``rpc.pl``."""
    reached = {"rpc_url": running.rpc_url, "rpc_user": RPC_USER, "rpc_password": RPC_PASSWORD}
    system: TicketSystem = TicketSystemFactory(over_rpc=True, **reached | values)
    return system


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    system = factory.SubFactory(TicketSystemFactory)
    customer_id = factory.Sequence(lambda n: f"K{n:06}")


class AgentFactory(DjangoModelFactory[Agent]):
    class Meta:
        model = Agent

    class Params:
        id_only = factory.Trait(login=None)
        login_only = factory.Trait(user_id=None)

    system = factory.SubFactory(TicketSystemFactory)
    login = factory.Sequence(lambda n: f"agent{n}")
    user_id = factory.Sequence(lambda n: 100 + n)


class TicketFactory(DjangoModelFactory[Ticket]):
    """Open, with TicketID and customer; the trait ``closed`` adds its last closing, not a ``TicketClosing``."""

    class Meta:
        model = Ticket

    class Params:
        closed = factory.Trait(
            state="closed successful", state_type="closed", closed_at=datetime(2026, 10, 20, 15, tzinfo=UTC)
        )
        number_only = factory.Trait(ticket_id=None, state="", state_type="", queue="", created_at=None, changed_at=None)
        without_customer = factory.Trait(customer=None)

    system = factory.SubFactory(TicketSystemFactory)
    customer = factory.SubFactory(CustomerFactory, system=factory.SelfAttribute("..system"))
    ticket_id = factory.Sequence(lambda n: str(50_000 + n))
    number = factory.Sequence(lambda n: f"20261001{n:08}")
    title = "Printer prints no umlauts"
    state = "open"
    state_type = "open"
    queue = "Support"
    created_at = datetime(2026, 10, 1, 8, tzinfo=UTC)
    changed_at = datetime(2026, 10, 1, 8, tzinfo=UTC)
    time_units = Decimal(0)
    read_at = datetime(2026, 11, 1, 4, tzinfo=UTC)


class TicketClosingFactory(DjangoModelFactory[TicketClosing]):
    class Meta:
        model = TicketClosing

    ticket = factory.SubFactory(TicketFactory, closed=True)
    month = date(2026, 10, 1)


class TimeEntryFactory(DjangoModelFactory[TimeEntry]):
    """15 minutes; ``booked_at``, ``local_day`` and ``minutes`` follow from ``booked_local`` and ``units``."""

    class Meta:
        model = TimeEntry

    class Params:
        gone = factory.Trait(gone_at=datetime(2026, 11, 1, 4, tzinfo=UTC))

    ticket = factory.SubFactory(TicketFactory)
    system = factory.SelfAttribute("ticket.system")
    agent = factory.SubFactory(AgentFactory, system=factory.SelfAttribute("..ticket.system"))
    booked_local = "2026-10-05 10:00:00"
    units = Decimal("15.00")
    source = TimeEntry.Source.HISTORY
    booked_at = factory.LazyAttribute(_instant)
    local_day = factory.LazyAttribute(lambda entry: date.fromisoformat(entry.booked_local[:10]))
    minutes = factory.LazyAttribute(lambda entry: Decimal(entry.units) * Decimal(entry.system.minutes_per_unit))


class SyncRunFactory(DjangoModelFactory[SyncRun]):
    """Waiting; ``complete_run`` is a finished reading that started after the end of October 2026."""

    class Meta:
        model = SyncRun

    class Params:
        complete_run = factory.Trait(
            state=Job.State.DONE,
            complete=True,
            started_at=datetime(2026, 11, 1, 4, tzinfo=UTC),
            finished_at=datetime(2026, 11, 1, 5, tzinfo=UTC),
        )
        failed = factory.Trait(
            state=Job.State.FAILED,
            error="The ticket system does not answer.",
            started_at=datetime(2026, 11, 1, 4, tzinfo=UTC),
            finished_at=datetime(2026, 11, 1, 5, tzinfo=UTC),
        )

    system = factory.SubFactory(TicketSystemFactory)
    month = date(2026, 10, 1)
