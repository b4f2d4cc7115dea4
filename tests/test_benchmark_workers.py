"""The curve over worker processes: real workers, broker and stand-ins, in the smallest size; nothing here is timed."""

import os
import signal
from pathlib import Path

import pytest

from benchmarks import fleet, workers
from benchmarks.summary import table
from billing.models import Agreement, BillingRun, Order
from common.jobs import Job
from portal.supervisor import Program

TINY = workers.Size(systems=2, tickets=3, customers=3, billed=2)


def test_speed_up_is_told_beside_one_process() -> None:
    alone, two = workers.curve(times(9, 8, 10, two=6), name="billed", jobs=18, size=900, of="entries")

    assert (alone.seconds, alone.speed_up, alone.ratio) == (9.0, 1.0, 1.0)
    assert (two.jobs_a_second, two.speed_up, two.ratio) == (3.0, 1.5, pytest.approx(4 / 3))


def test_curve_stands_in_the_table_with_its_ratio_to_a_perfect_division() -> None:
    shares = workers.curve(times(9, two=6), name="18 runs", jobs=18, size=900, of="entries")

    _head, alone, two, _end = table(shares)

    assert alone.split() == ["18", "runs,", "1", "process", "900", "9", "s", "1.00", "no", "aim"]
    assert two.split() == ["18", "runs,", "2", "processes", "900", "6", "s", "1.33", "no", "aim"]
    assert str(shares[1]) == (
        "18 runs, 900 entries, 2 processes: 6.00 s, 3.00 jobs/s, speed-up 1.50, 0.25 s of processor time a job"
    )


@pytest.fixture
def terms(transactional_db: None) -> Agreement:
    """That of the migrations, which tests with transactions of their own flush away."""
    return Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})[0]


@pytest.mark.slow
@pytest.mark.postgresql
def test_curve_is_measured_and_no_program_is_left(terms: Agreement, monkeypatch: pytest.MonkeyPatch) -> None:
    started = noted(monkeypatch)

    heading, *shares, end = workers.measure(TINY, processes=(1, 2), rounds=1)

    assert (str(heading)[:7], str(end)[:4]) == ("workers", "load")
    assert [(share.jobs, share.size, share.processes) for share in shares if isinstance(share, workers.Share)] == [
        *[(2, 6, 1), (2, 6, 2)] * 2,
        *[(3, 30, 1), (3, 30, 2)],
    ]
    assert Order.objects.count() == BillingRun.objects.filter(state=Job.State.DONE).count() == TINY.customers
    assert len(started) == 1 + 2 * 2
    assert not any(map(is_alive, started))


@pytest.mark.slow
@pytest.mark.postgresql
def test_interruption_ends_every_program(terms: Agreement, monkeypatch: pytest.MonkeyPatch) -> None:
    started, at_work = noted(monkeypatch), list[bool]()
    handled = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored

    def interrupt(*given: object) -> fleet.Taken:
        at_work.extend(map(is_alive, started))
        os.kill(os.getpid(), signal.SIGINT)
        return fleet.Taken(0, 0)

    monkeypatch.setattr(fleet.Fleet, "carry_out", interrupt)

    try:
        with pytest.raises(KeyboardInterrupt):
            list(workers.measure(TINY, processes=(1, 2), rounds=1))
    finally:
        signal.signal(signal.SIGINT, handled)

    assert at_work == [True, True, True]
    assert not any(map(is_alive, started))


@pytest.mark.slow
@pytest.mark.postgresql
def test_job_that_fails_is_told_and_ends_every_program(terms: Agreement, monkeypatch: pytest.MonkeyPatch) -> None:
    started = noted(monkeypatch)
    monkeypatch.setattr(workers, "DEMO_PASSWORD", "wrong")

    with pytest.raises(AssertionError, match=r"tickets\.sync ended failed"):
        list(workers.measure(TINY, processes=(1,), rounds=1))

    assert not any(map(is_alive, started))


def times(*alone: float, two: float) -> workers.Times:
    """Rounds of one process, and one of two, with 4.5 seconds of processor time."""
    return {1: [fleet.Taken(each, 4.5) for each in alone], 2: [fleet.Taken(two, 4.5)]}


def noted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the programs that are started from now on, each of which has a session of its own."""
    started: list[int] = []
    start = Program.start

    def noting(program: Program) -> None:
        start(program)
        assert program.process is not None
        started.append(program.process.pid)

    monkeypatch.setattr(Program, "start", noting)
    return started


def is_alive(session: int) -> bool:
    """Whether any process of the session is left."""
    return any(_session_of(path) == session for path in Path("/proc").glob("[0-9]*/stat"))


def _session_of(stat: Path) -> int | None:
    try:
        return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[3])
    except (FileNotFoundError, ProcessLookupError):
        return None
