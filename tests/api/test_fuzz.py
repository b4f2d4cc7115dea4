"""The API keeps what its own document says, whatever is asked of it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from portal.wsgi import application
from tests.api.asking import Asker

NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
"""All but ``positive_data_acceptance``: the 30th of February has the form of a day and is refused all the same."""
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "3"))


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """The server closes its connection around each request, and with it the transaction that the test lives in."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.slow
def test_api_keeps_its_document(kept_connection: None, asking: dict[str, Asker]) -> None:
    """With what the document allows, and with what it does not; the same questions every time."""
    headers = {"Authorization": f"Bearer {asking['admin'].token}"}
    asked = [ask(operation, mode, headers) for operation in operations() for mode in modes_of(operation)]

    assert len(asked) > len(NAMES)


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    results: list[Any] = list(schema.get_all_operations())
    return [result.ok() for result in results]


def modes_of(operation: Any) -> list[GenerationMode]:
    """An address without parameters cannot be asked wrongly."""
    has_parameters = bool(len(operation.query) or len(operation.path_parameters))
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if has_parameters else [GenerationMode.POSITIVE]


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> str:
    checks = [CHECKS.get_one(name) for name in NAMES]

    @settings(
        max_examples=ROUNDS, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps_the_document(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=checks)

    keeps_the_document()
    return str(operation.label)
