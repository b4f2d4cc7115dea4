"""Run the benchmarks on one database and print one table: ``python -m benchmarks sqlite [--size M]``."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

DATABASES = {
    "sqlite": f"sqlite:///{Path(mkdtemp(prefix='portal-bench-')) / 'unused.sqlite3'}",
    "postgresql": os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
}
SIZES = {"S": (100, 2_000, 10_000), "M": (500, 20_000, 100_000), "L": (2_000, 200_000, 1_000_000)}
PARTS = ("interface", "mirror", "billing", "reports", "tickets", "absences")

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("database", choices=DATABASES, nargs="?", default="sqlite", help="(default: %(default)s)")
parser.add_argument(
    "--size",
    choices=SIZES,
    action="append",
    help="S, M or L, repeatable: 10,000, 100,000 or 1,000,000 entries (default: S and M, of pages M alone; "
    "the mirror is written at S and M)",
)
parser.add_argument("--only", choices=PARTS, action="append", help="measure this part, repeatable (default: all)")
options = parser.parse_args()
os.environ |= {
    "DATABASE_URL": DATABASES[options.database],
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "LOG_LEVEL": "ERROR",
}

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402

from benchmarks import absences, billing, interface, mirror, reports, tickets, world  # noqa: E402


def results() -> Iterator[object]:
    """The lines of the table, each as soon as it is known."""
    parts = options.only or PARTS
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
    if {"reports", "tickets"} & set(parts):
        for size in options.size or ["M"]:
            yield from pages(size, parts)


def pages(size: str, parts: tuple[str, ...]) -> Iterator[object]:
    customers, count, entries = SIZES[size]
    year = world.build_year(customers=customers, tickets=count, entries=entries)
    yield f"pages over {customers:,} / {count:,} / {entries:,}, {connection.vendor}"
    if "reports" in parts:
        yield from reports.measure(year)
    if "tickets" in parts:
        yield from tickets.measure(year)


def main() -> int:
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = connection.settings_dict["NAME"] + ".test"
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        for line in results():
            print(line, flush=True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
