"""The short form of ``make chaos``, and that its reckoning finds what is wrong."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from billing.models import Agreement
from billing.runs import run_billing, start_run
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import start_simulator
from tests.billing.scenes import OCTOBER
from tests.chaos.rounds import Result, compare, playing, table
from tests.chaos.stage import stage
from tests.chaos.writer import Writer, build
from tests.factories.tickets import connected
from tickets.models import TimeEntry

SEED, ROUNDS, FAULTS = 40, 2, 20


@pytest.fixture
def terms(db: None) -> Agreement:
    """That of the migrations, which tests with transactions of their own flush away."""
    return Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})[0]


@pytest.fixture
def data(terms: Agreement) -> Iterator[DataSet]:
    """A month of people at work, read and billed without any fault."""
    data = build(4, OCTOBER)
    writer = Writer(data, OCTOBER, random.Random(SEED))
    writer.begin()
    for _act in range(120):
        writer.act()
    with start_simulator(data) as running:
        connected(running)
        run_billing(start_run(month=OCTOBER, now=timezone.now()))
        yield data


@pytest.mark.django_db
def test_undisturbed_month_is_right(data: DataSet) -> None:
    result = Result()

    compare(data, OCTOBER, result)

    assert result.wrong == []
    assert (result.orders, result.minutes_lost, result.minutes_double) == (4, 0, 0)


@pytest.mark.django_db
def test_entry_that_is_missing_or_too_many_is_found(data: DataSet) -> None:
    ticket = next(key for key in data.closed_in((2026, 10)) if data.entries_of(key))
    data.book(ticket, 7)
    result = Result()

    compare(data, OCTOBER, result)

    number = data.ticket(ticket).number
    assert result.minutes_lost == 7
    assert any(f"ticket {number}" in sentence for sentence in result.wrong)
    assert any("mirrored" in sentence for sentence in result.wrong)


@pytest.mark.django_db
def test_entry_that_fell_out_of_the_mirror_is_found(data: DataSet) -> None:
    TimeEntry.objects.filter(pk=TimeEntry.objects.present()[:1].get().pk).update(gone_at=timezone.now())
    result = Result()

    compare(data, OCTOBER, result)

    assert any("mirrored" in sentence for sentence in result.wrong)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_forty_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    """Fails, and is not left out, where there is no redis-server."""
    assert shutil.which("redis-server"), "redis-server is missing: install it (Debian: redis-server)"
    first = Month.of(timezone.now().date()).shift(-ROUNDS)

    with (
        stage(tmp_path / "stage", pace=20, keeps=False) as running,
        playing(running, seed=SEED, first=first, customers=6, longest_stop=9) as play,
    ):
        for number in range(ROUNDS):
            play.round(first.shift(number), FAULTS)
        play.end()
        outcome = table(play, seed=SEED, keeps=False)

    assert play.result.wrong == [], outcome
    assert play.faults.made.total() >= ROUNDS * FAULTS
    assert play.result.rounds_right == ROUNDS
