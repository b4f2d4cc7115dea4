"""Races: workers that begin in the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def at_once(work: Callable[[int], Result], *, workers: int) -> list[Result]:
    """What ``work`` returned to each worker, by number; all begin together, each on its own connection."""
    barrier = Barrier(workers, timeout=20)

    def begin(number: int) -> Result:
        try:
            barrier.wait()
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(begin, range(workers)))
