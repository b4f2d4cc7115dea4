"""Pages of the portal as a browser asks for them, and the statements that they send."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from benchmarks.stopwatch import Page, compare, seconds

Statement = tuple[str, Any]
"""SQL and its parameters."""


@dataclass(slots=True)
class Recorder:
    """Wraps each execution, see ``connection.execute_wrapper``."""

    statements: list[Statement] = field(default_factory=list)
    spent: float = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spent += time.perf_counter() - start
            self.statements.append((sql, params))

    def listening(self) -> AbstractContextManager[None]:
        return connection.execute_wrapper(self)


def browser(user: User) -> Client:
    """Signed in, without the test client's copies of each template's context."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def run(statements: Sequence[Statement]) -> float:
    """Seconds to execute them one after the other and to fetch all rows."""
    with connection.cursor() as cursor:
        return seconds(lambda: [(cursor.execute(sql, params), cursor.fetchall()) for sql, params in statements])


def measure_page(
    client: Client,
    name: str,
    address: str,
    *,
    size: int,
    aim: float | None,
    rounds: int,
    floor: Sequence[Statement] = (),
    beside: Callable[[str], bool] = lambda sql: False,
) -> Page:
    """The page warm; ``beside`` tells which of its statements do the work of the floor."""
    _get(client, address)
    recorder = Recorder()
    with recorder.listening():
        _get(client, address)
    own = [(sql, params) for sql, params in recorder.statements if beside(sql)]
    whole, cpu, spent = zip(*(_timed(client, address) for _ in range(rounds)), strict=True)
    plain, queries = compare(lambda: run(floor), lambda: run(own), rounds=rounds) if floor else (None, None)
    return Page(
        name=name,
        size=size,
        whole=1000 * statistics.median(whole),
        fastest=1000 * min(whole),
        cpu=1000 * statistics.median(cpu),
        aim=aim,
        database=1000 * statistics.median(spent),
        count=len(recorder.statements),
        queries=None if queries is None else 1000 * queries,
        floor=None if plain is None else 1000 * plain,
    )


def _timed(client: Client, address: str) -> tuple[float, float, float]:
    recorder, before = Recorder(), time.process_time()
    with recorder.listening():
        whole = seconds(lambda: _get(client, address))
    return whole, time.process_time() - before, recorder.spent


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)  # noqa: S101
