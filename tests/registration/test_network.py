"""Honest systems are never locked out and copies are found, over any network; weaker designs fail the same test."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from registration.identifiers import UpdateId
from registration.rotation import Decision, Kind, Rotation, decide_update
from tests.registration.network import CopyMachine, HonestMachine, Network, register

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
RUNS = int(os.environ.get("REGISTRATION_MODEL_RUNS", "60"))
WALK = settings(
    max_examples=RUNS, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
HUNT = settings(WALK, max_examples=2_000, derandomize=True, phases=[Phase.generate], print_blob=False)
Decide = Callable[..., Decision]


def strict(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    """Only the current id."""
    if shown != before.current:
        return Decision(kind=Kind.CONFLICT, after=replace(before, active=False))
    return decide_update(before, shown, attempt, now=now, salt=salt)


def previous_again(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    """For the previous id the same answer again."""
    if before.active and shown == before.last:
        return Decision(kind=Kind.REPEATED, after=before)
    return strict(before, shown, attempt, now=now, salt=salt)


def previous_anew(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    """For the previous id a fresh one."""
    current = before.current if shown != before.last or shown is None else shown
    return strict(replace(before, current=current), shown, attempt, now=now, salt=salt)


def no_old_pairs(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    return decide_update(replace(before, accepted=()), shown, attempt, now=now, salt=salt)


def no_mac(before: Rotation, shown: UpdateId | None, attempt: str, *, now: datetime, salt: str) -> Decision:
    """An id that the portal does not remember is one that it never gave out."""
    known = shown in (before.current, before.last)
    return decide_update(before, shown if known else None, attempt, now=now, salt=salt)


def weaker(machine: type[Network], decide: Decide = decide_update, **values: Any) -> type[Network]:
    return type(f"Weaker{machine.__name__}", (machine,), {"decide": staticmethod(decide), **values})


@pytest.mark.parametrize("machine", [HonestMachine, CopyMachine])
def test_promise_holds(machine: type[Network]) -> None:
    run_state_machine_as_test(weaker(machine, client=register()), settings=WALK)


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(weaker(HonestMachine, strict), id="only the current id"),
        pytest.param(weaker(CopyMachine, previous_again), id="previous id, same answer"),
        pytest.param(weaker(HonestMachine, previous_anew), id="previous id, fresh id"),
        pytest.param(weaker(HonestMachine, forgets_attempts=True), id="attempt only in memory"),
        pytest.param(weaker(HonestMachine, no_old_pairs), id="no list of old pairs"),
        pytest.param(weaker(HonestMachine, no_mac), id="ids without MAC"),
    ],
)
def test_weaker_design_is_refuted(machine: type[Network]) -> None:
    with pytest.raises(AssertionError, match=r"refused an honest|locked out an honest|did not find the copies"):
        run_state_machine_as_test(weaker(machine, machine.decide, client=register()), settings=HUNT)
