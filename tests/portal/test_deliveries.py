"""Messages come twice, late and together. Every task ten times in a row and eight times at once: as if it came once."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime

import pytest
import time_machine
from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from django.apps import apps
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from billing.models import Agreement, BillingRun
from common.jobs import Job
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, QUEUES
from generic_interface.simulator.server import start_simulator
from outofoffice.models import Sending
from portal.celery import app
from portal.signs import JOBS_OF_QUEUES
from tests.at_once import at_once
from tests.portal.deliveries import NOW, WORK, Given
from tests.registration.server import running_server
from tickets.models import SyncRun
from tickets.outbox_models import OutboxItem

TIMES, AT_ONCE = 10, 8
LIMITED: list[tuple[str, str, type[Job]]] = [
    ("billing.run", "billing.runs.billed_systems", BillingRun),
    ("tickets.sync", "tickets.sync.read_month", SyncRun),
    ("outofoffice.send", "outofoffice.sending.portions", Sending),
    ("tickets.deliver", "tickets.outbox_sending._Delivery.run", OutboxItem),
]
"""Where the limit strikes each kind of job."""
OWN_APPS = ("tickets", "billing", "registration", "outofoffice", "portal")


@pytest.fixture
def given(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Given]:
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})  # tests with COMMIT flush it away
    morning = datetime(2026, 11, 26, 9)
    data = DataSet(agents=AGENTS, queues=QUEUES, customers=CUSTOMERS, customer_users=CUSTOMER_USERS, now=morning)
    with start_simulator(data) as simulator, running_server() as registry:
        yield Given(simulator, registry, settings, monkeypatch)


@pytest.fixture(autouse=True, scope="module")
def tasks_are_known() -> None:
    app.loader.import_default_modules()


def own_tasks() -> set[str]:
    return {name for name in app.tasks if not name.startswith(("celery.", "tests."))}


def tables() -> bytes:
    """Every row of every table of the product, byte for byte."""
    rows = {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for name in OWN_APPS
        for model in apps.get_app_config(name).get_models(include_auto_created=True)
    }
    return json.dumps(rows, default=repr, sort_keys=True).encode()


def test_every_task_has_its_scene() -> None:
    planned = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}

    assert set(WORK) == own_tasks()
    assert planned <= set(WORK)


def test_every_kind_of_job_is_tried_at_its_time_limit() -> None:
    assert {model for models in JOBS_OF_QUEUES.values() for model in models} == {model for _, _, model in LIMITED}


@pytest.mark.parametrize("name", WORK)
def test_ten_deliveries_do_what_one_does(name: str, given: Given) -> None:
    work, task = WORK[name], app.tasks[name]
    with time_machine.travel(NOW, tick=False) if work.frozen else nullcontext():
        arguments = work.prepare(given)
        task(*arguments)
        once = tables()
        assert work.done(given) == work.expected

        for _delivery in range(TIMES - 1):
            task(*arguments)

        assert tables() == once
    assert work.done(given) == work.expected


@pytest.mark.parametrize(("name", "place", "model"), LIMITED)
def test_task_at_its_time_limit_lets_go_of_its_job_and_the_next_one_ends_it(
    name: str, place: str, model: type[Job], given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, arguments = app.tasks[name], WORK[name].prepare(given)

    with monkeypatch.context() as patch:
        patch.setattr(place, strike)
        with pytest.raises(SoftTimeLimitExceeded):
            task(*arguments)
    job = model._base_manager.get()
    cut_off = (job.state, job.lease_until is not None and job.lease_until <= timezone.now())
    task(*arguments)

    job.refresh_from_db()
    assert cut_off == (Job.State.RUNNING, True)
    assert (job.state, job.attempts) == (Job.State.DONE, 2)


def strike(*args: object, **options: object) -> None:
    raise SoftTimeLimitExceeded


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", WORK)
def test_eight_deliveries_at_once_do_what_one_does(name: str, given: Given) -> None:
    work, task = WORK[name], app.tasks[name]
    with time_machine.travel(NOW, tick=False) if work.frozen else nullcontext():
        arguments = work.prepare(given)

        at_once(lambda number: deliver(task, *arguments), workers=AT_ONCE)

        after = tables()
        assert work.done(given) == work.expected
        task(*arguments)
        assert tables() == after
    assert work.done(given) == work.expected


def deliver(task: "Task[..., object]", *arguments: object) -> None:
    task(*arguments)
