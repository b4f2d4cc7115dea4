"""Run the benchmarks on one database and print one table: ``python -m benchmarks sqlite [--size M]``."""

import argparse
import os
import sys
from pathlib import Path
from tempfile import mkdtemp

DATABASES = {
    "sqlite": f"sqlite:///{Path(mkdtemp(prefix='portal-bench-')) / 'unused.sqlite3'}",
    "postgresql": os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
}
SIZES = {"S": (100, 2_000, 10_000), "M": (500, 20_000, 100_000), "L": (2_000, 200_000, 1_000_000)}

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("database", choices=DATABASES, nargs="?", default="sqlite", help="(default: %(default)s)")
parser.add_argument("--size", choices=SIZES, action="append", help="of the billing run, repeatable (default: S, M)")
parser.add_argument("--only", choices=["billing", "interface"], help="measure one part only")
options = parser.parse_args()
os.environ |= {
    "DATABASE_URL": DATABASES[options.database],
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "LOG_LEVEL": "ERROR",
}

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402

from benchmarks import billing, interface  # noqa: E402


def main() -> int:
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = connection.settings_dict["NAME"] + ".test"
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        if options.only != "billing":
            for paced in (False, True):
                print(interface.measure(tickets=1000, paced=paced), flush=True)
        if options.only != "interface":
            for size in options.size or ["S", "M"]:
                customers, tickets, entries = SIZES[size]
                print(billing.measure(customers=customers, tickets=tickets, entries=entries), flush=True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
