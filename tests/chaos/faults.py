"""The faults, each chosen by seeded dice and made at once; ``stop`` ends what still lasts."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import redis
from django.db import connection

from billing.models import BillingRun
from generic_interface.simulator.faults import FaultKind
from generic_interface.simulator.server import RunningSimulator
from tests.chaos.stage import NAME, QUEUES, Stage, children, family
from tickets.models import SyncRun

SPOILT = (FaultKind.DROP, FaultKind.HTTP_500, FaultKind.TRUNCATED, FaultKind.EMPTY_BODY, FaultKind.LOST, FaultKind.LATE)
AT_WORK = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid() AND state <> 'idle'
    ORDER BY pid
"""
SECONDS_TO_CATCH = 1.5
MOST_COPIES = 4


@dataclass(slots=True)
class Kill:
    """A kill after which the queue, any if empty, has to go on; ``worker`` may not be who does it."""

    kind: str
    queue: str
    at: float
    worker: int = 0


@dataclass
class Faults:
    """``longest_stop``: seconds that a process is stopped at most; longer than a lease, so that some lose theirs."""

    stage: Stage
    simulator: RunningSimulator
    dice: random.Random
    longest_stop: float
    made: Counter[str] = field(default_factory=Counter)
    vain: Counter[str] = field(default_factory=Counter)
    kills: list[Kill] = field(default_factory=list)
    _stopped: list[tuple[float, int]] = field(default_factory=list)
    _spoilt_until: float = 0.0

    def make_one(self) -> None:
        """One fault; one that finds nothing to strike is not counted among those that were made."""
        kinds: dict[str, tuple[int, Callable[[], bool]]] = {
            "worker killed": (2, self._kill_worker),
            "worker killed, its children go on": (2, self._kill_parent),
            "pool child killed": (8, self._kill_child),
            "scheduler killed": (1, self._kill_beat),
            "broker killed": (3, self._kill_broker),
            "database connection cut": (12, self._cut_connection),
            "message sent several times": (6, self._send_again),
            "waiting messages lost": (4, self._lose_messages),
            "process stopped for a while": (4, self._stop_process),
            "answers of the ticket system spoilt": (8, self._spoil_answers),
        }
        weights = [weight for weight, _act in kinds.values()]
        (kind,) = self.dice.choices(list(kinds), weights)
        (self.made if kinds[kind][1]() else self.vain)[kind] += 1

    def tend(self) -> None:
        """End what has lasted long enough."""
        now = time.monotonic()
        for until, pid in [entry for entry in self._stopped if entry[0] <= now]:
            self._stopped.remove((until, pid))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self._spoilt_until and self._spoilt_until <= now:
            self._spoilt_until = 0.0
            self.simulator.faults.clear()

    def stop(self) -> None:
        self._stopped = [(0.0, pid) for _until, pid in self._stopped]
        self._spoilt_until = min(self._spoilt_until, 0.001)
        self.tend()

    def _worker(self) -> tuple[str, int] | None:
        """Queue and process of a worker that has done something since it was started."""
        queue = self.dice.choice(QUEUES)
        process = self.stage.programs[f"worker {queue}"].process
        return (queue, process.pid) if process is not None and self.stage.is_at_work(process.pid) else None

    def _kill_worker(self) -> bool:
        return self._kill_processes("worker killed", with_children=True)

    def _kill_parent(self) -> bool:
        return self._kill_processes("worker killed, its children go on", with_children=False)

    def _kill_processes(self, kind: str, *, with_children: bool) -> bool:
        worker = self._worker()
        if worker is None:
            return False
        queue, pid = worker
        self.kills.append(Kill(kind, queue, time.time(), pid))
        for victim in [pid, *(children(pid) if with_children else ())]:
            _kill(victim)
        return True

    def _kill_child(self) -> bool:
        worker = self._worker()
        pool = children(worker[1]) if worker is not None else []
        if worker is None or not pool:
            return False
        self.kills.append(Kill("pool child killed", worker[0], time.time()))
        return _kill(self.dice.choice(pool))

    def _kill_beat(self) -> bool:
        process = self.stage.programs[self.dice.choice(("beat 1", "beat 2"))].process
        return process is not None and _kill(process.pid)

    def _kill_broker(self) -> bool:
        self.stage.broker.restart(self.dice.uniform(0, 1))
        self.kills.append(Kill("broker killed", "", time.time()))
        return True

    def _cut_connection(self) -> bool:
        """Of a worker in the middle of a statement or a transaction, if one is caught at it."""
        end = time.monotonic() + SECONDS_TO_CATCH
        while time.monotonic() < end:
            with connection.cursor() as cursor:
                cursor.execute(AT_WORK, [NAME])
                found = [pid for (pid,) in cursor.fetchall()]
                if found:
                    cursor.execute("SELECT pg_terminate_backend(%s)", [self.dice.choice(found)])
                    return True
            time.sleep(0.005)
        return False

    def _send_again(self) -> bool:
        """The message of a job that waits, is worked on, or is over."""
        jobs = [("billing.run", "ledger", pk) for pk in BillingRun.objects.order_by("-pk").values_list("pk", flat=True)]
        syncs = SyncRun.objects.order_by("-pk").values_list("pk", flat=True)[:5]
        jobs = jobs[:5] + [("tickets.sync", "network", pk) for pk in syncs]
        if not jobs:
            return False
        task, queue, pk = self.dice.choice(jobs)
        copies = self.dice.randint(2, MOST_COPIES)
        sent = [self.stage.send(task, pk, queue=queue) for _copy in range(copies)]
        return any(sent)

    def _lose_messages(self) -> bool:
        """All that waits in both queues."""
        with suppress(redis.RedisError), self.stage.broker.client() as client:
            return bool(client.delete(*QUEUES))
        return False

    def _stop_process(self) -> bool:
        worker = self._worker()
        if worker is None:
            return False
        pid = self.dice.choice(family(self.stage.programs[f"worker {worker[0]}"]) or [worker[1]])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            self._stopped.append((time.monotonic() + self.dice.uniform(0.2, self.longest_stop), pid))
            return True
        return False

    def _spoil_answers(self) -> bool:
        kind = self.dice.choice((*SPOILT, FaultKind.SLOW))
        self.simulator.faults.add(f"*:{kind}")
        self._spoilt_until = time.monotonic() + self.dice.uniform(0.2, 1.5)
        return True


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
