import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from portal import supervisor
from portal.supervisor import Program, Supervisor

FOREVER = "import time\nwhile True: time.sleep(0.05)"


def python(name: str, source: str, *, restart: bool = False) -> Program:
    return Program(name, [sys.executable, "-c", textwrap.dedent(source)], restart=restart)


def stop_when(path: Path, *, number: int = signal.SIGTERM, times: int = 1) -> Program:
    """A program that waits for a file and then signals the supervisor's process."""
    source = f"""
        import os, pathlib, time
        while not pathlib.Path({str(path)!r}).exists(): time.sleep(0.02)
        for _ in range({times}):
            os.kill({os.getpid()}, {int(number)})
            time.sleep(0.3)
        time.sleep(60)
    """
    return python("stopper", source)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_every_program(tmp_path: Path, number: int) -> None:
    ready = tmp_path / "ready"
    server = python("web server", f"import pathlib; pathlib.Path({str(ready)!r}).touch()\n{FOREVER}")

    code = Supervisor([server, stop_when(ready, number=number)], say=pytest.fail).run()

    assert code == 0
    assert server.process is not None
    assert server.process.returncode == -signal.SIGTERM


def test_program_that_must_not_end_ends_all() -> None:
    said: list[str] = []
    other = python("other", FOREVER)

    code = Supervisor([other, python("web server", "raise SystemExit(3)")], say=said.append).run()

    assert code == 1
    assert said == ["The web server has ended; stopping everything."]
    assert not other.is_running


def test_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    second = tmp_path / "second"
    source = f"""
        import pathlib, sys, time
        first, second = pathlib.Path({str(tmp_path / "first")!r}), pathlib.Path({str(second)!r})
        if not first.exists():
            first.touch()
            sys.exit(1)
        second.touch()
        time.sleep(60)
    """

    code = Supervisor([python("worker", source, restart=True), stop_when(second)], say=said.append).run()

    assert code == 0
    assert said == ["The worker has ended; starting it again in 1 s."]


def test_pauses_grow_to_their_limit() -> None:
    program = python("worker", "")

    pauses = []
    for _ in range(7):
        program.start()
        pauses.append(program.plan_restart())

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_worker_that_lived_long_starts_again_at_once() -> None:
    program = python("worker", "")
    program.start()
    program.started = time.monotonic() - supervisor.STEADY_SECONDS

    assert program.plan_restart() == 0


def test_program_that_ignores_the_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.2)
    ready = tmp_path / "ready"
    source = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(ready)!r}).touch()
        time.sleep(60)
    """
    stubborn = python("worker", source)

    Supervisor([stubborn, stop_when(ready)], say=pytest.fail).run()

    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL


def test_second_signal_does_not_wait(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    source = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(ready)!r}).touch()
        time.sleep(60)
    """
    stopper = f"""
        import os, pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while not pathlib.Path({str(ready)!r}).exists(): time.sleep(0.02)
        os.kill({os.getpid()}, signal.SIGINT)
        time.sleep(0.3)
        os.kill({os.getpid()}, signal.SIGINT)
        time.sleep(60)
    """
    stubborn = python("worker", source)

    Supervisor([stubborn, python("stopper", stopper)], say=pytest.fail).run()

    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL


def test_what_a_dead_worker_left_behind_is_cleared(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = f"import time; file = open({str(pipe)!r}, 'w'); time.sleep(20); file.write('survived')"
    program = python("worker", f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])")
    program.start()
    assert program.process is not None

    with pipe.open() as reader:
        program.process.wait()
        program.plan_restart()

        assert reader.read() == ""


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    Supervisor([python("web server", "")], say=lambda text: None).run()

    assert signal.getsignal(signal.SIGTERM) is before


def test_program_that_never_started_needs_no_end() -> None:
    program = python("worker", "")

    program.send(signal.SIGTERM)
    program.kill()

    assert not program.is_running
