"""Absences as pages: upload, look, confirm, watch, repeat, clear; nothing of a refused file is kept or sent."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.jobs import Job
from generic_interface.errors import Unreachable
from outofoffice.models import KnownAbsence, Sending, Upload, UploadRow
from outofoffice.sending import run_sending
from outofoffice.tasks import send
from outofoffice.uploads import confirm, upload_file
from tests.factories.tickets import AgentFactory, TicketSystemFactory
from tests.outofoffice.corpus import BAD_ROWS, EVERYTHING, GOOD, HEADER, REFUSED
from tests.outofoffice.support import table
from tests.pages.pages import inline_parts
from tests.pages.world import NOW, World, signed_in
from tests.unguarded import without_guards
from tickets.models import TicketSystem

INDEX = "/out-of-office/"
INDEX_QUERIES = 15
UPLOAD_QUERIES = 14
CALENDAR_QUERIES = 13
THREE_BAD = table(
    "c.weber,2026-12-01,2026-12-10,yes", "nobody,2026-12-01,2026-12-10,yes", "b.schmidt,2026-12-10,2026-12-01,yes",
    "h.test,2026-12-01,2026-12-10,perhaps", "d.gut,,,no",
)  # fmt: skip


@pytest.fixture
def client(world: World) -> Client:
    for login in ("c.weber", "b.schmidt", "h.test", "d.gut"):
        name = "Carla Weber" if login == "c.weber" else ""
        AgentFactory(system=world.system, login=login, name=name, email=f"{login}@beispiel.test")
    with without_guards():
        Upload.objects.all().delete()
    return world.clients["admin"]


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What waits for a worker; a test's transaction never ends, so what is meant for its end is done at once."""
    waiting: list[int] = []
    monkeypatch.setattr("django.db.transaction.on_commit", lambda todo: todo())
    monkeypatch.setattr(send, "delay", waiting.append)
    return waiting


class Taken:
    """A client that takes everything, or fails as the test says."""

    error: Exception | None = None
    on_request: object = None

    def __enter__(self) -> "Taken":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def set_out_of_office(self, absences: Any, *, by: Any) -> None:
        if self.error is not None:
            raise self.error


def post(client: Client, system: TicketSystem, data: bytes, name: str = "absences.csv", **options: Any) -> Any:
    return client.post(INDEX, {"system": system.pk, "file": SimpleUploadedFile(name, data)}, **options)


def flat(response: Any) -> str:
    return unescape(" ".join(response.content.decode().split()))


def work_off(messages: list[int], error: Exception | None = None) -> None:
    taken = Taken()
    taken.error = error
    while messages:
        run_sending(Sending.objects.get(pk=messages.pop()), make_client=lambda _system: taken)  # type: ignore[arg-type,return-value]


def test_story_of_an_upload(world: World, client: Client, messages: list[int]) -> None:
    looked = post(client, world.system, THREE_BAD, follow=True)
    upload = Upload.objects.get()
    html = flat(looked)
    assert "Nothing is sent yet. 3 rows cannot be sent; the reasons stand in the cells." in html
    assert re.search(
        r'<td class="break has-problem">nobody\s*<span class="cell-message cell-problem">.*?No agent of', html
    )
    assert re.search(r'<td class="break has-problem">2026-12-01\s*<span.*?The end is before the start.', html)
    assert re.search(r'<td class="break has-problem">perhaps\s*<span.*?“perhaps” is neither yes nor no.', html)
    assert "Send the 2 good rows" in html
    assert not Sending.objects.exists()

    refused = client.get(f"{upload.get_absolute_url()}refused/").content.decode()
    assert refused.splitlines()[0] == f"{HEADER},Reason"
    assert len(refused.splitlines()) == 4

    page = client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint}, follow=True)
    assert "The sending waits for a free worker." in flat(page)
    again = client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint}, follow=True)
    assert "This upload was confirmed already; it is sent once." in flat(again)
    assert len(messages) == 1
    work_off(messages)

    done = flat(client.get(upload.get_absolute_url()))
    assert "Every good row was sent, and the ticket system took it." in done
    assert "It does not confirm single rows: what it stores was not read back." in done
    assert "Clear all of this upload" in done
    assert "c.weber: 2026-12-01 – 2026-12-10" in done
    assert "d.gut: off (2026-11-20 – 2026-11-20)" in done
    away = flat(client.get(f"{INDEX}calendar/?month=2026-12"))
    assert away.count('class="day away"') == 10
    assert "Away in December 2026: Helpdesk" in away

    cleared = client.post(f"{upload.get_absolute_url()}clear/", follow=True)
    clearing = Upload.objects.get(kind="clearing")
    assert cleared.redirect_chain == [(clearing.get_absolute_url(), 302)]
    assert "switches off:" in flat(cleared)
    client.post(f"{clearing.get_absolute_url()}confirm/", {"seen": clearing.fingerprint})
    work_off(messages)
    assert "Nobody is away" in flat(client.get(f"{INDEX}calendar/?month=2026-12"))
    nothing = client.post(f"{upload.get_absolute_url()}clear/", follow=True)
    assert "Nothing of this upload is left to be cleared." in flat(nothing)


def test_corrected_bad_rows_are_taken_as_they_were_downloaded(world: World, client: Client) -> None:
    post(client, world.system, THREE_BAD)
    refused = client.get(f"{Upload.objects.get().get_absolute_url()}refused/", headers={"accept-language": "de"})

    corrected = refused.content.replace(b"nobody", b"c.weber").replace(b"perhaps", b"ja")
    corrected = corrected.replace(b"2026-12-10;2026-12-01", b"2026-12-10;2026-12-11")
    html = flat(post(client, world.system, corrected, follow=True))

    assert refused.content.startswith(b"\xef\xbb\xbfUserLogin;StartDate;EndDate;Enabled;")
    assert "Nothing is sent yet. Check what will happen." in html
    assert "Send 3 rows" in html


@pytest.fixture
def uploader(db: None, now: None, django_user_model: type[User]) -> Client:
    """Somebody with the permission alone, in a portal that holds nothing else."""
    user = django_user_model.objects.create_user("helper")
    user.user_permissions.add(Permission.objects.get(codename="upload_out_of_office"))
    return signed_in(user)


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_file_is_an_error_of_the_portal_or_sent_unasked(uploader: Client, messages: list[int], name: str) -> None:
    system = TicketSystemFactory(name="Helpdesk")
    for login, more in (("c.weber", "Carla Weber"), ("b.schmidt", ""), ("f.alt", "")):
        email = f"{login}@beispiel.test"
        AgentFactory(system=system, login=login, name=more, email=email, departed=login == "f.alt")
    response = post(uploader, system, EVERYTHING[name], name, follow=True)

    html = response.content.decode()
    assert response.status_code == 200
    assert inline_parts(html) == []
    assert "<svg onload" not in html
    if name in REFUSED:
        assert "Nothing of it was kept or sent" in html or "larger than" in html
        assert not Upload.objects.exists()
    else:
        rows = Upload.objects.get().rows.all()
        assert [row.effect for row in rows] == (["set"] if name in GOOD else ["set", "error"])
    assert not Sending.objects.exists()
    assert messages == []


def test_bad_row_alone_cannot_be_confirmed(world: World, client: Client) -> None:
    html = flat(post(client, world.system, table(BAD_ROWS["end before start"][0]), follow=True))
    upload = Upload.objects.get()

    answer = client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint}, follow=True)

    assert "No row can be sent." in html
    assert "/confirm/" not in html
    assert "No row of this file can be sent." in flat(answer)


def test_file_is_refused_by_its_size_before_it_is_read(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(TemporaryUploadedFile, "read", fail)

    html = flat(post(client, world.system, b"x" * 3_000_000))

    assert "The file is larger than 1000 kB. Split it into several." in html
    assert 'aria-invalid="true"' in html


@pytest.mark.parametrize("fields", [{}, {"system": "999"}, {"system": "x", "file": "text"}])
def test_form_without_a_file_asks_for_one(world: World, client: Client, fields: dict[str, str]) -> None:
    response = client.post(INDEX, fields)

    assert response.status_code == 200
    assert "Choose a file." in flat(response)


def test_inactive_system_is_not_offered(world: World, client: Client) -> None:
    TicketSystem.objects.update(active=False)

    html = flat(client.get(INDEX))

    assert "No ticket system is connected yet." in html
    assert post(client, world.system, THREE_BAD).status_code == 200
    assert not Upload.objects.exists()


def test_same_file_again_warns_with_a_link(world: World, client: Client) -> None:
    first = upload_file(system=world.system, data=THREE_BAD, file_name="a.csv", now=NOW)
    confirm(upload=first, seen=first.fingerprint, now=NOW)

    html = flat(post(client, world.system, THREE_BAD, follow=True))

    assert "The very same file was uploaded on 2026-11-20 10:00 and confirmed." in html
    assert f'href="{first.get_absolute_url()}"' in html


def test_changed_list_is_shown_again(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    world.system.agents.filter(login="c.weber").update(departed=True)

    html = flat(client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint}, follow=True))

    assert "has changed since you looked. Nothing was sent; look again." in html
    assert "c.weber has departed" in html
    assert messages == []


def test_failure_is_told_and_can_be_repeated(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    work_off(messages, Unreachable("No answer in time."))

    failed = flat(client.get(upload.get_absolute_url()))
    client.post(f"{upload.get_absolute_url()}repeat/")
    work_off(messages)
    repeated = flat(client.post(f"{upload.get_absolute_url()}repeat/", follow=True))

    assert "2 rows were not sent, or it is not known whether they were stored." in failed
    assert "Sending them again stores the same once more and does no harm." in failed
    assert "No answer in time." in failed
    assert "Every row of this upload that can be sent was sent." in repeated


def test_polling_ends_with_the_result(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    path = f"{upload.get_absolute_url()}progress/"

    waiting = client.get(path, headers={"HX-Request": "true"})
    work_off(messages)
    ended = client.get(path, headers={"HX-Request": "true"})
    plain = client.get(path)

    assert (waiting.status_code, ended.status_code) == (200, 286)
    assert "The sending has ended." in flat(ended)
    assert (plain.status_code, plain["Location"]) == (302, upload.get_absolute_url())


@pytest.mark.parametrize(
    ("show", "lines"),
    [("", [2, 3, 4, 5, 6]), ("error", [3, 4, 5]), ("set", [2]), ("clear", [6]), ("unchanged", [2, 3, 4, 5, 6]),
     ("%00", [2, 3, 4, 5, 6])],
)  # fmt: skip
def test_part_of_the_rows_can_be_shown_alone(world: World, client: Client, show: str, lines: list[int]) -> None:
    post(client, world.system, THREE_BAD)

    html = client.get(f"{Upload.objects.get().get_absolute_url()}?show={show}").content.decode()

    assert [int(line) for line in re.findall(r'<th scope="row"[^>]*>(\d+)</th>', html)] == lines


def test_outcomes_can_be_shown_alone(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    work_off(messages)

    for show, lines in (("sent", ["2", "6"]), ("error", ["3", "4", "5"])):
        html = client.get(f"{upload.get_absolute_url()}?show={show}").content.decode()
        assert re.findall(r'<th scope="row"[^>]*>(\d+)</th>', html) == lines


def test_original_comes_back_byte_by_byte(world: World, client: Client) -> None:
    post(client, world.system, THREE_BAD, "Büro Dezember.csv")

    response = client.get(f"{Upload.objects.get().get_absolute_url()}original/")

    assert response.content == THREE_BAD
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("language", "start"), [("en", b"UserLogin,StartDate"), ("de", b"\xef\xbb\xbfUserLogin;Start")]
)
def test_template_is_for_the_spreadsheet_of_the_reader(client: Client, language: str, start: bytes) -> None:
    response = client.get(f"{INDEX}template/", headers={"accept-language": language})

    assert response.content.startswith(start)


def test_history_tells_results_and_can_be_exported(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    looked = flat(client.get(INDEX))
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    waiting = flat(client.get(INDEX))
    work_off(messages)
    done = flat(client.get(INDEX))
    UploadRow.objects.filter(outcome="sent", line=2).update(outcome="unknown")
    partly = flat(client.get(INDEX))
    UploadRow.objects.filter(outcome="sent").update(outcome="refused")
    failed = client.get(f"{INDEX}?export=csv").content.decode()

    assert "checked, not sent" in looked
    assert "being sent" in waiting
    assert ">sent</span>" in done.replace("</svg>", ">")
    assert "partly sent" in partly
    assert failed.splitlines()[1].split(",")[1:] == [
        "absences.csv", "Helpdesk", "dora", "2", "3", "0", "not sent or unknown", upload.sha256,
    ]  # fmt: skip


def test_upload_by_command_has_nobody(world: World, client: Client) -> None:
    upload = upload_file(system=world.system, data=THREE_BAD, file_name="a.csv", now=NOW)

    assert "by command" in flat(client.get(INDEX))
    assert "by command" in flat(client.get(upload.get_absolute_url()))


@pytest.mark.parametrize("count", [1, 3])
def test_history_costs_the_same_however_long(
    world: World, client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        upload_file(system=world.system, data=THREE_BAD, file_name=f"{number}.csv", now=NOW)

    with django_assert_num_queries(INDEX_QUERIES):
        client.get(INDEX)


@pytest.mark.parametrize("count", [1, 3, 300])
def test_page_of_an_upload_costs_the_same_however_many_rows(
    world: World, client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        AgentFactory(system=world.system, login=f"row.{number}")
    rows = [f"row.{number},2026-12-01,2026-12-10,yes" for number in range(count)]
    upload = upload_file(system=world.system, data=table(*rows), file_name="a.csv", now=NOW)

    with django_assert_num_queries(UPLOAD_QUERIES):
        response = client.get(upload.get_absolute_url())

    assert ("page=2" in response.content.decode()) is (count == 300)


@pytest.mark.parametrize("count", [1, 3])
def test_calendar_costs_the_same_however_many_are_away(
    world: World, client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    agents = [AgentFactory(system=world.system, login=f"row.{number}") for number in range(count)]
    rows = [f"{agent.login},2026-11-18,2026-11-21,yes" for agent in agents]
    upload = upload_file(system=world.system, data=table(*rows), file_name="a.csv", now=NOW)
    run_sending(
        confirm(upload=upload, seen=upload.fingerprint, now=NOW),
        make_client=lambda _system: Taken(),  # type: ignore[arg-type,return-value]
    )

    with django_assert_num_queries(CALENDAR_QUERIES):
        response = client.get(f"{INDEX}calendar/")

    assert response.content.decode().count('class="day away"') == 4 * count


def test_calendar_marks_what_is_not_known(world: World, client: Client, messages: list[int]) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    work_off(messages)
    KnownAbsence.objects.update(certainty="unknown")

    assert "not known whether stored" in flat(client.get(f"{INDEX}calendar/?month=2026-12"))


@pytest.mark.parametrize("query", ["month=2026-13", "month=x", "month=1999-01", "month=%00", "system=x", "system=999"])
def test_calendar_shows_something_whatever_the_address_says(world: World, client: Client, query: str) -> None:
    html = flat(client.get(f"{INDEX}calendar/?{query}"))

    assert "November 2026" in html
    assert ("is not a month" in html) is query.startswith("month")


def test_calendar_of_another_system(world: World, client: Client) -> None:
    other = TicketSystemFactory(name="Other desk")

    assert "Away in November 2026: Other desk" in flat(client.get(f"{INDEX}calendar/?system={other.pk}"))


def test_calendar_without_a_system_says_what_is_missing(uploader: Client) -> None:
    assert "No ticket system is connected yet." in flat(uploader.get(f"{INDEX}calendar/"))


def test_navigation_leads_there_for_those_with_the_permission_alone(world: World) -> None:
    assert 'href="/out-of-office/"' in world.clients["admin"].get("/").content.decode()
    assert 'href="/out-of-office/"' not in world.clients["billing"].get("/").content.decode()


def test_permission_alone_is_enough(uploader: Client) -> None:
    assert uploader.get(INDEX).status_code == 200


@pytest.mark.parametrize("state", [Job.State.QUEUED, Job.State.RUNNING])
def test_page_of_an_active_sending_offers_nothing_to_press(
    world: World, client: Client, messages: list[int], state: str
) -> None:
    post(client, world.system, THREE_BAD)
    upload = Upload.objects.get()
    client.post(f"{upload.get_absolute_url()}confirm/", {"seen": upload.fingerprint})
    Sending.objects.update(state=state)

    html = flat(client.get(upload.get_absolute_url()))

    assert "/repeat/" not in html
    assert "/clear/" not in html
    assert 'hx-trigger="every 1s"' in html


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=FIRST", ["first.csv"]), ("q=helpd", ["first.csv", "second.csv"]), ("q=nothing", []), ("q=%00", None)],
)
def test_uploads_are_found_by_file_and_ticket_system(
    world: World, client: Client, query: str, found: list[str] | None
) -> None:
    names = ("first.csv", "second.csv")
    for name in names:
        upload_file(system=world.system, data=THREE_BAD, file_name=name, now=NOW)

    html = client.get(f"{INDEX}?{query}").content.decode()

    assert [name for name in names if f">{name}</a>" in html] == (list(names) if found is None else found)
    assert ("none passes the filters" in html) is (found == [])
