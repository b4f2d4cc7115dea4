"""Every row of the table of states and events, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.identifiers import UpdateId
from registration.rotation import (
    APART,
    JITTER,
    REMEMBERED,
    REPLAY_WINDOW,
    UPDATE_EVERY,
    Kind,
    Rotation,
    decide_update,
    next_update,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
A, B, C, D = (UpdateId(counter, f"salt{counter}") for counter in range(1, 5))
FRESH = Rotation(active=True, uses_attempts=False, current=A)


def after(*steps: tuple[UpdateId, str, int], start: Rotation = FRESH) -> Rotation:
    """The state after these updates: id shown, attempt, minutes before ``NOW``. New ids have the salts of A to D."""
    for shown, attempt, minutes in steps:
        salt = f"salt{max(start.current.counter, shown.counter) + 1}"
        start = decide_update(start, shown, attempt, now=NOW - timedelta(minutes=minutes), salt=salt).after
    return start


COMPAT = after((A, "", 5))
ATTEMPT = after((A, "one", 5))
LATER = after((A, "one", 50), (B, "two", 40))


@pytest.mark.parametrize(
    ("before", "shown", "attempt", "kind", "current"),
    [
        pytest.param(FRESH, A, "", Kind.ROTATED, 2, id="first update of OTRS"),
        pytest.param(FRESH, A, "one", Kind.ROTATED, 2, id="first update with an attempt"),
        pytest.param(FRESH, None, "one", Kind.CONFLICT, 1, id="id that was never given out"),
        pytest.param(ATTEMPT, B, "two", Kind.ROTATED, 3, id="next update with an attempt"),
        pytest.param(ATTEMPT, A, "one", Kind.REPEATED, 2, id="same id and attempt"),
        pytest.param(ATTEMPT, A, "two", Kind.CONFLICT, 2, id="same id with another attempt"),
        pytest.param(ATTEMPT, A, "", Kind.CONFLICT, 2, id="same id without attempt where attempts are used"),
        pytest.param(ATTEMPT, B, "", Kind.ROTATED, 3, id="current id without attempt where attempts are used"),
        pytest.param(ATTEMPT, UpdateId(2, "other"), "two", Kind.RESTORED, 3, id="other id of the same age"),
        pytest.param(ATTEMPT, UpdateId(9, "other"), "two", Kind.RESTORED, 10, id="later id than known"),
        pytest.param(ATTEMPT, UpdateId(1, "other"), "two", Kind.CONFLICT, 2, id="older id that is not known"),
        pytest.param(LATER, A, "one", Kind.STALE, 3, id="pair seen earlier"),
        pytest.param(LATER, A, "two", Kind.CONFLICT, 3, id="older id with another attempt"),
        pytest.param(COMPAT, A, "", Kind.REPEATED, 2, id="id of before, within the window"),
        pytest.param(after((A, "", 16)), A, "", Kind.FORKED, 3, id="id of before, after the window"),
        pytest.param(COMPAT, A, "one", Kind.FORKED, 3, id="id of before, now with an attempt"),
        pytest.param(COMPAT, B, "", Kind.ROTATED, 3, id="next update of OTRS"),
        pytest.param(after((A, "", 9), (B, "", 8)), A, "", Kind.STALE, 3, id="older id, but it may be a late packet"),
        pytest.param(after((A, "", 90), (B, "", 80)), A, "", Kind.CONFLICT, 3, id="older id"),
        pytest.param(after((A, "", 90), (A, "", 40)), B, "", Kind.CONFLICT, 3, id="void id of the overtaken copy"),
        pytest.param(after((A, "", 90), (A, "", 40)), A, "", Kind.FORKED, 4, id="answer lost twice"),
    ],
)
def test_update(before: Rotation, shown: UpdateId | None, attempt: str, kind: Kind, current: int) -> None:
    decision = decide_update(before, shown, attempt, now=NOW, salt="new")

    assert (decision.kind, decision.after.current.counter) == (kind, current)
    assert decision.after.active == (kind != Kind.CONFLICT)
    if kind in (Kind.REPEATED, Kind.STALE):
        assert decision.after == before
    if kind in (Kind.ROTATED, Kind.RESTORED, Kind.FORKED):
        assert (decision.after.current.salt, decision.after.last) == ("new", shown)


@pytest.mark.parametrize("shown", [A, B, C, None])
def test_update_of_a_registration_that_is_over_changes_nothing(shown: UpdateId | None) -> None:
    before = replace(ATTEMPT, active=False)

    decision = decide_update(before, shown, "one", now=NOW, salt="new")

    assert (decision.kind, decision.after, decision.is_accepted) == (Kind.REFUSED, before, False)


@pytest.mark.parametrize(("late", "kind"), [(0, Kind.REPEATED), (1, Kind.FORKED)])
def test_replay_window_ends_after_fifteen_minutes_to_the_second(late: int, kind: Kind) -> None:
    rotated = after((A, "", 0))

    decision = decide_update(rotated, A, "", now=NOW + REPLAY_WINDOW + timedelta(seconds=late), salt="new")

    assert decision.kind == kind


def test_repetition_does_not_prolong_the_window() -> None:
    repeated = after((A, "", 14), (A, "", 1))

    assert decide_update(repeated, A, "", now=NOW + timedelta(minutes=2), salt="new").kind == Kind.FORKED


def test_first_attempt_id_switches_the_way_of_updating_for_good() -> None:
    assert not COMPAT.uses_attempts
    assert after((B, "two", 1), start=COMPAT).uses_attempts
    assert after((B, "two", 1), (C, "", 0), start=COMPAT).uses_attempts


def test_what_a_restored_database_forgot_is_late_and_no_conflict() -> None:
    """The system had exchanged 2 and 3 when the portal went back to 1; packets of then may be on their way."""
    restored = after((D, "four", 1), start=FRESH)

    for shown in (UpdateId(2, "lost"), UpdateId(3, "lost")):
        assert decide_update(restored, shown, "any", now=NOW, salt="new").kind == Kind.STALE
        late = decide_update(restored, shown, "any", now=NOW + timedelta(days=2), salt="new")
        assert late.kind == Kind.CONFLICT
    assert decide_update(restored, UpdateId(5, "salt5"), "five", now=NOW, salt="new").kind == Kind.ROTATED


def test_marks_are_bounded() -> None:
    row = FRESH
    for number in range(3 * REMEMBERED):
        row = decide_update(row, row.current, f"attempt {number}", now=NOW, salt=f"s{number}").after

    assert len(row.accepted) == REMEMBERED


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["", "x", "y"]), st.integers(0, 40)), max_size=30))
def test_counter_only_grows_and_a_conflict_is_final(steps: list[tuple[int, str, int]]) -> None:
    """Whatever ids come: every id ever given out is known by its salt here."""
    row, given_out, now = FRESH, [A], NOW
    for number, attempt, minutes in steps:
        now += timedelta(minutes=minutes)
        before = row
        decision = decide_update(
            row, given_out[-1 - number % len(given_out)], attempt, now=now, salt=f"s{len(given_out)}"
        )
        row = decision.after
        assert row.current.counter >= before.current.counter
        assert before.active or decision.kind == Kind.REFUSED
        assert row.last is None or row.last.counter < row.current.counter
        if row.current != before.current:
            given_out.append(row.current)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_next_updates_of_two_copies_are_apart(first: float, second: float) -> None:
    due = next_update(NOW, first)
    other = next_update(NOW + timedelta(minutes=5), second, due)

    assert abs(due - NOW - UPDATE_EVERY) <= JITTER
    assert abs(other - due) >= APART > REPLAY_WINDOW
    assert abs(other - NOW - UPDATE_EVERY) <= JITTER + APART + timedelta(minutes=5)
