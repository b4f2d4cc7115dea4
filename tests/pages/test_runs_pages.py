"""Starting a run, watching it and reading what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from billing.models import BillingRun
from billing.run_models import RunMail, RunStart
from common.jobs import Job
from tests.pages.world import NOW, World
from tests.unguarded import without_guards

RUN_QUERIES = 7
FAILURE = {"customer": "Müller & Söhne", "customer_id": "10001", "error": "There is no default agreement."}


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    keys: list[int] = []
    monkeypatch.setattr("billing.tasks.run.delay", keys.append)
    return keys


def flat(response: Any) -> str:
    """The page with single blanks only, and none before the end of a tag."""
    return " ".join(response.content.decode().split()).replace(" >", ">")


def change(run: BillingRun, **fields: object) -> None:
    BillingRun.objects.filter(pk=run.pk).update(**({"complete": False} | fields))


def test_button_starts_the_run_in_the_background_and_leads_to_it(
    client: Client, dispatched: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/orders/runs/start/", {"period": "2026-09"})

    run = BillingRun.objects.get(month="2026-09-01")
    assert response["Location"] == f"/orders/runs/{run.pk}/"
    assert dispatched == [run.pk]
    assert (run.state, str(run.started_by)) == (Job.State.QUEUED, "clara")


def test_pressing_twice_makes_one_run(client: Client, dispatched: list[int]) -> None:
    first = client.post("/orders/runs/start/", {"period": "2026-09"})
    second = client.post("/orders/runs/start/", {"period": "2026-09"})

    assert first["Location"] == second["Location"]
    assert BillingRun.objects.filter(month="2026-09-01").count() == 1


def test_run_that_is_being_worked_on_is_left_alone(world: World, client: Client, dispatched: list[int]) -> None:
    change(world.run, state=Job.State.RUNNING, lease_until=NOW + timedelta(minutes=5), attempts=3)

    response = client.post("/orders/runs/start/", {"period": "2026-10"})

    world.run.refresh_from_db()
    assert response["Location"] == f"/orders/runs/{world.run.pk}/"
    assert (world.run.state, world.run.attempts) == (Job.State.RUNNING, 3)


def test_month_that_cannot_be_read_starts_nothing(client: Client, dispatched: list[int]) -> None:
    response = client.post("/orders/runs/start/", {"period": "soon"})

    assert response["Location"] == "/orders/"
    assert ["is not a month" in str(message) for message in get_messages(response.wsgi_request)] == [True]
    assert (BillingRun.objects.count(), dispatched) == (1, [])


def test_active_run_shows_bar_counts_step_and_time(world: World, client: Client) -> None:
    change(
        world.run,
        state=Job.State.RUNNING,
        step="Writing orders",
        progress_done=30,
        progress_total=120,
        started_at=NOW - timedelta(seconds=125),
        finished_at=None,
    )

    html = flat(client.get(f"/orders/runs/{world.run.pk}/"))

    assert '<progress id="job-progress" max="100" value="25">' in html
    assert '<label for="job-progress">Writing orders</label>' in html
    assert "30 of 120" in html
    assert "2:05" in html
    assert f'hx-get="/orders/runs/{world.run.pk}/progress/"' in html
    assert "You can leave this page" in html


def test_waiting_run_says_so_and_has_no_figure_yet(world: World, client: Client) -> None:
    change(world.run, state=Job.State.QUEUED, started_at=None, finished_at=None, progress_total=0)

    html = flat(client.get(f"/orders/runs/{world.run.pk}/"))

    assert "The run waits for a free worker." in html
    assert '<progress id="job-progress" max="100">' in html


def test_progress_is_asked_for_until_the_run_is_over(world: World, client: Client) -> None:
    path, asked_by_htmx = f"/orders/runs/{world.run.pk}/progress/", {"HX-Request": "true"}
    change(world.run, state=Job.State.RUNNING)
    running = client.get(path, headers=asked_by_htmx)
    change(world.run, state=Job.State.DONE)
    over = client.get(path, headers=asked_by_htmx)

    assert (running.status_code, over.status_code) == (200, 286)
    assert "<progress" in running.content.decode()
    assert "The run has ended." in over.content.decode()
    assert "<html" not in over.content.decode()


def test_progress_without_script_leads_to_the_page(world: World, client: Client) -> None:
    assert client.get(f"/orders/runs/{world.run.pk}/progress/")["Location"] == f"/orders/runs/{world.run.pk}/"


def test_result_counts_the_orders_and_leads_on(world: World, client: Client) -> None:
    html = client.get(f"/orders/runs/{world.run.pk}/").content.decode()

    assert "The run is done, from complete data." in html
    assert '<dt>New orders</dt><dd class="strong">2</dd>' in " ".join(html.split()).replace("</dt> <dd", "</dt><dd")
    assert "/orders/?period=2026-10" in html
    assert "/orders/left-out/?period=2026-10" in html


def test_partial_result_names_every_failure_and_problem_and_offers_to_try_again(world: World, client: Client) -> None:
    change(world.run, state=Job.State.PARTLY, failures=[FAILURE], problems=["Helpdesk did not answer."])

    html = client.get(f"/orders/runs/{world.run.pk}/").content.decode()

    assert "10001 Müller &amp; Söhne" in html
    assert "There is no default agreement." in html
    assert "Helpdesk did not answer." in html
    assert "Try the failed ones again" in html
    assert f'action="/orders/runs/{world.run.pk}/retry/"' in html
    assert '<a href="/tickets/?period=2026-10&amp;customer=10001">' in html
    assert "2 customers done, 1 failed." in html


def test_failed_run_says_what_was_kept(world: World, client: Client) -> None:
    change(world.run, state=Job.State.FAILED, error="The worker died.")

    html = client.get(f"/orders/runs/{world.run.pk}/").content.decode()

    assert "Orders that stood before were kept as they were." in html
    assert "The worker died." in html


def test_run_that_never_began_took_no_time(world: World, client: Client) -> None:
    change(world.run, state=Job.State.FAILED, started_at=None, finished_at=None)

    assert "<dd>– min</dd>" in flat(client.get(f"/orders/runs/{world.run.pk}/")).replace("<dd> ", "<dd>").replace(
        " </dd>", "</dd>"
    )


def test_list_shows_every_run(world: World, client: Client) -> None:
    change(world.run, state=Job.State.PARTLY, failures=[FAILURE])

    html = client.get("/orders/runs/").content.decode()

    assert "October 2026" in html
    assert "partly done" in html


def test_list_is_a_file_too(world: World, client: Client) -> None:
    change(world.run, state=Job.State.PARTLY, failures=[FAILURE], started_at=None, finished_at=None)

    lines = client.get("/orders/runs/?export=csv").content.decode().splitlines()

    assert lines[1] == "2026-10,,partly done,not complete,,,2,0,0,1"


def test_list_without_runs_says_what_a_run_is(world: World, client: Client) -> None:
    with without_guards():
        BillingRun.objects.all().delete()

    assert "No run yet" in client.get("/orders/runs/").content.decode()


def test_asking_for_progress_costs_few_queries(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(RUN_QUERIES):
        client.get(f"/orders/runs/{world.run.pk}/progress/", headers={"HX-Request": "true"})


def test_run_that_waits_again_shows_nothing_of_its_last_go(world: World, client: Client) -> None:
    change(world.run, state="queued", step="Writing orders", progress_done=200, progress_total=200, started_at=NOW)

    html = flat(client.get(f"/orders/runs/{world.run.pk}/"))

    assert '<label for="job-progress">waiting</label>' in html
    assert '<progress id="job-progress" max="100"></progress>' in html
    assert "200 of 200" not in html
    assert "so far" not in html


def history(html: str) -> str:
    return html.partition("<h2>Starts</h2>")[2]


def test_page_shows_each_start_with_who_when_and_how_it_ended(world: World, client: Client) -> None:
    failed = {"state": "partly", "failures": [FAILURE], "error": "1 customer could not be billed; the others were."}
    clara = User.objects.get(username="clara")
    RunStart.objects.create(
        run=world.run, by="person", user=clara, at=NOW, ended_at=NOW, orders_new=38, only_failed=True, **failed
    )
    RunStart.objects.create(run=world.run, by="scheduler", at=NOW - timedelta(days=1), ended_at=NOW)

    html = history(flat(client.get(f"/orders/runs/{world.run.pk}/")))

    assert "clara, failed customers only" in html
    assert "38 customers done, 1 failed, 0 approved by themselves." in html
    assert "1 customer could not be billed; the others were." in html
    assert "did not come to its end" in html
    assert "2026-11-19 10:00 – 2026-11-20 10:00, schedule" in html
    assert "2 customers done, 0 failed, 0 approved by themselves." in html  # the command's


def test_start_under_way_is_shown_as_such(world: World, client: Client) -> None:
    client.post("/orders/runs/start/", {"period": "2026-10"})

    assert "not ended yet" in history(flat(client.get(f"/orders/runs/{world.run.pk}/")))


def test_button_tries_the_failed_again_and_leads_to_the_run(
    world: World,
    client: Client,
    dispatched: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    change(world.run, state=Job.State.PARTLY, failures=[FAILURE])

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"/orders/runs/{world.run.pk}/retry/")

    assert response["Location"] == f"/orders/runs/{world.run.pk}/"
    assert dispatched == [world.run.pk]
    last = world.run.starts.first()
    assert last is not None
    assert (last.only_failed, str(last.user)) == (True, "clara")


def test_retry_without_failures_says_so_and_starts_nothing(
    world: World,
    client: Client,
    dispatched: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"/orders/runs/{world.run.pk}/retry/", follow=True)

    assert "No customer failed in the run for 2026-10." in response.content.decode()
    assert dispatched == []


def test_waiting_run_is_stopped_by_its_button(world: World, client: Client, dispatched: list[int]) -> None:
    client.post("/orders/runs/start/", {"period": "2026-10"})
    path = f"/orders/runs/{world.run.pk}/"
    assert f'action="{path}cancel/"' in client.get(path).content.decode()

    html = flat(client.post(f"{path}cancel/", follow=True))

    assert "The run was stopped by clara. What was drafted until then stays; start it again for the rest." in html
    assert "<strong> stopped </strong>" in html


def test_working_run_says_that_it_is_being_stopped(world: World, client: Client, dispatched: list[int]) -> None:
    client.post("/orders/runs/start/", {"period": "2026-10"})
    change(world.run, state=Job.State.RUNNING, lease_until=NOW + timedelta(minutes=1), started_at=NOW)

    html = flat(client.post(f"/orders/runs/{world.run.pk}/cancel/", follow=True))

    assert "The run stops before the next customers." in html
    assert "The run is being stopped." in html
    assert f'action="/orders/runs/{world.run.pk}/cancel/"' not in html


def test_run_that_is_over_is_not_stopped(world: World, client: Client) -> None:
    html = flat(client.post(f"/orders/runs/{world.run.pk}/cancel/", follow=True))

    assert "The run for 2026-10 is over already." in html


def test_stopped_run_offers_no_retry(world: World, client: Client) -> None:
    change(world.run, state=Job.State.PARTLY, failures=[FAILURE])
    with without_guards():
        world.run.starts.update(cancelled_at=NOW)

    html = flat(client.get(f"/orders/runs/{world.run.pk}/"))

    assert f"/orders/runs/{world.run.pk}/retry/" not in html
    assert "it has to be run again for all" in html


def test_page_says_that_no_mail_is_sent_without_a_mail_server(world: World, client: Client) -> None:
    path = f"/orders/runs/{world.run.pk}/"
    assert "No mails are sent" not in client.get(path).content.decode()

    RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW)

    assert "No mails are sent: no mail server is set up (EMAIL_URL)." in flat(client.get(path))


def test_page_shows_what_became_of_each_mail(world: World, client: Client, settings: Settings) -> None:
    settings.SENDS_MAIL = True
    start = RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW)
    path = f"/orders/runs/{world.run.pk}/"
    assert "No mail: nobody has an address" in flat(client.get(path))
    clara = User.objects.get(username="clara")
    RunMail.objects.create(start=start, kind="result", user=clara, state="failed", due_at=NOW, error="550 no")

    html = flat(client.get(path))

    assert "result, clara: <strong>failed</strong>" in html
    assert "550 no" in html
    assert "No mail: nobody" not in html


def test_page_names_who_is_drafted_later(world: World, client: Client) -> None:
    row = {"pk": 1, "customer_id": "L1", "customer": "Later AG", "day": "2026-11-20"}
    RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW, left_out=[row])

    assert "L1 Later AG: 2026-11-20" in flat(client.get(f"/orders/runs/{world.run.pk}/"))


@pytest.mark.parametrize("starts", [1, 3])
def test_page_of_a_run_costs_no_more_for_more_starts_and_mails(
    world: World, client: Client, starts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for age in range(starts):
        start = RunStart.objects.create(
            run=world.run, by="scheduler", at=NOW - timedelta(days=age), ended_at=NOW, cancelled_at=NOW
        )
    for user in User.objects.all()[:starts]:
        RunMail.objects.create(start=start, kind="result", user=user, due_at=NOW)

    with django_assert_num_queries(RUN_QUERIES + 1):
        client.get(f"/orders/runs/{world.run.pk}/progress/", headers={"HX-Request": "true"})
