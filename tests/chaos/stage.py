"""What runs under faults: a Redis of its own, supervised workers of both queues, two schedulers."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis
from celery import Celery
from django.db import connection
from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError

from portal.supervisor import Program

ROOT = Path(__file__).resolve().parents[2]
NAME = "portal-chaos"
QUEUES = ("network", "ledger")
CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "tests.chaos.app")
START_SECONDS, ASK_SECONDS = 240.0, 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    at: float
    worker: int
    process: int
    queue: str
    task: str
    argument: str


class Broker:
    """Redis on a free port of this machine. Without ``keeps`` a killed one forgets all messages."""

    def __init__(self, folder: Path, *, keeps: bool) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        folder.mkdir()
        kept = ("--appendonly", "yes", "--appendfsync", "everysec") if keeps else ("--appendonly", "no")
        limits = ("--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "noeviction", "--loglevel", "warning")
        where = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder))
        log = ("--logfile", str(folder / "log"))
        self.program = Program("broker", ("redis-server", *where, *log, *kept, *limits))

    def start(self) -> None:
        self.program.start()
        for _attempt in range(400):
            with suppress(redis.RedisError), self.client() as client:
                client.ping()
                return
            time.sleep(0.05)
        raise RuntimeError("redis-server did not answer; is it installed?")

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, socket_timeout=2)

    def restart(self, pause: float) -> None:
        self.program.kill()
        time.sleep(pause)
        self.start()


class Stage:
    """Everything, started and ended together. ``pace`` divides the waits of the product.

    The database is that of the caller's Django; the programs have a name of their own there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pace: float,
        keeps: bool,
        schedulers: bool = True,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.deliveries_file = folder / "deliveries"
        self.deliveries_file.touch()
        self.broker = Broker(folder / "broker", keeps=keeps)
        self.log = folder / "log"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": self.broker.url,
            "REDIS_URL": "",
            "CHAOS_PACE": str(pace),
            "CHAOS_DELIVERIES": str(self.deliveries_file),
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "WARNING",
        }
        self.environment |= environment or {}
        self.programs = {f"worker {queue}": self._worker(queue) for queue in QUEUES}
        if schedulers:
            self.programs |= self._beats()
        self.restarts = 0
        self.start_seconds = 0.0
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, daemon=True)
        self._messages = Celery(set_as_current=False)
        self._messages.conf.task_queues = [Queue(name, Exchange(name), routing_key=name) for name in QUEUES]
        self._messages.conf.task_ignore_result = True

    def _worker(self, queue: str) -> Program:
        options = ("--queues", queue, "--concurrency", "2", "--hostname", f"{queue}@chaos", "--loglevel", "WARNING")
        return self._program(queue, "worker", *options)

    def _beat(self, number: int) -> Program:
        file = self.folder / f"schedule-{number}"
        return self._program(f"beat {number}", "beat", "--pidfile=", "--schedule", str(file), "--loglevel", "WARNING")

    def _beats(self) -> dict[str, Program]:
        return {f"beat {number}": self._beat(number) for number in (1, 2)}

    def start_schedulers(self) -> None:
        """Where there are none yet: whoever watches the programs starts them."""
        self.programs = self.programs | self._beats()

    def _program(self, name: str, *arguments: str) -> Program:
        given = [f"{key}={value}" for key, value in self.environment.items() if os.environ.get(key) != value]
        # Through the shell for the log alone; exec keeps the process the one that is signalled.
        command = f'exec "$@" >>"{self.log}" 2>&1'
        return Program(name, ("env", *given, "sh", "-c", command, name, *CELERY, *arguments))

    def __enter__(self) -> Self:
        self.broker.start()
        for program in self.programs.values():
            program.start()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._watch.join()
        for program in self.programs.values():
            for pid in family(program):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            program.kill()
        self.broker.program.kill()
        self._messages.close()

    def _keep_running(self) -> None:
        """As the supervisor of a real installation: what ends is started again, with its remains cleared away."""
        while not self._ending.wait(0.1):
            for program in self.programs.values():
                if not program.is_running:
                    program.kill()
                    self.restarts += 1
                    program.start()

    def send(self, task: str, *arguments: int | str, queue: str) -> bool:
        """Publish a message; ``False`` when the broker did not take it, which nobody is told of."""
        options = {"socket_timeout": 2, "socket_connect_timeout": 2}
        try:
            # With a connection of its own: CELERY_BROKER_URL of this process names another broker, and would win.
            with Connection(self.broker.url, transport_options=options) as broker:
                self._messages.send_task(task, args=arguments, queue=queue, retry=False, connection=broker)
        except (OperationalError, redis.RedisError, OSError):
            return False
        return True

    def deliveries(self) -> list[Delivery]:
        lines = self.deliveries_file.read_text(encoding="utf-8").splitlines()
        found = (line.split(" ", 5) for line in lines)
        return [Delivery(float(at), int(worker), int(own), *rest) for at, worker, own, *rest in found]

    def is_at_work(self, worker: int) -> bool:
        """Whether the process has delivered anything yet."""
        return any(delivery.worker == worker for delivery in self.deliveries())

    def wait_until_working(self) -> None:
        """Until each queue has delivered something."""
        begun = asked = time.monotonic()
        while silent := set(QUEUES) - {delivery.queue for delivery in self.deliveries()}:
            if time.monotonic() >= asked:
                asked += ASK_SECONDS
                for queue in silent:
                    self.send("portal.heartbeat", queue, queue=queue)
            if time.monotonic() - begun > START_SECONDS:
                raise RuntimeError(f"The workers did not come up:\n{self.log.read_text(encoding='utf-8')[-4000:]}")
            time.sleep(0.1)
        self.start_seconds = time.monotonic() - begun


def database_url(name: str = NAME) -> str:
    """Of the database that this process works on, for programs that can be told apart there by ``name``."""
    settings: dict[str, Any] = connection.settings_dict
    password = f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else ""
    where = f"{quote(settings['USER'])}{password}@{settings['HOST']}:{settings['PORT'] or 5432}"
    return f"postgres://{where}/{settings['NAME']}?application_name={name}"


def children(pid: int) -> list[int]:
    """Direct children of a process; none of one that is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def family(program: Program) -> list[int]:
    """The process of a program and its children."""
    if program.process is None:
        return []
    return [program.process.pid, *children(program.process.pid)]


@contextmanager
def stage(folder: Path, *, pace: float, keeps: bool, **options: Any) -> Iterator[Stage]:
    """A stage whose workers have begun to work; options as of ``Stage``."""
    with Stage(folder, pace=pace, keeps=keeps, **options) as running:
        running.wait_until_working()
        yield running
