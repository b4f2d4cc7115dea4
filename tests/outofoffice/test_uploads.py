"""Looked at, confirmed once, repeated on purpose, cleared; and an audit log of all of it."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from common.csvfiles import GERMAN, PLAIN
from common.jobs import Job
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator
from outofoffice.calendars import month_calendar
from outofoffice.files import refused_rows, template
from outofoffice.models import Sending, Upload, UploadEvent, UploadRow
from outofoffice.parsing import parse_absences
from outofoffice.sending import run_sending
from outofoffice.tasks import send
from outofoffice.uploads import (
    ACTIONS,
    FileRefused,
    LookAgain,
    NotPossible,
    confirm,
    plan_clearing,
    same_content,
    send_again,
    upload_file,
)
from portal.tasks import resume_jobs
from tests.at_once import at_once
from tests.outofoffice.conftest import NOW
from tests.outofoffice.corpus import REFUSED
from tests.outofoffice.support import confirmed, looked_at, outcomes, sent, stored, table
from tickets.models import Agent, TicketSystem

pytestmark = pytest.mark.django_db
MIXED = table("c.weber,2026-12-01,2026-12-10,yes", "nobody,2026-12-01,2026-12-10,yes", "b.schmidt,,,no")


def events(upload: Upload) -> list[tuple[str, str]]:
    return [(event.kind, event.user.username if event.user else "") for event in upload.events.all()]


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_of_a_refused_file_is_kept(system: TicketSystem, now: datetime, name: str) -> None:
    with pytest.raises(FileRefused) as caught:
        looked_at(system, REFUSED[name], now)

    assert str(caught.value)
    assert not Upload.objects.exists()


def test_looking_keeps_the_file_and_sends_nothing(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, django_user_model: type[User]
) -> None:
    user = django_user_model.objects.create_user("dora")

    upload = upload_file(system=system, data=MIXED, file_name="../Büro\0 Abwesend.csv", user=user, now=now)

    assert (bytes(upload.content), len(upload.sha256), upload.file_name) == (MIXED, 64, "..Büro_Abwesend.csv")
    assert [(row.line, row.effect, row.outcome) for row in upload.rows.all()] == [
        (2, "set", "not_sent"),
        (3, "error", "not_sent"),
        (4, "clear", "not_sent"),
    ]
    assert events(upload) == [("uploaded", "dora")]
    assert simulator.requests == []


@pytest.mark.parametrize("name", ["", "..", "\0", "/"])
def test_file_without_a_sensible_name_gets_one(system: TicketSystem, now: datetime, name: str) -> None:
    assert upload_file(system=system, data=MIXED, file_name=name, now=now).file_name == "upload.csv"


def test_confirming_twice_sends_once(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, django_user_model: type[User]
) -> None:
    user = django_user_model.objects.create_user("dora")
    upload = looked_at(system, MIXED, now)

    run_sending(confirm(upload=upload, seen=upload.fingerprint, user=user, now=now))
    with pytest.raises(NotPossible, match="confirmed already"):
        confirm(upload=upload, seen=upload.fingerprint, user=user, now=now)

    assert simulator.operations().count("OutOfOffice") == 1
    assert events(upload) == [("uploaded", ""), ("confirmed", "dora"), ("sent", "")]
    assert upload.events.get(kind="sent").text == "2 rows sent, 0 not sent or unknown."


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_who_confirm_at_once_send_once(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, MIXED, now)

    def press(_: int) -> bool:
        try:
            confirm(upload=upload, seen=upload.fingerprint, now=NOW)
        except NotPossible:
            return False
        return True

    assert sorted(at_once(press, workers=4)) == [False, False, False, True]
    assert Sending.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_send_once(system: TicketSystem, simulator: RunningSimulator, now: datetime) -> None:
    sending = confirmed(system, MIXED, now)

    at_once(lambda _: send(sending.pk), workers=4)

    assert simulator.operations().count("OutOfOffice") == 1
    assert Sending.objects.get().state == Job.State.DONE


def test_list_that_changed_since_is_looked_at_again(
    system: TicketSystem, simulator: RunningSimulator, now: datetime
) -> None:
    upload = looked_at(system, MIXED, now)
    seen = upload.fingerprint
    Agent.objects.filter(login="c.weber").update(departed=True)

    with pytest.raises(LookAgain, match="Nothing was sent; look again"):
        confirm(upload=upload, seen=seen, now=now)

    upload.refresh_from_db()
    assert [row.effect for row in upload.rows.all()] == ["error", "error", "clear"]
    with pytest.raises(LookAgain):
        confirm(upload=upload, seen=seen, now=now)
    assert not Sending.objects.exists()
    run_sending(confirm(upload=upload, seen=upload.fingerprint, now=now))
    assert outcomes(upload) == ["not_sent", "not_sent", "sent"]


def test_preview_of_yesterday_is_looked_at_again_where_today_matters(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, table("b.schmidt,,,no"), now)

    with pytest.raises(LookAgain):
        confirm(upload=upload, seen=upload.fingerprint, now=NOW + timedelta(days=1))


def test_nothing_is_sent_to_a_system_that_was_switched_off(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, MIXED, now)
    TicketSystem.objects.update(active=False)

    with pytest.raises(NotPossible, match="“Helpdesk” is switched off"):
        confirm(upload=upload, seen=upload.fingerprint, now=now)


def test_file_without_a_good_row_cannot_be_confirmed(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, table("nobody,,,no"), now)

    with pytest.raises(NotPossible, match="No row of this file can be sent"):
        confirm(upload=upload, seen=upload.fingerprint, now=now)


def test_same_bytes_are_recognised_once_they_were_confirmed(system: TicketSystem, now: datetime) -> None:
    first = looked_at(system, MIXED, now)
    assert same_content(looked_at(system, MIXED, now)) is None

    confirm(upload=first, seen=first.fingerprint, now=now)

    assert same_content(looked_at(system, MIXED, now)) == first
    assert same_content(looked_at(system, MIXED + b"\n", now)) is None


def test_sending_again_wants_something_that_is_left(
    system: TicketSystem, simulator: RunningSimulator, now: datetime
) -> None:
    upload = looked_at(system, MIXED, now)
    with pytest.raises(NotPossible, match="not confirmed yet"):
        send_again(upload=upload, now=now)
    sending = confirm(upload=upload, seen=upload.fingerprint, now=now)
    with pytest.raises(NotPossible, match="being sent at the moment"):
        send_again(upload=upload, now=now)
    run_sending(sending)
    with pytest.raises(NotPossible, match="was sent"):
        send_again(upload=upload, now=now)


def test_clearing_switches_off_what_the_upload_switched_on(
    system: TicketSystem, upstream: DataSet, now: datetime, django_user_model: type[User]
) -> None:
    user = django_user_model.objects.create_user("dora")
    rows = [
        "c.weber,2026-12-01,2026-12-10,yes",
        "jürgen,2026-12-01,2026-12-10,yes",
        "h_test,,,no",
        "hxtest,2026-12-01,2026-12-02,1",
    ]
    upload = sent(system, table(*rows), now)
    later = NOW + timedelta(minutes=1)
    sent(system, table("hxtest,2027-01-01,2027-01-02,yes"), later)

    clearing = plan_clearing(upload=upload, user=user, now=later)

    assert (clearing.kind, clearing.clears, clearing.file_name) == ("clearing", upload, "clear-absences.csv")
    assert b"# left out, a later upload was sent for: hxtest" in bytes(clearing.content)
    assert stored(upstream)["c.weber"][0] == "1"
    run_sending(confirm(upload=clearing, seen=clearing.fingerprint, now=later))
    assert stored(upstream) == {
        "c.weber": ("0", "2026-12-01", "2026-12-10"),
        "jürgen": ("0", "2026-12-01", "2026-12-10"),
        "h_test": ("0", "2026-11-26", "2026-11-26"),
        "hxtest": ("1", "2027-01-01", "2027-01-02"),
    }
    assert events(upload)[-1] == ("clearing", "dora")
    with pytest.raises(NotPossible, match="Nothing of this upload is left"):
        plan_clearing(upload=upload, now=later)


def test_log_is_added_to_and_never_written_over(system: TicketSystem, now: datetime) -> None:
    event = looked_at(system, MIXED, now).events.get()
    event.text = "something else"

    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()

    assert UploadEvent.objects.get().text == ""


@pytest.mark.parametrize(
    "values",
    [
        {"effect": "error", "outcome": "sent"},
        {"effect": "set", "user": ""},
        {"effect": "set", "end": "2026-11-30"},
        {"effect": "set", "start": None},
        {"position": 3},
    ],
)
def test_database_keeps_bad_rows_from_being_sent(
    system: TicketSystem, now: datetime, values: dict[str, object]
) -> None:
    upload = looked_at(system, MIXED, now)

    with pytest.raises(IntegrityError), transaction.atomic():
        UploadRow.objects.filter(upload=upload, position=1).update(**values)


def test_database_allows_one_good_row_an_agent(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, MIXED, now)
    agent = Agent.objects.get(login="c.weber")

    with pytest.raises(IntegrityError), transaction.atomic():
        UploadRow.objects.filter(upload=upload, position=3).update(agent=agent)


def test_bad_rows_come_back_with_reasons_and_are_read_again_without(system: TicketSystem, now: datetime) -> None:
    upload = looked_at(system, table("nobody,2026-12-01,bald,yes", "c.weber,2026-12-01,2026-12-10,yes", "=x"), now)

    for dialect in (PLAIN, GERMAN):
        content = refused_rows(upload, dialect)
        parsed = parse_absences(content)

        assert b"No agent of this ticket system has the login" in content
        assert parsed.columns == ("UserLogin", "StartDate", "EndDate", "Enabled", "Reason")
        assert [(row.login, row.cells[0]) for row in parsed.rows] == [("nobody", "nobody"), ("=x", "'=x")]


def test_template_is_a_file_without_rows() -> None:
    assert [str(fault) for fault in parse_absences(template(GERMAN)).faults] == [
        "The file has a header but no row below it."
    ]


def test_template_with_its_comments_opened_is_good() -> None:
    opened = template(PLAIN).replace(b"# ", b"")

    assert [row.faults for row in parse_absences(opened).rows] == [(), ()]


def test_calendar_shows_who_is_away_by_what_was_sent_last(system: TicketSystem, now: datetime) -> None:
    sent(system, table("c.weber,2026-11-28,2026-12-02,yes", "b.schmidt,2026-12-31,2027-01-05,yes", "h_test,,,no"), now)

    months = [month_calendar(system=system, month=Month(2026, month), today=NOW.date()) for month in (10, 11, 12)]

    away = [
        {
            line.absence.agent.login: [
                day.day.day for day, is_away in zip(month.days, line.away, strict=True) if is_away
            ]
            for line in month.lines
        }
        for month in months
    ]
    assert away == [{}, {"c.weber": [28, 29, 30]}, {"c.weber": [1, 2], "b.schmidt": [31]}]
    assert [day.day.day for day in months[1].days if day.is_today] == [26]


def test_scheduler_sends_what_waits(system: TicketSystem, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    sending = confirmed(system, MIXED, now)
    Sending.objects.update(created_at=NOW - timedelta(minutes=5))
    delayed: list[int] = []
    monkeypatch.setattr("outofoffice.tasks.send.delay", delayed.append)

    resume_jobs()

    assert delayed == [sending.pk]
    Sending.objects.update(state=Job.State.RUNNING, lease_until=NOW - timedelta(minutes=1), attempts=5)
    resume_jobs()
    assert Sending.objects.get().state == Job.State.FAILED


def test_every_kind_of_event_has_its_action_in_the_audit_log() -> None:
    assert set(ACTIONS) == set(UploadEvent.Kind.values)
