"""The simulation of ``benchmarks.compat`` in small; the full one runs in ``make bench``."""

from datetime import timedelta

import pytest

from benchmarks import compat
from benchmarks import registration as benchmark
from registration import rotation
from registration.models import RegisteredSystem, RegistrationEvent
from tests.registration.network import post

YEAR = timedelta(days=365)


@pytest.mark.parametrize("loss", compat.LOSSES)
def test_honest_clients_are_not_locked_out_and_copies_are_found(loss: float) -> None:
    [found] = compat.measure(honest=15, copied=60, losses=(loss,))

    assert (found.locked_out, found.found, found.copied) == (0, 60, 60)
    assert found.most_updates <= 4


def test_honest_client_gets_its_updates_done() -> None:
    world = compat.live(1, systems=1, loss=0.3, lasts=YEAR)

    assert 50 <= world.updates[0] <= 55


def test_three_copies_are_found() -> None:
    worlds = [compat.live(seed, systems=3, loss=0.1, lasts=YEAR) for seed in range(30)]

    assert not any(world.row.active for world in worlds)


def test_without_jitter_copies_in_one_minute_stay_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "next_update", lambda now, _share, _other: now + rotation.UPDATE_EVERY)

    [found] = compat.measure(honest=1, copied=5, losses=(0.0,))

    assert found.found == 0


def test_with_a_short_window_lost_answers_lock_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a late packet forks, and the id that the client holds is void."""
    monkeypatch.setattr(rotation, "REPLAY_WINDOW", timedelta(seconds=30))

    [found] = compat.measure(honest=15, copied=1, losses=(0.3,))

    assert found.locked_out > 0


@pytest.mark.django_db
def test_systems_of_the_benchmark_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "settle", lambda: None)  # VACUUM needs to be outside a transaction
    benchmark.build_systems(systems=12, weeks=3)

    status, body = post(benchmark._update(7))

    assert (status, b'"Success": 1, "Data"' in body) == ("200 OK", True)
    assert (RegisteredSystem.objects.count(), RegistrationEvent.objects.count()) == (12, 3 * 12 + 1)
