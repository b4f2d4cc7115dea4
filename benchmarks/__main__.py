"""Run the benchmarks on one database and print one table at the end: ``python -m benchmarks sqlite [--size M]``."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp

DATABASES = {
    "sqlite": f"sqlite:///{Path(mkdtemp(prefix='portal-bench-')) / 'unused.sqlite3'}",
    "postgresql": os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
}
SIZES = {"S": (100, 2_000, 10_000), "M": (500, 20_000, 100_000), "L": (2_000, 200_000, 1_000_000)}
PARTS = ("interface", "mirror", "billing", "reports", "tickets", "absences", "registration", "registered", "workers")

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("database", choices=DATABASES, nargs="?", default="sqlite", help="(default: %(default)s)")
parser.add_argument(
    "--size",
    choices=SIZES,
    action="append",
    help="S, M or L, repeatable: 10,000, 100,000 or 1,000,000 entries (default: S and M, of pages M alone; "
    "the mirror is written at S and M, workers have sizes of their own)",
)
parser.add_argument(
    "--only",
    choices=PARTS,
    action="append",
    help="measure this part, repeatable (default: all; workers on PostgreSQL alone, with redis-server installed)",
)
options = parser.parse_args()
if options.database == "sqlite" and "workers" in (options.only or ()):
    parser.error("workers are measured on PostgreSQL alone: python -m benchmarks postgresql --only workers")
os.environ |= {
    "DATABASE_URL": DATABASES[options.database],
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "LOG_LEVEL": "ERROR",
    "DATABASE_STATEMENT_TIMEOUT_SECONDS": "0",  # the floors are single statements over everything
}

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402

from benchmarks import (  # noqa: E402
    absences,
    billing,
    compat,
    interface,
    mirror,
    registered,
    registration,
    reports,
    summary,
    tickets,
    workers,
    world,
)


def results() -> Iterator[summary.Measured | str]:
    """What is measured, each as soon as it is known, and headings."""
    parts = options.only or [part for part in PARTS if part != "workers" or options.database == "postgresql"]
    if "interface" in parts:
        for paced in (False, True):
            yield interface.measure(tickets=1000, paced=paced)
    if "mirror" in parts:
        for size in [size for size in options.size or SIZES if size != "L"]:
            yield from mirror.measure(entries=SIZES[size][2])
    if "billing" in parts:
        for size in options.size or ["S", "M"]:
            customers, count, entries = SIZES[size]
            yield billing.measure(customers=customers, tickets=count, entries=entries)
    if "absences" in parts:
        yield from absences.measure()
    if "registration" in parts:
        yield from compat.measure()
        yield registration.measure()
    if "registered" in parts:
        yield from registered.measure()
    if {"reports", "tickets"} & set(parts):
        for size in options.size or ["M"]:
            yield from pages(size, parts)
    if "workers" in parts:
        for size in options.size or ["M"]:
            yield from workers.measure(workers.SIZES[size])


def pages(size: str, parts: Sequence[str]) -> Iterator[summary.Measured | str]:
    customers, count, entries = SIZES[size]
    year = world.build_year(customers=customers, tickets=count, entries=entries)
    yield f"pages over {customers:,} / {count:,} / {entries:,}, {connection.vendor}"
    if "reports" in parts:
        yield from reports.measure(year)
    if "tickets" in parts:
        yield from tickets.measure(year)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # what was started is ended all the same
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = connection.settings_dict["NAME"] + ".test"
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        measured = []
        for result in results():
            print(result, flush=True)
            if not isinstance(result, str):
                measured.append(result)
        print("", *summary.table(measured), sep="\n", flush=True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
