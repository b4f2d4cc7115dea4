"""Runs the portal's programs as children: passes signals on, starts the worker again, ends all together."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0  # then killed; an interrupted job goes on at the next start once its lease is over
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a program that lived this long starts again without a pause
TICK_SECONDS = 0.1


@dataclass
class Program:
    """One child. A program with ``restart`` is started again when it ends; any other ends all of them."""

    name: str
    arguments: Sequence[str]
    restart: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    due: float = field(default=0.0, init=False)
    failures: int = field(default=0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        # A session of its own: Ctrl+C reaches the children through the supervisor only, and once.
        self.process = subprocess.Popen(self.arguments, start_new_session=True)
        self.started = time.monotonic()

    def send(self, number: int) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the child and whatever it left behind in its process group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):  # the whole group is gone already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def plan_restart(self) -> float:
        """Clear up after the ended child and say in how many seconds it starts again."""
        self.kill()
        self.process = None
        lived = time.monotonic() - self.started
        self.failures = 0 if lived >= STEADY_SECONDS else self.failures + 1
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (self.failures - 1)) if self.failures else 0.0
        self.due = time.monotonic() + pause
        return pause


class Supervisor:
    """``run`` returns 0 when a signal ended it and 1 when a program that must not end did."""

    def __init__(self, programs: Sequence[Program], *, say: Callable[[str], None]) -> None:
        self.programs = programs
        self.say = say
        self.stops = 0

    def run(self) -> int:
        before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        try:
            return self._watch()
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1

    def _watch(self) -> int:
        for program in self.programs:
            program.start()
        while not self.stops:
            for program in self.programs:
                if program.is_running:
                    continue
                if not program.restart:
                    self.say(f"The {program.name} has ended; stopping everything.")
                    return 1
                self._revive(program)
            time.sleep(TICK_SECONDS)
        return 0

    def _revive(self, program: Program) -> None:
        if program.process is not None:
            pause = program.plan_restart()
            self.say(f"The {program.name} has ended; starting it again in {pause:.0f} s.")
        elif time.monotonic() >= program.due:
            program.start()

    def _end_all(self) -> None:
        for program in self.programs:
            program.send(signal.SIGTERM)
        asked, end = self.stops, time.monotonic() + GRACE_SECONDS
        while any(program.is_running for program in self.programs):
            if time.monotonic() >= end or self.stops > asked:  # a second Ctrl+C does not wait
                break
            time.sleep(TICK_SECONDS)
        for program in self.programs:
            program.kill()
