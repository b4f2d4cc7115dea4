"""Sending over a real socket to the stand-in, which ignores and misreads rows as the recordings say."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from common.jobs import LEASE, Job, LeaseLost, claim
from generic_interface.absences import Absence
from generic_interface.client import Client
from generic_interface.errors import Unreachable
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator
from outofoffice.models import KnownAbsence, Sending, UploadRow
from outofoffice.sending import PORTION, SendingBusy, next_waiting, portions, run_sending
from outofoffice.sending import _absence as from_row
from outofoffice.tasks import send
from outofoffice.uploads import send_again
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

    def stored_absences(self, logins: Sequence[str]) -> Mapping[str, Absence]:
        if self.stored is None:
            raise Unreachable("No answer.")
        return {login: absence for login, absence in self.stored.items() if login in logins}


def test_read_back_confirms_and_finds_what_differs(system: TicketSystem, now: datetime) -> None:
    data = table(*(f"{login},2026-12-01,2026-12-10,yes" for login in ("c.weber", "b.schmidt", "h_test", "jürgen")))
    good = Absence(user="c.weber", start=date(2026, 12, 1), end=date(2026, 12, 10), enabled=True)
    other = Absence(user="b.schmidt", start=date(2026, 12, 1), end=date(2026, 12, 11), enabled=True)

    upload = sent(system, data, now, read_back=Answers({"c.weber": good, "b.schmidt": other}))

    assert outcomes(upload) == ["confirmed", "differs", "sent", "sent"]
    known = dict(KnownAbsence.objects.values_list("agent__login", "certainty"))
    assert known == {"c.weber": "confirmed", "b.schmidt": "unknown", "h_test": "sent", "jürgen": "sent"}
    assert upload.sendings.get().state == Job.State.PARTLY


def test_read_back_that_fails_leaves_rows_sent(system: TicketSystem, now: datetime) -> None:
    assert outcomes(sent(system, TWO, now, read_back=Answers(None))) == ["sent", "sent"]


def test_row_without_days_is_not_sent_by_mistake() -> None:
    row = UploadRow(user="c.weber", addressed_by="UserLogin", position=1)

    with pytest.raises(ValueError, match="cannot be sent"):
        from_row(row)
