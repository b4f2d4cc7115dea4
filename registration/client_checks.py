"""What is wrong with the address of the registration server, said at the start and not at the first use."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from registration.client_transport import url_fault


def check_registration_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """The address, where there is one, can be used; no server is asked."""
    fault = url_fault(settings.REGISTRATION_URL) if settings.REGISTRATION_URL else ""
    return [Error(fault, id="registration.E001")] if fault else []
