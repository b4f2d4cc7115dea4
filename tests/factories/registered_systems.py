"""Registered systems: active, reported an hour ago; variants are traits named like their state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from registration.models import Account, RegisteredSystem, RegistrationEvent, SupportData
from tests.factories.tickets import CustomerFactory

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


class AccountFactory(DjangoModelFactory[Account]):
    class Meta:
        model = Account

    otrs_id = factory.Sequence(lambda n: f"kunde{n}@example.org")
    password = "!"
    customer = factory.SubFactory(CustomerFactory)


class SystemFactory(DjangoModelFactory[RegisteredSystem]):
    class Meta:
        model = RegisteredSystem

    class Params:
        due = factory.Trait(next_due_at=ago(hours=2))
        overdue = factory.Trait(next_due_at=ago(days=2), last_ok_at=ago(days=9))
        grace = factory.Trait(next_due_at=ago(days=13), last_ok_at=ago(days=20))
        expired = factory.Trait(next_due_at=ago(days=53), last_ok_at=ago(days=60))
        conflict = factory.Trait(state="conflict", conflict_at=ago(days=1))
        retired = factory.Trait(state="retired", ended_at=ago(days=1))
        deregistered = factory.Trait(state="deregistered", ended_at=ago(days=1))

    account = factory.SubFactory(AccountFactory)
    unique_id = factory.Sequence(lambda n: f"00000000-0000-0000-0000-{n:012}")
    key_hash = "k" * 64
    salt = "s" * 32
    fqdn = factory.Sequence(lambda n: f"otrs{n}.example.org")
    product_version = "6.0.30"
    reported_type = "production"
    address = "192.0.2.10"
    registered_at = ago(days=400)
    last_ok_at = ago(hours=1)
    next_due_at = NOW + timedelta(days=7)


STATES = ("active", "due", "overdue", "grace", "expired", "conflict", "retired", "deregistered")


def one_of_each(**values: Any) -> dict[str, RegisteredSystem]:
    """A system in each state, by the state's name, which is its host name, too."""
    traits = {state: {state: True} for state in STATES if state != "active"}
    return {state: SystemFactory(fqdn=state, **traits.get(state, {}), **values) for state in STATES}


def note(system: RegisteredSystem, kind: str = "updated", **values: Any) -> RegistrationEvent:
    return RegistrationEvent.objects.create(system=system, kind=kind, **{"at": ago(hours=1)} | values)


def support(system: RegisteredSystem, content: Any) -> SupportData:
    return SupportData.objects.create(system=system, content=content, received_at=ago(hours=1))
