"""The benchmarks still run, and their floors count the same as the pages; nothing here is timed."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from benchmarks import billing, mirror, registered, reports, tickets, world
from common.spans import Span
from portal.reports.selection import select_entries
from portal.reports.sums import MINUTES_FIELDS, By, sums_by
from registration.models import RegistrationEvent
from tickets.models import TimeEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def year(monkeypatch: pytest.MonkeyPatch) -> world.Year:
    monkeypatch.setattr(world, "settle", lambda: None)  # VACUUM needs to be outside a transaction
    cache.clear()
    return world.build_year(customers=60, tickets=240, entries=600)


def test_year_holds_what_it_says(year: world.Year) -> None:
    found = TimeEntry.objects.all()

    assert (found.count(), found.values("ticket").distinct().count()) == (600, 240)
    assert Span.of_month(year.month).first_day == found.latest("local_day").local_day.replace(day=1)


@pytest.mark.parametrize("by", By.values)
def test_floor_sums_what_the_report_sums(year: world.Year, by: str) -> None:
    span = Span.of_month(year.month)
    within = [year.system, span.first_day, span.end_day]
    [(sql, parameters)] = reports._sums(reports.GROUPS[by], within, [])

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        floor = {group: _exact(numbers) for group, *numbers in cursor.fetchall()}

    names = ("entries", "minutes", *MINUTES_FIELDS[1:])
    rows = sums_by(By(by), select_entries(span, user=year.user))
    assert floor == {row["group"]: _exact([row[name] for name in names]) for row in rows}


def test_page_is_measured_beside_its_floor(year: world.Year) -> None:
    line = next(reports.measure(year, rounds=1))

    assert line.name == "month: by=agent report"
    assert min(line.whole, line.database, line.queries or 0, line.floor or 0) > 0


@pytest.mark.slow
def test_every_page_is_measured(year: world.Year) -> None:
    lines = [*reports.measure(year, rounds=1), *tickets.measure(year, rounds=1)]

    assert [bool(line.ratio) for line in lines] == 17 * [True] + 17 * [False]


def test_registered_systems_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "settle", lambda: None)

    lines = list(registered.measure(systems=5, rounds=1))

    assert RegistrationEvent.objects.count() == 5 * registered.WEEKS
    assert [line.name.partition(":")[0] for line in lines] == ["systems"] * 11


def test_mirror_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "settle", lambda: None)

    lines = list(mirror.measure(entries=50, rounds=1))

    assert [line.aim for line in lines] == [2, 3, 3]


def test_billing_run_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing, "settle", lambda: None)

    line = billing.measure(customers=2, tickets=4, entries=8, rounds=1)

    assert (line.name, line.size) == (f"billing run, {connection.vendor}", 8)


def _exact(numbers: list[Any]) -> list[Decimal]:
    return [Decimal(str(number or 0)).quantize(Decimal("0.01")) for number in numbers]
