"""Writing the audit log of the registration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registration.models import RegisteredSystem, RegistrationEvent


def note(
    system: RegisteredSystem,
    kind: RegistrationEvent.Kind,
    *,
    address: str | None,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """One line about a system, in the transaction of what it tells."""
    RegistrationEvent.objects.create(system=system, kind=kind, at=now, address=address, facts=dict(facts or {}))
