"""Races between real processes: a crew that is kept over many rounds, each of them begun by all in the same moment."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import Any, Protocol

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()  # once in the server that the workers are forked from

LONGEST_WAIT_SECONDS = 120
_gate: Barrier


class Crew(Protocol):
    """Calls a function of a module once in each process, with the worker's number and what else it is given."""

    def __call__(self, work: Callable[..., str], *arguments: Any) -> list[str]: ...


@contextmanager
def crew_of(workers: int) -> Iterator[Crew]:
    """So many processes. None shares a connection with another one or with the test; all work on its database."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    gate = context.Barrier(workers, timeout=LONGEST_WAIT_SECONDS)
    with context.Pool(workers, _prepare, (gate, connection.settings_dict["NAME"])) as pool:

        def at_once(work: Callable[..., str], *arguments: Any) -> list[str]:
            calls = [(work, number, *arguments) for number in range(workers)]
            return pool.starmap(_begin, calls, chunksize=1)

        yield at_once
        pool.close()
        pool.join()


def _prepare(gate: Barrier, database: str) -> None:
    global _gate
    _gate = gate
    connection.settings_dict["NAME"] = database


def _begin(work: Callable[..., str], number: int, *arguments: Any) -> str:
    """Who waits at the gate takes no second call, so every process gets one."""
    _gate.wait()
    return work(number, *arguments)
