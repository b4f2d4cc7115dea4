"""The lists behind the start page: what they show, what they say when they are empty, and their files."""

from datetime import timedelta
from typing import Any

import pytest

from billing.models import BillingRun, ClosedMonth
from common.jobs import Job
from outofoffice.models import Upload, UploadRow
from outofoffice.queries import not_sent
from portal.reports.without_time import agents_without_time
from tests.billing.scenes import NOVEMBER
from tests.factories.tickets import AgentFactory, SyncRunFactory, TimeEntryFactory
from tests.pages.world import NOW, World
from tickets.outbox_models import OutboxItem


def test_outbox_shows_what_needs_a_person_and_on_demand_all(world: World) -> None:
    client = world.clients["manager"]
    OutboxItem.objects.filter(pk=world.note.pk).update(state="done", outcome="done", tries=1, sent_at=NOW)

    open_ones, everything = client.get("/tickets/written/"), client.get("/tickets/written/?shown=all")
    file = client.get("/tickets/written/?shown=all&export=csv").content.decode()

    assert [row.key for row in open_ones.context["table"].data.data] == ["order-note"]
    assert everything.context["table"].paginator.count == 2
    assert "written" in file
    assert "not written" in file


def test_outbox_says_why_it_is_empty(world: World) -> None:
    OutboxItem.objects.update(state="done", outcome="done", tries=1, sent_at=NOW)
    open_ones = world.clients["manager"].get("/tickets/written/").content.decode()
    world.customer.account_managers.clear()
    everything = world.clients["manager"].get("/tickets/written/?shown=all").content.decode()

    assert "Nothing waits for you" in open_ones
    assert "Nothing was written yet" in everything


def test_agents_are_missed_who_booked_of_late_and_not_this_month(world: World) -> None:
    given = {"ticket": world.ticket, "units": 5}
    silent, busy, long_gone, departed, wrong = (AgentFactory(system=world.system, name=name) for name in "ABCDE")
    type(departed).objects.filter(pk=departed.pk).update(departed=True)
    for agent in (silent, busy, departed):
        TimeEntryFactory(agent=agent, booked_local="2026-10-31 23:59:59", **given)
    TimeEntryFactory(agent=busy, booked_local="2026-11-01 00:00:00", **given)
    TimeEntryFactory(agent=long_gone, booked_local="2026-07-31 23:59:59", **given)
    TimeEntryFactory(agent=wrong, booked_local="2026-10-05 10:00:00", gone=True, **given)

    found = {str(row.agent): row.last_day.isoformat() for row in agents_without_time(NOVEMBER)}

    assert found["A"] == "2026-10-31"
    assert found.keys().isdisjoint("BCDE")


def test_agents_without_time_are_a_page_and_a_file(world: World) -> None:
    client = world.clients["billing"]
    agent = AgentFactory(system=world.system, name="Anton")
    TimeEntryFactory(ticket=world.ticket, agent=agent, units=5)

    html = client.get("/reports/without-time/").content.decode()
    file = client.get("/reports/without-time/?export=csv").content.decode()
    empty = client.get("/reports/without-time/?period=2025-01").content.decode()

    assert f"/reports/entries/?agent={agent.pk}&amp;period=2026-10" in html
    assert "Anton" in file
    assert "Nobody is missing" in empty


def test_runs_in_trouble_are_listed_until_their_month_is_closed(world: World) -> None:
    client = world.clients["billing"]
    BillingRun.objects.update(complete=False, state=Job.State.FAILED)

    before = client.get("/orders/runs/?shown=trouble").context["table"].paginator.count
    ClosedMonth.objects.create(month="2026-10-01", closed_at=NOW)
    after = client.get("/orders/runs/?shown=trouble")

    assert before == 1
    assert "Every run came to its end over complete data, or its month is closed." in after.content.decode()
    assert client.get("/orders/runs/").context["table"].paginator.count == 1


def test_open_readings_are_listed(world: World) -> None:
    client = world.clients["billing"]
    calm = client.get("/tickets/readings/?shown=open").content.decode()
    SyncRunFactory(system=world.system, month="2026-11-01", failed=True)

    (shown,) = client.get("/tickets/readings/?shown=open").context["systems"]

    assert "Every reading that was asked for is complete, or on its way." in calm
    assert [(str(state.month), state.has_failed) for state in shown.months] == [("2026-11", True)]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/orders/agreements/?prepaid=low", "No customer with prepaid time has a fifth or less of it left."),
        ("/orders/left-out/?period=2026-10&reason=cancelled_out", "No time of the month was left out for this reason."),
    ],
)
def test_narrowed_list_says_why_it_is_empty(world: World, path: str, sentence: str) -> None:
    html = world.clients["manager"].get(path).content.decode()

    assert sentence in html
    assert "Active filters" in html


def test_uploads_that_did_not_arrive_are_told_for_a_month(world: World) -> None:
    upload = world.upload
    other = Upload.objects.create(
        system=world.system, file_name="b.csv", content=b"", state="confirmed", confirmed_at=NOW, uploaded_at=NOW
    )
    absence: dict[str, Any] = {
        "user": "anna",
        "addressed_by": "login",
        "enabled": True,
        "start": "2026-12-01",
        "end": "2026-12-02",
    }
    row = UploadRow.objects.create(upload=other, position=1, line=2, effect="set", outcome="sent", **absence)

    def told() -> set[str]:
        return set(not_sent(now=NOW).values_list("file_name", flat=True))

    Upload.objects.filter(pk=upload.pk).update(uploaded_at=NOW)
    assert told() == {upload.file_name}
    Upload.objects.filter(pk=upload.pk).update(uploaded_at=NOW - timedelta(minutes=1))
    assert told() == set()
    UploadRow.objects.filter(pk=row.pk).update(outcome="unknown")
    assert told() == {"b.csv"}
    Upload.objects.filter(pk=other.pk).update(uploaded_at=NOW - timedelta(days=31))
    assert told() == set()
