"""Workers as they run in production, for as long as a measurement lasts: prefork, one queue, the product's settings."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone
from kombu import Connection

from common.jobs import Job
from portal.celery import app
from portal.models import Heartbeat
from portal.supervisor import Program
from tests.chaos.stage import Broker, children, database_url

START_SECONDS, GRACE_SECONDS, LOOK_SECONDS = 120.0, 10.0, 0.05
PROC = Path("/proc")
ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)


@contextmanager
def broker() -> Iterator[Broker]:
    """A Redis of its own on a free port of this machine, with the files of whoever uses it beside its own."""
    with TemporaryDirectory(prefix="portal-bench-") as folder:
        running = Broker(Path(folder, "broker"), keeps=True)
        try:
            running.start()
            yield running
        finally:
            running.program.kill()


class Taken(NamedTuple):
    """What jobs took together."""

    seconds: float
    processor: float
    """Seconds of the worker's processes; neither the database's nor the ticket systems'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """One worker of one queue with its processes."""

    queue: str
    program: Program
    log: Path
    connection: Connection

    def carry_out(self, task: str, jobs: Sequence[Job]) -> Taken:
        """From the first message to the end of the last job, by the clock that the jobs note their end with.

        Raises ``AssertionError`` when one of them did not end complete.
        """
        asked = type(jobs[0])._base_manager.filter(pk__in=[job.pk for job in jobs])
        worked, begun = self._processor_seconds(), timezone.now()
        for job in jobs:
            app.send_task(task, args=(job.pk,), connection=self.connection)
        self._wait_for(asked.filter(state__in=ACTIVE), seconds=settings.CELERY_TASK_TIME_LIMIT)
        for job in asked.exclude(state=Job.State.DONE, complete=True)[:1]:
            raise AssertionError(f"{task} ended {job.state}: {job.error}")
        seconds = (asked.aggregate(last=Max("finished_at"))["last"] - begun).total_seconds()
        return Taken(seconds, self._processor_seconds() - worked)

    def wait_until_working(self) -> None:
        """Until a message has come through the queue."""
        Heartbeat.objects.filter(name=self.queue).delete()
        app.send_task("portal.heartbeat", args=(self.queue,), queue=self.queue, connection=self.connection)
        end = time.monotonic() + START_SECONDS
        while not Heartbeat.objects.filter(name=self.queue).exists():
            self._refuse_end(end)
            time.sleep(LOOK_SECONDS)

    def _processor_seconds(self) -> float:
        """Of the worker and its processes since they were started; on Linux, 0 elsewhere."""
        if self.program.process is None or not PROC.exists():
            return 0.0
        members = [self.program.process.pid, *children(self.program.process.pid)]
        stats = ((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace") for pid in members)
        ticks = (int(number) for stat in stats for number in stat.rpartition(")")[2].split()[11:15])
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def _wait_for(self, active: QuerySet[Job], *, seconds: float) -> None:
        end = time.monotonic() + seconds
        while active.exists():
            self._refuse_end(end)
            time.sleep(LOOK_SECONDS)

    def _refuse_end(self, end: float) -> None:
        if not self.program.is_running or time.monotonic() > end:
            raise AssertionError(f"The worker does not work:\n{self.log.read_text(encoding='utf-8')[-4000:]}")


@contextmanager
def fleets(queue: str, *, processes: Sequence[int], broker: Broker) -> Iterator[dict[int, Fleet]]:
    """By number of processes, workers that have begun to take messages; all are gone afterwards, whatever happens.

    Each has a database of the broker to itself, so that all but the one that is sent messages sleep.
    """
    with ExitStack() as stack:
        started = {
            count: stack.enter_context(
                _fleet(queue, count, broker.folder.parent, f"redis://127.0.0.1:{broker.port}/{place}")
            )
            for place, count in enumerate(processes)
        }
        for fleet in started.values():
            fleet.wait_until_working()
        yield started


@contextmanager
def _fleet(queue: str, processes: int, folder: Path, broker_url: str) -> Iterator[Fleet]:
    log = folder / f"{queue}-{processes}.log"
    program = Program(queue, (*_environment(broker_url, folder), *_worker(queue, processes, log)))
    with Connection(broker_url) as connection:
        try:
            program.start()
            yield Fleet(queue=queue, program=program, log=log, connection=connection)
        finally:
            _end(program)


def _environment(broker_url: str, folder: Path) -> tuple[str, ...]:
    """That of this process with the settings of the product, whose limits hold as well."""
    given = {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": database_url("portal-bench"),
        "CELERY_BROKER_URL": broker_url,
        "REDIS_URL": "",
        "SENTRY_DSN": "",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    return ("env", "-u", "DATABASE_STATEMENT_TIMEOUT_SECONDS", *(f"{name}={value}" for name, value in given.items()))


def _worker(queue: str, processes: int, log: Path) -> tuple[str, ...]:
    """The command of ``docker-compose.yml``, through the shell for the log alone; exec keeps the process."""
    celery = (sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery", "worker", "--queues", queue)
    options = ("--concurrency", str(processes), "--max-tasks-per-child", "200", "--loglevel", "ERROR")
    return ("sh", "-c", f'exec "$@" >>"{log}" 2>&1', queue, *celery, *options)


def _end(program: Program) -> None:
    """As the supervisor does: asked first, then by force, and with it whatever is left of its group."""
    try:
        program.send(signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        while program.is_running and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
    finally:
        program.kill()
