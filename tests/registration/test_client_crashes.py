"""The process dies at each step, and the network does what it likes: an honest client is never refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registration import client_calls, client_updates, own_steps
from registration.client import register, registration_update_send, send_due_update, token_get
from registration.client_answers import Answer, NoAnswer
from registration.own_models import OwnRegistration, OwnRegistrationEvent
from registration.own_steps import AGAIN, the_own
from tests.at_once import at_once
from tests.registration.conftest import NOW, register_now
from tests.registration.server import OTRS_ID, PASSWORD, WEEK, RegistrationServer
from tests.registration.wire import form_of

LATER = NOW + timedelta(seconds=WEEK)


class Killed(Exception):
    """The process is gone; what was not committed with it."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, after: bool = False) -> Iterator[None]:
    """Whoever calls this function dies: before it, or when it has done its work."""
    real = getattr(module, name)

    def last_call(*args: Any, **kwargs: Any) -> Any:
        if after:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, last_call)
        with pytest.raises(Killed):
            yield


def test_death_before_the_attempt_is_kept_sends_nothing(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, own_steps, "_refuse_unknown"):
        registration_update_send(now=LATER)

    assert (registered.bodies, the_own().pending_attempt) == ([], "")
    assert registration_update_send(now=LATER).success


def test_death_between_keeping_and_sending_leaves_the_attempt(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, client_updates, "ask"):
        registration_update_send(system_type="test", now=LATER)
    kept = the_own().pending_attempt

    assert registration_update_send(now=LATER).success
    assert (registered.bodies != [], registered.data()["AttemptID"], registered.data()["Type"]) == (True, kept, "test")


def test_death_after_the_answer_and_before_its_commit_sends_the_same_again(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, own_steps, "_note"):
        registration_update_send(now=LATER)
    assert (the_own().update_id, bool(the_own().pending_attempt)) == ("id-2", True)

    assert registration_update_send(now=LATER).success
    assert (len(registered.bodies), len(set(registered.bodies))) == (2, 1)
    assert (the_own().update_id, len(registered.only().updates)) == ("id-3", 1)


def test_death_after_the_commit_is_none(registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with dying(monkeypatch, own_steps, "keep_update", after=True):
        registration_update_send(now=LATER)

    assert (the_own().update_id, the_own().pending_attempt) == ("id-3", "")
    assert registration_update_send(now=LATER).success
    assert registered.data()["LastUpdateID"] == "id-3"


def test_death_before_a_registration_is_kept_asks_for_a_new_one(
    db: None, registry: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_get(otrs_id=OTRS_ID, password=PASSWORD).token
    with dying(monkeypatch, own_steps, "_note"):
        register(token=token, otrs_id=OTRS_ID, system_type="test", now=NOW)
    assert the_own().state == "never"

    second = register(token=token, otrs_id=OTRS_ID, system_type="test", now=NOW)
    own = register_now()

    assert second.reason == "Token unknown or used."
    assert (own.state, len(registry.systems)) == ("registered", 2)  # the first one expires there
    assert registration_update_send(now=LATER).success


def test_death_before_a_refusal_is_kept_asks_again(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.only().state = "conflict"
    with dying(monkeypatch, own_steps, "_note"):
        registration_update_send(now=NOW)
    assert (the_own().state, the_own().refused_at) == ("registered", None)

    registration_update_send(now=NOW)

    assert the_own().state == "refused"


def test_death_of_the_scheduled_update_is_made_up_for_after_two_hours(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, client_updates, "ask"):
        send_due_update(now=LATER)

    assert send_due_update(now=LATER + AGAIN - timedelta(seconds=1)) is None
    outcome = send_due_update(now=LATER + AGAIN)
    assert outcome is not None
    assert outcome.success


def test_answer_that_another_worker_has_kept_changes_nothing(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client_calls.ask

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        with monkeypatch.context() as patch:
            patch.setattr(client_updates, "ask", real)
            assert registration_update_send(now=NOW).success  # the same attempt
            assert registration_update_send(now=NOW).success  # and a later one
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(client_updates, "ask", overtaken)
        outcome = registration_update_send(now=NOW)

    assert outcome.success
    assert (the_own().update_id, the_own().state) == (registered.only().current, "registered")
    assert registration_update_send(now=NOW).success


@pytest.mark.parametrize("answer", ["refused", "stale", "lost"])
def test_bad_answer_for_what_another_worker_has_done_is_not_believed(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """As when this worker's packet was on its way for hours."""
    real = client_calls.ask

    def late(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(client_updates, "ask", real)
        assert registration_update_send(now=NOW).success
        if answer == "lost":
            raise NoAnswer("Nobody there.")
        data = {"Code": "stale"} if answer == "stale" else {}
        return Answer(False, data, "Refused.")

    monkeypatch.setattr(client_updates, "ask", late)
    outcome = registration_update_send(now=NOW)

    assert (outcome.success, the_own().state, the_own().error) == (answer != "lost", "registered", "")
    assert not OwnRegistrationEvent.objects.filter(kind__in=("refused", "failed")).exists()


def test_update_that_is_overtaken_again_and_again_gives_up_with_a_sentence(
    registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_updates, "ask", lambda *args, **kwargs: Answer(False, {"Code": "stale"}))

    outcome = registration_update_send(now=NOW)

    assert outcome.reason == "Another update was on its way at the same time. Look at the state and try again."


EVENTS = ("good", "lost request", "lost answer", "trouble", "dies before", "dies after")


class Wire:
    """Stands for the network between the client and the server's rules, without sockets."""

    def __init__(self, server: RegistrationServer) -> None:
        self.server = server
        self.event = "good"

    def post(self, url: str, fields: dict[str, str]) -> bytes:
        event, self.event = self.event, "good"
        if event in ("lost request", "dies before"):
            raise Killed if event == "dies before" else NoAnswer("lost")
        answer = form_of(self.server, fields)
        if event == "dies after":
            raise Killed
        if event == "lost answer":
            raise NoAnswer("lost")
        return b"{}" if event == "trouble" else answer


def updates(wire: Wire, event: str) -> bool:
    """Whether an update under this event succeeded."""
    wire.event = event
    try:
        return registration_update_send(now=NOW).success
    except Killed:
        return False


@pytest.fixture
def wire(registered: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> Wire:
    found = Wire(registered)
    monkeypatch.setattr(client_calls, "post", found.post)
    return found


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.sampled_from(EVENTS), max_size=8))
def test_honest_client_is_never_refused(wire: Wire, events: list[str]) -> None:
    for event in events:
        updates(wire, event)

    assert updates(wire, "good")
    assert the_own().state == "registered"
    (system,) = wire.server.systems.values()
    assert (system.state, system.current) == ("active", the_own().update_id)


def stored() -> dict[str, Any]:
    values = {name: getattr(the_own(), name) for name in ("update_id", "pending_attempt", "pending_given", "state")}
    return values | {name: getattr(the_own(), name) for name in ("next_due", "refused_at", "error")}


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.sampled_from(EVENTS), max_size=4),
    after=st.lists(st.tuples(st.booleans(), st.sampled_from(EVENTS)), max_size=8),
)
def test_copied_database_is_found_as_soon_as_both_have_reported(
    wire: Wire, before: list[str], after: list[tuple[bool, str]]
) -> None:
    for event in before:
        updates(wire, event)
    copies = {False: stored(), True: stored()}
    ends = [(which, "good") for which in (False, True) for _ in range(2)]
    for which, event in [*after, *ends]:
        OwnRegistration.objects.update(**copies[which])
        updates(wire, event)
        copies[which] = stored()

    assert wire.server.systems[the_own().unique_id].state == "conflict"
    assert "refused" in {copy["state"] for copy in copies.values()}
    register_now()  # for the next example


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_two_schedulers_at_once_send_one_update(registry: RegistrationServer, _round: int) -> None:
    register_now()

    outcomes = at_once(lambda number: send_due_update(now=LATER), workers=6)

    assert [outcome.success for outcome in outcomes if outcome is not None] == [True]
    assert len(registry.only().updates) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_updates_at_once_get_no_portal_refused(registry: RegistrationServer, _round: int) -> None:
    register_now()

    at_once(lambda number: registration_update_send(now=LATER), workers=6)

    assert (the_own().state, registry.only().state) == ("registered", "active")
    assert the_own().update_id == registry.only().current
