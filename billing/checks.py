"""What is wrong with the settings of the ledger, said at the start and not at the first use."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from billing.kivitendo_database import settings_fault


def check_kivitendo(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """The address of kivitendo, where there is one, can be used; no server is asked."""
    address = settings.KIVITENDO_DATABASE_URL
    fault = settings_fault(address) if address else ""
    return [Error(fault, id="billing.E001")] if fault else []
