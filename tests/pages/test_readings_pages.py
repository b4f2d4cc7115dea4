"""How far the mirror is: what was read when, what is being read now, and the button that reads again."""

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from common.jobs import Job, claim
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import NOW, World, signed_in
from tickets.models import SyncRun, TicketSystem
from tickets.readings import months_of, states_of_readings

PAGE = "/tickets/readings/"
QUERIES = 14
ROW_QUERIES = 7
MONTHS = ["November 2026", "October 2026", "September 2026", "August 2026"]
ASKED_BY_HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    keys: list[int] = []
    monkeypatch.setattr("tickets.tasks.sync.delay", keys.append)
    return keys


def read(system: TicketSystem, month: str, **fields: Any) -> SyncRun:
    """A complete reading of the month after its end, with whatever differs."""
    run: SyncRun = SyncRunFactory(
        **{"system": system, "month": date.fromisoformat(f"{month}-01"), "complete_run": True} | fields
    )
    return run


def flat(response: Any) -> str:
    return " ".join(response.content.decode().split())


class Cells(HTMLParser):
    """Collects the words of each cell of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[list[str]]] = []
        self.is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append([])
            self.is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.is_in_cell = self.is_in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.is_in_cell:
            self.rows[-1][-1] += data.split()


def rows(response: Any) -> dict[str, list[str]]:
    """The words in the cells of each row, by the row's head."""
    parser = Cells()
    parser.feed(response.content.decode())
    words = [[" ".join(cell) for cell in row] for row in parser.rows]
    return {head: cells for head, *cells in words}


def test_page_shows_every_month_of_the_look_back(world: World, client: Client) -> None:
    found = rows(client.get(PAGE))

    assert [head for head in found if "2026" in head] == MONTHS
    assert found["September 2026"][0] == "never read"


def test_complete_month_says_when_and_how_much(world: World, client: Client) -> None:
    read(world.system, "2026-09", tickets=12, entries=1034, minutes="1234.5", problems=["A ticket is gone."])

    found = rows(client.get(PAGE))["September 2026"]

    assert found[:5] == ["complete", "2026-11-01 06:00", "12", "1,034", "1,234.5"]
    assert found[5] == "1 problem A ticket is gone."
    assert found[6].startswith("Read now")


def test_month_that_was_read_before_its_end_says_so(world: World, client: Client) -> None:
    read(world.system, "2026-11", started_at=datetime(2026, 11, 19, 4, tzinfo=UTC))

    assert rows(client.get(PAGE))["November 2026"][0] == "complete The month went on after that."


def test_month_with_gaps_is_not_complete_and_names_them(world: World, client: Client) -> None:
    fields = {"state": Job.State.PARTLY, "complete": False, "error": "2 things", "problems": ["One.", "Two."]}
    read(world.system, "2026-09", **fields)

    found = rows(client.get(PAGE))["September 2026"]

    assert (found[0], found[5]) == ("not complete", "2 problems One. Two.")


def test_failed_reading_leaves_what_the_one_before_has_written(world: World, client: Client) -> None:
    read(world.system, "2026-09", entries=7, problems=["Note."])
    SyncRunFactory(system=world.system, month=date(2026, 9, 1), failed=True)

    found = rows(client.get(PAGE))["September 2026"]

    assert found[0] == "failed complete"
    assert found[3] == "7"
    assert found[5] == "2 problems The ticket system does not answer. Note."


def test_month_that_only_failed_holds_nothing(world: World, client: Client) -> None:
    SyncRunFactory(system=world.system, month=date(2026, 9, 1), failed=True)

    assert rows(client.get(PAGE))["September 2026"][:5] == ["failed", "–", "–", "–", "–"]


def test_reading_that_was_written_last_counts_not_the_one_that_began_last(world: World, client: Client) -> None:
    read(world.system, "2026-09", entries=2, finished_at=datetime(2026, 11, 3, tzinfo=UTC))
    read(world.system, "2026-09", entries=1, finished_at=datetime(2026, 11, 2, tzinfo=UTC))

    assert rows(client.get(PAGE))["September 2026"][3] == "2"


def test_running_reading_shows_progress_and_is_polled(world: World, client: Client) -> None:
    run = SyncRunFactory(
        system=world.system,
        month=date(2026, 9, 1),
        state=Job.State.RUNNING,
        step="Reading tickets",
        progress_done=30,
        progress_total=120,
        lease_until=NOW + timedelta(minutes=1),
    )

    html = flat(client.get(PAGE))

    assert f'<tr hx-get="{PAGE}{run.pk}/" hx-trigger="every 2s" hx-swap="outerHTML">' in html
    assert '<progress max="100" aria-label="Progress of September 2026" value="25"></progress>' in html
    assert rows(client.get(PAGE))["September 2026"][0] == "running Reading tickets 30 of 120"
    assert 'name="month" value="2026-09"' not in html
    assert "You can leave this page" in html


def test_waiting_reading_shows_no_progress_yet(world: World, client: Client) -> None:
    SyncRunFactory(system=world.system, month=date(2026, 9, 1), progress_done=5, progress_total=5, step="Old")

    response = client.get(PAGE)

    assert rows(response)["September 2026"][0] == "waiting"
    assert 'hx-trigger="every 10s"' in flat(response)
    assert '<progress max="100" aria-label="Progress of September 2026"></progress>' in flat(response)


def test_reading_whose_worker_died_may_be_set_going_again(world: World, client: Client) -> None:
    SyncRunFactory(
        system=world.system, month=date(2026, 9, 1), state=Job.State.RUNNING, lease_until=NOW - timedelta(minutes=1)
    )

    response = client.get(PAGE)

    assert "Its worker gives no sign of life." in rows(response)["September 2026"][0]
    assert 'name="month" value="2026-09"' in flat(response)


def test_row_is_asked_for_until_the_reading_is_over(world: World, client: Client) -> None:
    run = SyncRunFactory(system=world.system, month=date(2026, 9, 1), state=Job.State.RUNNING)
    running = client.get(f"{PAGE}{run.pk}/", headers=ASKED_BY_HTMX).content.decode()
    SyncRun.objects.filter(pk=run.pk).update(state=Job.State.DONE, complete=True, started_at=NOW, finished_at=NOW)

    over = client.get(f"{PAGE}{run.pk}/", headers=ASKED_BY_HTMX).content.decode()

    assert ("hx-get" in running, "has ended" in running) == (True, False)
    assert ("hx-get" in over, "<html" in over) == (False, False)
    assert "The reading of September 2026 from Helpdesk has ended." in over


def test_row_without_script_leads_to_the_page(world: World, client: Client) -> None:
    run = world.system.sync_runs.get()

    assert client.get(f"{PAGE}{run.pk}/")["Location"] == PAGE
    assert client.get(f"{PAGE}999999/", headers=ASKED_BY_HTMX).status_code == 404


def test_agents_show_the_month_that_was_asked_for_last(world: World, client: Client) -> None:
    TicketSystem.objects.update(time_source="agents")
    anna = AgentFactory(system=world.system, login="anna", name="Anna")
    AgentFactory(system=world.system, login=None, name="Nameless")
    for month in ("2026-08", "2026-07"):
        SyncRunFactory(system=world.system, month=date.fromisoformat(f"{month}-01"), agent=anna, failed=True)
    left = AgentFactory(system=world.system, login="left", name="Left", departed=True)
    read(world.system, "2026-09", agent=anna, entries=1)
    read(world.system, "2026-10", agent=anna, entries=5, minutes=75, problems=["Odd."])
    SyncRunFactory(system=world.system, month=date(2026, 10, 1), agent=left, failed=True)

    found = rows(client.get(PAGE))

    state = "complete Not complete: August 2026"  # what lies before the look-back is not looked at
    assert found["Anna"] == ["October 2026", state, "2026-11-01 06:00", "5", "75", "1 problem Odd."]
    assert found["Left (departed)"][:3] == ["October 2026", "failed", "–"]
    assert found["Zebra agent"][:2] == ["–", "never read"]
    assert "Nameless" not in found


def test_agent_that_is_being_asked_is_polled(world: World, client: Client) -> None:
    TicketSystem.objects.update(time_source="both")
    anna = AgentFactory(system=world.system, login="anna", name="Anna")
    run = SyncRunFactory(system=world.system, month=date(2026, 9, 1), agent=anna, state=Job.State.RUNNING)
    SyncRunFactory(system=world.system, month=date(2026, 10, 1), agent=anna)

    row = client.get(f"{PAGE}{run.pk}/", headers=ASKED_BY_HTMX)

    assert f'hx-get="{PAGE}{run.pk}/"' in flat(client.get(PAGE))
    assert rows(row)["Anna"][:2] == ["September 2026", "running"]
    assert "Read now" not in row.content.decode()


def test_waiting_agents_are_not_asked_about_all_the_time(world: World, client: Client) -> None:
    TicketSystem.objects.update(time_source="both")
    anna = AgentFactory(system=world.system, login="anna", name="Anna")
    SyncRunFactory(system=world.system, month=date(2026, 9, 1), agent=anna)

    response = client.get(PAGE)

    assert rows(response)["Anna"][:2] == ["September 2026", "waiting"]
    assert "hx-get" not in response.content.decode()


def test_reading_of_an_agent_is_none_of_the_month(world: World, client: Client) -> None:
    month = read(world.system, "2026-09", entries=7)
    anna = AgentFactory(system=world.system, login="anna", name="Anna")
    read(world.system, "2026-09", agent=anna, entries=1, finished_at=NOW)

    row = client.get(f"{PAGE}{month.pk}/", headers=ASKED_BY_HTMX)

    assert rows(client.get(PAGE))["September 2026"][3] == "7"
    assert rows(row)["September 2026"][3] == "7"


def test_agents_are_not_shown_where_time_comes_from_histories(world: World, client: Client) -> None:
    AgentFactory(system=world.system, login="anna", name="Anna")

    assert "Anna" not in rows(client.get(PAGE))


def test_systems_that_are_not_active_are_left_out(world: World, client: Client) -> None:
    TicketSystem.objects.update(active=False)

    html = client.get(PAGE).content.decode()

    assert "No ticket system is connected yet." in html
    assert "/admin/" not in html
    assert "/admin/tickets/ticketsystem/" in world.clients["admin"].get(PAGE).content.decode()


def test_months_are_those_of_the_systems_own_zone(world: World) -> None:
    eve = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    system = TicketSystemFactory(time_zone="Europe/Berlin", look_back_days=0)
    west = TicketSystemFactory(time_zone="America/New_York", look_back_days=30)

    assert [str(month) for month in months_of(system, now=eve)] == ["2026-12"]
    assert [str(month) for month in months_of(west, now=eve)] == ["2026-11", "2026-10"]


def test_without_any_system_there_are_no_states(db: None) -> None:
    assert states_of_readings(now=NOW) == []


@pytest.mark.parametrize("many", [1, 3])
def test_page_costs_the_same_for_few_and_for_many(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries, many: int
) -> None:
    TicketSystem.objects.update(time_source="agents")
    for _ in range(many):
        system = TicketSystemFactory(time_source="both")
        for month in ("2026-08", "2026-09"):
            read(system, month, agent=AgentFactory(system=system))
            read(system, month)

    with django_assert_num_queries(QUERIES):
        client.get(PAGE)


def test_asking_for_a_row_costs_few_queries(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = world.system.sync_runs.get()

    with django_assert_num_queries(ROW_QUERIES):
        client.get(f"{PAGE}{run.pk}/", headers=ASKED_BY_HTMX)


@pytest.mark.parametrize("role", ["billing", "admin"])
def test_button_reads_the_month_in_the_background(
    world: World,
    role: str,
    dispatched: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = world.clients[role].post(f"{PAGE}systems/{world.system.pk}/", {"month": "2026-09"})

    run = SyncRun.objects.get(month=date(2026, 9, 1))
    name = "clara" if role == "billing" else "dora"
    assert (response.status_code, response["Location"]) == (302, f"{PAGE}#system-{world.system.pk}")
    assert (run.state, run.agent, str(run.started_by), dispatched) == (Job.State.QUEUED, None, name, [run.pk])
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        "September 2026 of “Helpdesk” is being read. This page shows how far it is."
    ]


def test_pressing_twice_makes_one_reading(world: World, client: Client, dispatched: list[int]) -> None:
    for _ in range(2):
        client.post(f"{PAGE}systems/{world.system.pk}/", {"month": "2026-09"})

    assert SyncRun.objects.filter(month=date(2026, 9, 1)).count() == 1


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("", "“” is not a month; write it as YYYY-MM, for example 2026-10."),
        ("soon", "“soon” is not a month; write it as YYYY-MM, for example 2026-10."),
        ("2026-13", "2026-13 is not a month; write it as YYYY-MM, for example 2026-10."),
        ("2026-12", "December 2026 is not read again here: the days read back of “Helpdesk” are 90."),
        ("2026-07", "July 2026 is not read again here: the days read back of “Helpdesk” are 90."),
    ],
)
def test_month_that_is_not_on_the_page_is_not_read(
    world: World, client: Client, dispatched: list[int], month: str, sentence: str
) -> None:
    response = client.post(f"{PAGE}systems/{world.system.pk}/", {"month": month})

    assert [str(message) for message in get_messages(response.wsgi_request)] == [sentence]
    assert (SyncRun.objects.count(), dispatched) == (1, [])


def test_system_that_is_not_active_is_not_read(world: World, client: Client, dispatched: list[int]) -> None:
    off = TicketSystemFactory(active=False)

    statuses = [client.post(f"{PAGE}systems/{pk}/", {"month": "2026-09"}).status_code for pk in (off.pk, 999999)]

    assert (statuses, dispatched) == ([404, 404], [])


def test_looking_at_the_address_of_the_button_reads_nothing(world: World, client: Client) -> None:
    assert client.get(f"{PAGE}systems/{world.system.pk}/").status_code == 405


@pytest.mark.parametrize("codenames", [[], ["add_syncrun"], ["see_all_customers"]])
def test_page_and_button_are_for_those_who_see_all_and_may_read(
    world: World, dispatched: list[int], codenames: list[str]
) -> None:
    user = User.objects.create_user("half")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = signed_in(user)

    statuses = [
        client.get(PAGE).status_code,
        client.get(f"{PAGE}{world.system.sync_runs.get().pk}/", headers=ASKED_BY_HTMX).status_code,
        client.post(f"{PAGE}systems/{world.system.pk}/", {"month": "2026-09"}).status_code,
    ]

    assert (statuses, dispatched) == ([403, 403, 403], [])


def losses(world: World, month: str = "2026-10") -> str:
    return f"{PAGE}systems/{world.system.pk}/losses/?month={month}"


def test_losses_are_accepted_from_the_page_with_a_reason(
    world: World,
    client: Client,
    dispatched: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    read(world.system, "2026-09", state="partly", complete=False, problems=["Ticket 7 is not shown any more."])

    listed, asked = flat(client.get(PAGE)), flat(client.get(losses(world, "2026-09")))
    nothing = client.post(losses(world, "2026-09"), {"reason": " "})
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(losses(world, "2026-09"), {"reason": "Deleted on purpose"})

    run = SyncRun.objects.get(state="queued")
    assert f'href="{losses(world, "2026-09")}"' in listed
    assert "Ticket 7 is not shown any more." in asked
    assert "This field is required." in nothing.content.decode()
    assert (run.losses_accepted, str(run.started_by), dispatched) == ("Deleted on purpose", "clara", [run.pk])
    assert response["Location"] == f"{PAGE}#system-{world.system.pk}"


def test_losses_of_a_month_that_is_being_read_wait(world: World, client: Client, dispatched: list[int]) -> None:
    active = read(world.system, "2026-10", state="running", complete=False)

    response = client.post(losses(world), {"reason": "Deleted on purpose"})

    [message] = get_messages(response.wsgi_request)
    assert str(message).endswith("is being read already. Accept the losses when that has ended.")
    active.refresh_from_db()
    assert active.losses_accepted == ""


def test_losses_of_no_month_are_refused(world: World, client: Client, dispatched: list[int]) -> None:
    response = client.post(losses(world, "soon"), {"reason": "Deleted on purpose"})

    [message] = get_messages(response.wsgi_request)
    assert str(message).startswith("“soon” is not a month")
    assert dispatched == []


def test_month_without_problems_offers_no_losses(world: World, client: Client) -> None:
    assert "/losses/" not in client.get(PAGE).content.decode()


def test_losses_are_for_those_who_see_all_and_may_read(world: World) -> None:
    client = world.clients["manager"]

    assert [client.get(losses(world)).status_code, client.post(losses(world)).status_code] == [403, 403]


def test_reading_that_waits_is_stopped_from_the_page(world: World, client: Client) -> None:
    run = SyncRun.objects.create(system=world.system, month=date(2026, 10, 1))
    assert f"/tickets/readings/{run.pk}/stop/" in client.get(PAGE).content.decode()

    html = client.post(f"/tickets/readings/{run.pk}/stop/", follow=True).content.decode()

    assert "is stopped. Nothing was changed." in html
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "Stopped by clara.")
    assert "is over already" in client.post(f"/tickets/readings/{run.pk}/stop/", follow=True).content.decode()


def test_reading_that_runs_is_asked_to_stop_once(world: World, client: Client) -> None:
    run = SyncRun.objects.create(system=world.system, month=date(2026, 10, 1))
    claim(run, now=timezone.now())

    html = client.post(f"/tickets/readings/{run.pk}/stop/", follow=True).content.decode()

    assert "stops before its next step" in html
    assert "It stops before its next step." in html
    assert f"/tickets/readings/{run.pk}/stop/" not in html


def test_one_ticket_system_is_shown_on_request(world: World, client: Client) -> None:
    other = TicketSystemFactory(name="Elsewhere")

    one = client.get(f"{PAGE}?system={other.pk}").content.decode()
    all_of_them = client.get(f"{PAGE}?system=77777").content.decode()

    assert f'id="system-{other.pk}"' in one
    assert f'id="system-{world.system.pk}"' not in one
    assert "Ticket system: Elsewhere" in one
    assert f'id="system-{world.system.pk}"' in all_of_them
