"""The reports of the API hold the figures of the page and of the command."""

import json
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from portal.reports.sums import MINUTES_FIELDS
from tests.api.asking import Asker
from tests.pages.world import World

FIGURES = ("key", "label", "system", "entries", *MINUTES_FIELDS)


def told_by_command(by: str, period: str) -> Any:
    out = StringIO()
    with suppress(SystemExit):  # not complete, printed all the same
        call_command("time_report", "--period", period, "--by", by, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("by", ["agent", "customer", "queue", "ticket"])
def test_report_is_that_of_the_command(asking: dict[str, Asker], by: str) -> None:
    for period in ("2026-10", "2026", "all"):
        compare(asking["billing"], by, period)


def compare(billing: Asker, by: str, period: str) -> None:
    command = told_by_command(by, period)

    report = billing.read(f"reports/{by}?period={period}")
    rows = billing.all_items(f"reports/{by}?period={period}&limit=1")

    shown = sorted(({name: row[name] for name in FIGURES} for row in rows), key=lambda row: (row["key"], row["system"]))
    assert shown == [{name: row[name] for name in FIGURES} for row in command["rows"]]
    assert report["total"] == {name: command[f"total_{name}"] for name in FIGURES[3:]}
    for name in ("period", "by", "time_zone", "complete", "problems"):
        assert report[name] == command[name]


def test_every_number_leads_to_its_rows(asking: dict[str, Asker]) -> None:
    billing = asking["billing"]

    for by in ("agent", "customer", "queue", "ticket"):
        for row in billing.read(f"reports/{by}?period=2026-10&standing=billed")["items"]:
            entries = billing.all_items(row["rows"])
            assert (len(entries), sum(Decimal(entry["minutes"]) for entry in entries)) == (
                row["entries"],
                Decimal(row["minutes"]),
            )


def test_incomplete_data_are_called_so(world: World, asking: dict[str, Asker]) -> None:
    billing = asking["billing"]

    complete, early = billing.read("reports/agent?period=2026-10"), billing.read("reports/agent?period=2026-11")

    assert (complete["complete"], complete["problems"]) == (True, [])
    assert early["complete"] is False
    assert "2026-11" in early["problems"][0]
    assert billing.read("quality?period=2026-11")["complete"] is False
    assert billing.read("status")["complete"] is True


def test_quality_is_what_the_page_finds(asking: dict[str, Asker]) -> None:
    found = {each["check"]: each for each in asking["billing"].read("quality?period=2026-10")["items"]}

    assert (found["long-entries"]["count"], found["long-entries"]["minutes"]) == (2, "15826")
    assert "without-customer" not in {each["check"] for each in asking["manager"].read("quality")["items"]}
