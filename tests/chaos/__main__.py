"""The long form: ``python -m tests.chaos [--seed N] [--faults 500]`` on a PostgreSQL database of its own.

Ends with 1 when a minute was lost or doubled, a job was left open or a recovery took too long; the seed plays it again.
"""

import argparse
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

BROKERS = ("kept", "forgetful")
"""With an append-only file, and without persistence."""

parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
parser.add_argument("--seed", type=int, default=None, help="of the dice (default: another one each time)")
parser.add_argument("--faults", type=int, default=500, help="at least so many (default: %(default)s)")
parser.add_argument("--faults-a-round", type=int, default=40, help="(default: %(default)s)")
parser.add_argument("--customers", type=int, default=8, help="(default: %(default)s)")
parser.add_argument("--pace", type=float, default=20.0, help="the waits of the product are divided by it (%(default)s)")
parser.add_argument("--broker", choices=BROKERS, action="append", help="only this one, repeatable (default: both)")
parser.add_argument("--keepdb", action="store_true", help="take the test database that is there, and leave it")
parser.add_argument("--commits", type=int, default=100, help="rounds of connections cut at COMMIT (%(default)s)")
options = parser.parse_args()
os.environ |= {
    "DATABASE_URL": os.environ.get("CHAOS_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "LOG_LEVEL": "ERROR",
}

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from billing.runs import start_run  # noqa: E402
from common.months import Month  # noqa: E402
from tests.chaos import commits  # noqa: E402
from tests.chaos.rounds import playing, table  # noqa: E402
from tests.chaos.stage import stage  # noqa: E402

LONGEST_TO_FIND_SECONDS = 120.0


def play(folder: Path, *, seed: int, faults: int, keeps: bool, last: Month) -> bool:
    """Rounds of months that end with ``last``, on one broker; whether all were right."""
    rounds = max(1, -(-faults // options.faults_a_round))
    first = last.shift(1 - rounds)
    print(f"seed {seed}: {rounds} rounds, broker {'with' if keeps else 'without'} append-only file", flush=True)
    with (
        stage(folder, pace=options.pace, keeps=keeps) as running,
        playing(running, seed=seed, first=first, customers=options.customers, longest_stop=180 / options.pace) as game,
    ):
        for number in range(rounds):
            game.round(first.shift(number), options.faults_a_round)
            done = game.result
            print(f"round {number + 1}: {done.rounds_right} of {done.rounds} right", flush=True)
        game.end()
        print(table(game, seed=seed, keeps=keeps), flush=True)
        if game.result.wrong:
            print(f"To play it again: make chaos ARGS='--seed {seed} --faults {options.faults}'")
            print(running.log.read_text(encoding="utf-8")[-3000:])
        return not game.result.wrong


def lost_message(folder: Path) -> bool:
    """With the waits of the product as they are: a run whose message was lost is begun within two minutes."""
    with stage(folder, pace=1, keeps=True) as running:
        del running
        run = start_run(month=Month.of(timezone.now().date()), reads_first=False, now=timezone.now())
        end = time.monotonic() + 2 * LONGEST_TO_FIND_SECONDS
        while run.started_at is None and time.monotonic() < end:
            time.sleep(0.5)
            run.refresh_from_db()
    seconds = (run.started_at - run.requested_at).total_seconds() if run.started_at else float("inf")
    print(f"{'job without a message begun after (waits as they are)':<58} {seconds:.1f} s", flush=True)
    return seconds <= LONGEST_TO_FIND_SECONDS


def _plays(seed: int, last: Month) -> Iterator[bool]:
    """Each broker gets its share of the faults, and years of its own."""
    brokers = options.broker or BROKERS
    share = -(-options.faults // len(brokers))
    with TemporaryDirectory(prefix="portal-chaos-") as folder:
        for place, broker in enumerate(brokers):
            of_years = last.shift(-120 * place)
            yield play(Path(folder, broker), seed=seed + place, faults=share, keeps=broker == "kept", last=of_years)
        yield lost_message(Path(folder, "lost"))


def _cuts() -> bool:
    wrong = commits.play(options.commits)
    print(f"{'connections cut at COMMIT of bills, issues, settlements':<58} {options.commits} each", flush=True)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    return not wrong


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    last = Month.of(timezone.now().date()).previous
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=options.keepdb)
    try:
        outcomes = [*_plays(seed, last), _cuts()]
    finally:
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=options.keepdb)
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
