"""Sending over a real socket to the stand-in, which ignores and misreads rows as the recordings say."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Self

import pytest
import time_machine
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from common.jobs import LEASE, Job, LeaseLost, claim
from generic_interface.absences import Absence
from generic_interface.client import Client
from generic_interface.errors import Unreachable, WrongRequest
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER
from generic_interface.simulator.server import RunningSimulator
from outofoffice.models import KnownAbsence, Sending, Upload, UploadRow
from outofoffice.sending import PORTION, SendingBusy, next_waiting, portions, run_sending
from outofoffice.sending import _absence as from_row
from outofoffice.tasks import send
from outofoffice.uploads import NotPossible, send_again, stop_sending
from tests.outofoffice.conftest import NOW
from tests.outofoffice.corpus import BAD_ROWS, GOOD
from tests.outofoffice.support import confirmed, looked_at, outcomes, sent, stored, table
from tickets.connect import connection_of
from tickets.models import Agent, TicketSystem

pytestmark = pytest.mark.django_db
TWO = table("c.weber,01.12.2026,10.12.2026,ja", "b.schmidt,2026-12-24,2026-12-31,on")


def shown(upload_rows: Any) -> dict[str, tuple[str, str, str]]:
    """What the preview says, in the words of ``support.stored``."""
    good = [row for row in upload_rows if row.effect != "error"]
    return {row.agent.login: (str(int(row.enabled)), str(row.start), str(row.end)) for row in good}


def many(system: TicketSystem, upstream: DataSet, count: int) -> bytes:
    Agent.objects.bulk_create(Agent(system=system, login=f"agent.{n}") for n in range(count))
    return table(*(f"agent.{n},2026-12-01,2026-12-10,yes" for n in range(count)))


def test_stored_is_what_the_preview_showed(system: TicketSystem, upstream: DataSet, now: datetime) -> None:
    upload = sent(system, TWO, now)

    assert stored(upstream) == shown(upload.rows.all()) == {
        "c.weber": ("1", "2026-12-01", "2026-12-10"),
        "b.schmidt": ("1", "2026-12-24", "2026-12-31"),
    }  # fmt: skip
    assert outcomes(upload) == ["sent", "sent"]
    sending = upload.sendings.get()
    assert (sending.state, sending.complete, sending.error) == (Job.State.DONE, True, "")


def test_clear_without_dates_revives_no_old_period(system: TicketSystem, upstream: DataSet, now: datetime) -> None:
    upstream.preferences[11] = {"OutOfOffice": "1", "OutOfOfficeStartYear": "2020", "OutOfOfficeEndYear": "2030"}

    upload = sent(system, table("c.weber,,,0"), now)

    assert stored(upstream) == shown(upload.rows.all()) == {"c.weber": ("0", "2026-11-26", "2026-11-26")}


@pytest.mark.parametrize("name", GOOD)
def test_odd_file_leads_to_the_state_that_it_means(
    system: TicketSystem, upstream: DataSet, now: datetime, name: str
) -> None:
    upload = sent(system, GOOD[name], now)

    assert outcomes(upload) == ["sent"]
    assert stored(upstream) == {"c.weber": ("1", "2026-12-01", "2026-12-10")}


def test_bad_rows_are_never_sent_beside_good_ones(system: TicketSystem, upstream: DataSet, now: datetime) -> None:
    bad = [row for name, (row, _column) in BAD_ROWS.items() if "half a million" not in name]
    upload = sent(system, table("b.schmidt,2026-12-01,2026-12-10,yes", *bad), now)

    assert stored(upstream) == {"b.schmidt": ("1", "2026-12-01", "2026-12-10")}
    assert set(outcomes(upload)) == {"sent", "not_sent"}
    assert upload.rows.filter(effect="error").count() == len(bad)


LOGINS = ["b.schmidt", "c.weber", "h_test", "hxtest", "hotline", "jürgen", "öztürk", "f.alt", "c.web*", "nobody"]
ADDRESSES = ["", "c.weber@beispiel.test", "h_test@beispiel.test", "hotline@beispiel.test", "juergen@beispiel.test"]
DATES = ["", "2026-12-01", "31.12.2026", "01.01.2027 12:00:00", "2026-02-31", "12/01/2026 00:00:00", "bald"]
SWITCHES = ["yes", "NO", "nein", "Ja", "0", "1", "", "x"]
ROWS = st.tuples(*map(st.sampled_from, (LOGINS, ADDRESSES, DATES, DATES, SWITCHES)))


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(ROWS, min_size=1, max_size=6), second=st.lists(ROWS, min_size=1, max_size=6))
def test_no_accepted_file_leads_to_another_state_than_the_one_shown(
    system: TicketSystem, upstream: DataSet, now: datetime, first: list[Sequence[str]], second: list[Sequence[str]]
) -> None:
    upstream.preferences.clear()
    expected: dict[str, tuple[str, str, str]] = {}
    with transaction.atomic():
        for rows in (first, second):
            data = "\n".join(["UserLogin,EMail,StartDate,EndDate,Enabled", *map(",".join, rows)]).encode()
            upload = looked_at(system, data, now)
            if upload.rows.exclude(effect="error").exists():
                upload = sent(system, data, now)
                expected |= shown(upload.rows.all())

            assert stored(upstream) == expected
        transaction.set_rollback(True)


def test_requests_hold_portions_named_one_way(
    system: TicketSystem, upstream: DataSet, simulator: RunningSimulator, now: datetime
) -> None:
    data = many(system, upstream, PORTION + 10) + "jürgen,2026-12-01,2026-12-10,yes\n".encode()

    upload = sent(system, data, now)

    texts = [text["OutOfOfficeEntriesCSVString"] for name, text in simulator.requests if name == "OutOfOffice"]
    assert [(text.partition(",")[0], text.count("\n") - 1) for text in texts] == [
        ("UserEmail", 1),
        ("UserLogin", PORTION),
        ("UserLogin", 10),
    ]
    assert all(text.isascii() for text in texts)
    assert set(outcomes(upload)) == {"sent"}


def test_largest_portion_fits_the_smallest_service() -> None:
    rows = [
        UploadRow(user=f"{n:0>200}", addressed_by="UserLogin", position=n, start=date.today(), end=date.today())
        for n in range(1000)
    ]

    assert [len(portion) for portion in portions(rows)] == [PORTION] * 4
    assert PORTION * (254 + 30) < 100_000


def test_refused_login_refuses_the_rows_and_says_why(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, now: datetime
) -> None:
    TicketSystem.objects.filter(pk=system.pk).update(password="wrong", authentication="body")

    upload = sent(system, TWO, now)

    assert outcomes(upload) == ["refused", "refused"]
    assert "refuses the login" in upload.rows.all()[0].outcome_text
    assert upload.sendings.get().state == Job.State.FAILED
    assert stored(upstream) == {}
    assert not KnownAbsence.objects.exists()


def test_agent_without_the_group_is_told(system: TicketSystem, upstream: DataSet, now: datetime) -> None:
    TicketSystem.objects.filter(pk=system.pk).update(login="b.schmidt", password="stand-in-agent")

    upload = sent(system, TWO, now)

    assert "rw on the group admin" in upload.sendings.get().error
    assert outcomes(upload) == ["refused", "refused"]


def test_lost_answer_is_unknown_and_repeated_on_purpose_alone(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, now: datetime
) -> None:
    simulator.faults.add("OutOfOffice:drop:1")

    upload = sent(system, TWO, now)

    assert outcomes(upload) == ["unknown", "unknown"]
    assert simulator.operations().count("OutOfOffice") == 1
    assert set(KnownAbsence.objects.values_list("certainty", flat=True)) == {"unknown"}

    run_sending(send_again(upload=upload, now=now))

    assert outcomes(upload) == ["sent", "sent"]
    assert stored(upstream) == shown(upload.rows.all())
    assert set(KnownAbsence.objects.values_list("certainty", flat=True)) == {"sent"}


def test_timeout_stops_the_portions_that_are_left(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, now: datetime
) -> None:
    simulator.faults.add("OutOfOffice:http_500:2")
    data = many(system, upstream, 2 * PORTION + 1)

    upload = sent(system, data, now)

    assert outcomes(upload) == ["sent"] * PORTION + ["unknown"] * PORTION + ["not_sent"]
    assert "Database is not reachable" in upload.rows.get(outcome="not_sent").outcome_text
    sending = upload.sendings.get()
    assert (sending.state, sending.complete) == (Job.State.PARTLY, False)


def test_slow_answer_is_given_up_in_time(system: TicketSystem, simulator: RunningSimulator, now: datetime) -> None:
    simulator.faults.add("OutOfOffice:slow")

    def impatient(system: TicketSystem) -> Client:
        from_settings = connection_of(system)
        values = {name: getattr(from_settings, name) for name in from_settings.__slots__}
        return Client(type(from_settings)(**values | {"total_deadline": 0.5}))

    upload = sent(system, TWO, now, make_client=impatient)

    assert outcomes(upload) == ["unknown", "unknown"]


@pytest.mark.parametrize("values", [{"routes": {"OutOfOffice": "nonsense"}}, {"base_url": "http://127.0.0.1:9/otrs"}])
def test_system_that_cannot_be_reached_gets_nothing(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, values: dict[str, Any]
) -> None:
    sending = confirmed(system, TWO, now)
    TicketSystem.objects.filter(pk=system.pk).update(**values)

    run_sending(sending)

    assert set(outcomes(sending.upload)) <= {"not_sent", "refused"}
    assert all(sending.upload.rows.values_list("outcome_text", flat=True))
    assert sending.state == Job.State.FAILED
    assert simulator.operations().count("OutOfOffice") == 0


def test_password_that_cannot_be_decrypted_sends_nothing(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, settings: Settings
) -> None:
    sending = confirmed(system, TWO, now)
    settings.FIELD_ENCRYPTION_KEYS = ["MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]

    run_sending(sending)

    assert outcomes(sending.upload) == ["not_sent", "not_sent"]
    assert "cannot be decrypted" in sending.error
    assert simulator.requests == []


def test_lease_is_renewed_before_each_request(system: TicketSystem, now: datetime) -> None:
    sending = confirmed(system, TWO, now)
    moments = iter(NOW + timedelta(seconds=90 * step) for step in range(100))
    leases: list[datetime] = []

    def note(step: str, done: int, total: int) -> None:
        leases.append(Sending.objects.values_list("lease_until", flat=True).get() or NOW)

    run_sending(sending, clock=lambda: next(moments), on_progress=note)

    first, last = leases
    assert last - first > LEASE
    assert outcomes(sending.upload) == ["sent", "sent"]


def test_worker_that_died_leaves_its_portion_unknown_and_the_rest_is_sent(
    system: TicketSystem, upstream: DataSet, now: datetime
) -> None:
    sending = confirmed(system, TWO, now)
    assert claim(sending, now=now)
    first = sending.upload.rows.first()
    assert first is not None
    UploadRow.objects.filter(pk=first.pk).update(outcome="sending")

    run_sending(Sending.objects.get(), clock=lambda: NOW + LEASE + timedelta(seconds=1))

    assert outcomes(sending.upload) == ["unknown", "sent"]
    assert "interrupted" in sending.upload.rows.get(position=1).outcome_text
    assert stored(upstream) == {"b.schmidt": ("1", "2026-12-24", "2026-12-31")}


def test_interruption_by_hand_sends_nothing_more(system: TicketSystem, upstream: DataSet, now: datetime) -> None:
    sending = confirmed(system, TWO, now)

    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sending(sending, on_progress=interrupt)

    assert outcomes(sending.upload) == ["not_sent", "not_sent"]
    assert sending.error == "Interrupted."
    assert stored(upstream) == {}


def test_sending_twice_sends_once(system: TicketSystem, simulator: RunningSimulator, now: datetime) -> None:
    sending = confirmed(system, TWO, now)
    run_sending(sending)

    with pytest.raises(SendingBusy, match="or its sending is over"):
        run_sending(sending)
    send(sending.pk)
    send(987_654)

    assert simulator.operations().count("OutOfOffice") == 1


def test_one_upload_at_a_time_is_sent_to_a_system(
    system: TicketSystem, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = confirmed(system, TWO, now), confirmed(system, table("h_test,,,no"), now)
    delayed: list[int] = []
    monkeypatch.setattr(send, "delay", delayed.append)
    assert claim(first, now=now)

    with pytest.raises(SendingBusy, match="Another upload is being sent"):
        run_sending(second)
    Sending.objects.filter(pk=first.pk).update(state=Job.State.QUEUED)
    send(first.pk)

    assert delayed == [second.pk]
    send(second.pk)
    assert next_waiting(system.pk) is None


def test_database_allows_one_active_sending_of_an_upload(system: TicketSystem, now: datetime) -> None:
    sending = confirmed(system, TWO, now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Sending.objects.create(upload=sending.upload, system=system)


def test_worker_that_lost_its_lease_stops(system: TicketSystem, now: datetime) -> None:
    sending = confirmed(system, TWO, now)

    def take_over(step: str, done: int, total: int) -> None:
        Sending.objects.update(attempts=7)

    with pytest.raises(LeaseLost):
        run_sending(sending, on_progress=take_over)


def test_older_upload_that_is_sent_again_leaves_newer_absences_alone(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, now: datetime
) -> None:
    simulator.faults.add("OutOfOffice:http_500:1")
    older = sent(system, TWO, now)
    later = NOW + timedelta(minutes=5)
    sent(system, table("c.weber,2027-01-01,2027-01-10,yes"), later)

    run_sending(send_again(upload=older, now=later))

    assert outcomes(older) == ["not_sent", "sent"]
    assert older.rows.get(position=1).outcome_text == "A later upload was sent for this agent."
    assert stored(upstream)["c.weber"] == ("1", "2027-01-01", "2027-01-10")


def test_agent_that_left_the_list_meanwhile_is_sent_but_not_remembered(
    system: TicketSystem, upstream: DataSet, now: datetime
) -> None:
    sending = confirmed(system, TWO, now)
    Agent.objects.get(login="c.weber").delete()

    run_sending(sending)

    assert outcomes(sending.upload) == ["sent", "sent"]
    assert KnownAbsence.objects.count() == 1


class Answers:
    """Reads back what a test says."""

    def __init__(self, stored: Mapping[str, Absence] | None) -> None:
        self.stored = stored
        self.asked: list[str] = []
        self.closed = 0
        self.on_request: Callable[[], object] | None = None

    def __call__(self, system: TicketSystem) -> Self:
        return self

    def stored_absences(self, logins: Sequence[str]) -> Mapping[str, Absence | None]:
        self.asked += logins
        if self.on_request is not None:
            self.on_request()
        if self.stored is None:
            raise Unreachable("No answer.")
        return {login: self.stored.get(login) for login in logins}

    def close(self) -> None:
        self.closed += 1


FOUR = table(*(f"{login},2026-12-01,2026-12-10,yes" for login in ("c.weber", "b.schmidt", "h_test", "jürgen")))
DIFFERENT = "The ticket system stores something else than was sent."


def said_at_the_end(upload: Upload) -> str:
    return upload.events.order_by("-pk")[0].text


def absence(user: str, end: int = 10, *, enabled: bool = True) -> Absence:
    return Absence(user=user, start=date(2026, 12, 1), end=date(2026, 12, end), enabled=enabled)


def test_read_back_confirms_and_finds_what_differs(system: TicketSystem, now: datetime) -> None:
    answers = Answers(
        {
            "c.weber": absence("c.weber"),
            "b.schmidt": absence("b.schmidt", 11),
            "h_test": absence("h_test", enabled=False),
        }
    )

    upload = sent(system, FOUR, now, make_read_back=answers)

    assert outcomes(upload) == ["confirmed", "differs", "differs", "differs"]
    known = dict(KnownAbsence.objects.values_list("agent__login", "certainty"))
    assert known == {"c.weber": "confirmed", "b.schmidt": "unknown", "h_test": "unknown", "jürgen": "unknown"}
    assert list(upload.rows.order_by("position").values_list("outcome_text", flat=True)) == [
        "",
        f"{DIFFERENT} It has 2026-12-01 to 2026-12-11, switched on.",
        f"{DIFFERENT} It has 2026-12-01 to 2026-12-10, switched off.",
        f"{DIFFERENT} It knows no such agent, or stores no whole period.",
    ]
    assert upload.sendings.get().state == Job.State.PARTLY
    assert answers.closed == 1


def test_agents_addressed_by_another_name_are_read_back_by_login(system: TicketSystem, now: datetime) -> None:
    answers = Answers({})

    sent(system, FOUR, now, make_read_back=answers)

    assert sorted(answers.asked) == ["b.schmidt", "c.weber", "h_test", "jürgen"]


def test_agent_that_left_the_list_meanwhile_is_not_read_back(system: TicketSystem, now: datetime) -> None:
    sending = confirmed(system, TWO, now)
    Agent.objects.get(login="c.weber").delete()
    answers = Answers({"b.schmidt": absence("b.schmidt")})

    run_sending(sending, make_read_back=answers)

    assert answers.asked == ["b.schmidt"]
    assert outcomes(sending.upload)[0] == "sent"


def test_read_back_that_fails_leaves_rows_sent_and_is_not_asked_again(
    system: TicketSystem, upstream: DataSet, now: datetime
) -> None:
    answers = Answers(None)

    upload = sent(system, many(system, upstream, PORTION + 1), now, make_read_back=answers)

    assert set(outcomes(upload)) == {"sent"}
    assert len(answers.asked) == PORTION
    assert answers.closed == 1
    assert said_at_the_end(upload).endswith("What is stored could not be read back: No answer.")


def test_read_back_that_cannot_be_opened_keeps_nothing_from_being_sent(
    system: TicketSystem, upstream: DataSet, now: datetime
) -> None:
    def refuse(system: TicketSystem) -> None:
        raise WrongRequest("No address.")

    upload = sent(system, TWO, now, make_read_back=refuse)

    assert outcomes(upload) == ["sent", "sent"]
    assert "could not be read back: No address." in said_at_the_end(upload)


def test_lease_is_kept_while_reading_back(system: TicketSystem, now: datetime) -> None:
    leases: list[object] = []

    class Watching(Answers):
        def stored_absences(self, logins: Sequence[str]) -> Mapping[str, Absence | None]:
            time_machine_now.shift(LEASE / 2)
            found = super().stored_absences(logins)
            leases.append(Sending.objects.get().lease_until)
            return found

    with time_machine.travel(NOW, tick=False) as time_machine_now:
        sent(system, TWO, NOW, make_read_back=Watching({}))

    assert leases == [NOW + LEASE / 2 + LEASE]


# Over rpc.pl, against the stand-in.


@pytest.fixture
def over_rpc(system: TicketSystem, simulator: RunningSimulator) -> TicketSystem:
    system.rpc_url, system.rpc_user, system.rpc_password = simulator.rpc_url, RPC_USER, RPC_PASSWORD
    system.save()
    return system


def test_stored_preferences_are_read_back_over_rpc(
    over_rpc: TicketSystem, simulator: RunningSimulator, now: datetime
) -> None:
    upload = sent(over_rpc, FOUR, now)

    assert outcomes(upload) == ["confirmed"] * 4
    assert [method for method, _ in simulator.rpc.requests] == ["UserObject.GetUserData"] * 4
    assert set(KnownAbsence.objects.values_list("certainty", flat=True)) == {"confirmed"}
    assert upload.sendings.get().complete


def test_row_that_the_ticket_system_ignored_is_found_over_rpc(
    over_rpc: TicketSystem, upstream: DataSet, now: datetime
) -> None:
    """Deactivated there, still on the portal's list: the answer is Success all the same."""
    upstream.agents["c.weber"] = replace(upstream.agents["c.weber"], valid=False)
    upstream.preferences[11] = dict(
        zip(("OutOfOffice", *STORED), ("1", "2025", "01", "02", "2025", "01", "03"), strict=True)
    )

    upload = sent(over_rpc, TWO, now)

    assert outcomes(upload) == ["differs", "confirmed"]
    assert upload.rows.get(position=1).outcome_text.endswith("It has 2025-01-02 to 2025-01-03, switched on.")


STORED = [f"OutOfOffice{edge}{part}" for edge in ("Start", "End") for part in ("Year", "Month", "Day")]


def test_wrong_password_of_rpc_confirms_nothing_and_is_in_no_sentence(over_rpc: TicketSystem, now: datetime) -> None:
    over_rpc.rpc_password = "falsch-geheim"
    over_rpc.save()

    upload = sent(over_rpc, TWO, now)

    assert outcomes(upload) == ["sent", "sent"]
    said = said_at_the_end(upload)
    assert "SOAP::Password" in said
    assert "falsch-geheim" not in said


def test_hash_of_the_password_is_stored_nowhere(
    over_rpc: TicketSystem, upstream: DataSet, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    secret = hashlib.sha256(upstream.agents["c.weber"].password.encode()).hexdigest()
    with caplog.at_level("DEBUG"):
        upload = sent(over_rpc, TWO, now)

    told = [*upload.rows.values(), *upload.events.values(), *KnownAbsence.objects.values(), *Sending.objects.values()]
    assert secret not in repr(told)
    assert secret not in caplog.text


def test_row_without_days_is_not_sent_by_mistake() -> None:
    row = UploadRow(user="c.weber", addressed_by="UserLogin", position=1)

    with pytest.raises(ValueError, match="cannot be sent"):
        from_row(row)


def test_sending_that_is_stopped_sends_no_further_portion(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, now: datetime
) -> None:
    sending = confirmed(system, many(system, upstream, PORTION + 2), now)

    def stop(step: str, done: int, total: int) -> None:
        stop_sending(upload=sending.upload, now=now)

    run_sending(sending, on_progress=stop)

    assert outcomes(sending.upload) == ["sent"] * PORTION + ["not_sent"] * 2
    assert simulator.operations().count("OutOfOffice") == 1
    assert (sending.state, sending.complete, sending.error) == (Job.State.PARTLY, False, "Stopped by a command.")
    assert {row.outcome_text for row in sending.upload.rows.filter(outcome="not_sent")} == {"Stopped by a command."}

    run_sending(send_again(upload=sending.upload, now=now))

    assert set(outcomes(sending.upload)) == {"sent"}


def test_sending_that_waits_is_stopped_at_once(
    system: TicketSystem, simulator: RunningSimulator, now: datetime
) -> None:
    sending = confirmed(system, TWO, now)

    stopped = stop_sending(upload=sending.upload, now=now)

    assert (stopped.state, outcomes(sending.upload)) == (Job.State.FAILED, ["not_sent", "not_sent"])
    assert [event.kind for event in sending.upload.events.all()] == ["uploaded", "confirmed", "stopped"]
    with pytest.raises(SendingBusy):
        run_sending(sending)
    assert simulator.operations().count("OutOfOffice") == 0


def test_sending_that_is_over_or_never_began_is_not_stopped(system: TicketSystem, now: datetime) -> None:
    upload = sent(system, TWO, now)

    for each in (upload, looked_at(system, TWO, now)):
        with pytest.raises(NotPossible, match="Nothing of this upload is being sent any more"):
            stop_sending(upload=each, now=now)

    assert outcomes(upload) == ["sent", "sent"]
