"""Errors to Sentry, where an installation wants that: ``SENTRY_DSN`` and the extra ``sentry``."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from portal.redaction import redact_all

PACKAGE = "sentry_sdk"


def is_installed() -> bool:
    return find_spec(PACKAGE) is not None


def start_sentry(dsn: str) -> bool:
    """Whether errors go there from now on. Neither people, request bodies nor local variables are sent."""
    if not dsn or not is_installed():
        return False
    import_module(PACKAGE).init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=0.0,
        before_send=before_send,
    )
    return True


def before_send(event: dict[str, Any], hint: dict[str, Any]) -> object:
    """The event without secrets; of the request the path alone, because addresses hold what was searched for."""
    request = event.get("request") or {}
    event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    return redact_all(event)
