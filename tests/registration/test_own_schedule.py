"""The weekly update by the scheduler, and what an expired registration holds back."""

import platform
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.checks import Error
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import BillingRun
from billing.tasks import run as run_billing_task
from common.months import Month
from portal import tasks
from portal.schedule import runs_due
from registration import own_facts
from registration.client import registration_date_check
from registration.client_checks import check_registration_url
from registration.date_check import EXPIRED
from registration.own_models import OwnRegistration
from registration.own_steps import AGAIN, the_own
from registration.own_tasks import update
from registration.own_texts import expires_at, hold, warning
from tests.registration.conftest import NOW, register_now
from tests.registration.server import WEEK, RegistrationServer

DUE = NOW + timedelta(seconds=WEEK)
LAST_GOOD_DAY = NOW + timedelta(days=44)
HELD = (
    "The registration of this portal has expired, so no billing run is started by schedule. Runs by button and "
    "command, reading and export work as before. As soon as the portal is registered again, what was missed is made "
    "up for."
)


@pytest.fixture
def beat(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], int]:
    """One round of the scheduler and of the worker at this time; returns how many messages were sent."""

    def one_round(now: datetime) -> int:
        sent: list[bool] = []
        with time_machine.travel(now, tick=False), monkeypatch.context() as patch:
            patch.setattr(update, "delay", lambda: sent.append(True))
            tasks.plan_registration()
            for _message in sent:
                update()
        return len(sent)

    return one_round


def test_update_is_sent_when_it_is_due(registered: RegistrationServer, beat: Callable[[datetime], int]) -> None:
    assert beat(DUE - timedelta(seconds=1)) == 0
    assert (beat(DUE), beat(DUE)) == (1, 0)

    assert (len(registered.bodies), the_own().next_due) == (1, DUE + timedelta(days=7))


def test_two_messages_send_one_update(registered: RegistrationServer) -> None:
    with time_machine.travel(DUE, tick=False):
        update()
        update()

    assert len(registered.bodies) == 1


def test_failed_update_is_sent_again_after_two_hours(
    registered: RegistrationServer, beat: Callable[[datetime], int], caplog: pytest.LogCaptureFixture
) -> None:
    registered.faults = ["lost answer"] * 3

    assert beat(DUE) == 1
    assert beat(DUE + AGAIN - timedelta(seconds=1)) == 0
    assert beat(DUE + AGAIN) == 1

    assert len(set(registered.bodies)) == 1
    assert (the_own().last_ok, the_own().pending_attempt) == (DUE + AGAIN, "")
    assert [message[:50] for message in caplog.messages] == ["The update of the own registration failed: Can't c"]


def test_update_of_a_portal_whose_server_has_another_address_tells_why(
    registered: RegistrationServer, beat: Callable[[datetime], int]
) -> None:
    OwnRegistration.objects.update(server="https://other.example.com/otrs/public.pl")

    assert beat(DUE) == 1
    assert "https://other.example.com" in the_own().error
    assert the_own().next_due == DUE + AGAIN


def test_nothing_is_sent_without_an_address(
    registered: RegistrationServer, beat: Callable[[datetime], int], settings: Settings
) -> None:
    settings.REGISTRATION_URL = ""

    with time_machine.travel(DUE, tick=False):
        update()
    assert (beat(DUE), the_own().next_due) == (0, DUE)


def test_portal_that_was_never_registered_plans_nothing_and_has_no_limits(
    registry: RegistrationServer, db: None, beat: Callable[[datetime], int]
) -> None:
    assert beat(DUE) == 0
    assert (warning(now=DUE + timedelta(days=900)), hold(now=DUE + timedelta(days=900))) == ("", "")
    assert expires_at(the_own()) is None
    assert runs_due(now=DUE + timedelta(days=900), day=1)


@pytest.mark.django_db
def test_update_is_in_the_schedule() -> None:
    planned = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}

    assert "portal.plan_registration" in planned


def test_grace_warns_and_holds_nothing_back(registered: RegistrationServer) -> None:
    text = "No update has reached the registration server since 11/03/2026. Look at the reason: billing runs are "
    text += "started by schedule until 12/17/2026 only."

    assert warning(now=NOW + timedelta(days=14)) == ""
    assert warning(now=LAST_GOOD_DAY).replace("2026-11-03", "11/03/2026").replace("2026-12-17", "12/17/2026") == text
    assert hold(now=LAST_GOOD_DAY) == ""
    assert expires_at(the_own()) == LAST_GOOD_DAY
    assert runs_due(now=LAST_GOOD_DAY, day=1)


def test_refusal_warns_at_once(registered: RegistrationServer) -> None:
    registered.only().state = "conflict"
    with time_machine.travel(DUE, tick=False):
        update()

    assert warning(now=DUE).startswith("The registration server has refused this portal since ")
    assert expires_at(the_own()) == DUE + timedelta(days=30)


def test_expired_registration_holds_scheduled_runs_until_it_is_registered_again(
    registered: RegistrationServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BILLING_DAY_OF_MONTH = 3
    sent: list[int] = []
    monkeypatch.setattr(run_billing_task, "delay", sent.append)
    too_late = LAST_GOOD_DAY + timedelta(microseconds=1)

    with time_machine.travel(too_late, tick=False):
        held = tasks.start_due_runs()
        assert (held, BillingRun.objects.count(), runs_due(now=too_late, day=3)) == (HELD, 0, [])
        assert (warning(now=too_late), registration_date_check(now=too_late)) == (HELD, EXPIRED)
        register_now(now=too_late)
        assert tasks.start_due_runs() == ""

    assert [Month.of(job.month) for job in BillingRun.objects.all()] == [Month(2026, 11)]
    assert len(sent) == 1


def test_update_that_gets_through_ends_the_hold(registered: RegistrationServer) -> None:
    too_late = LAST_GOOD_DAY + timedelta(days=1)
    with time_machine.travel(too_late, tick=False):
        update()

    assert hold(now=too_late) == ""


@pytest.mark.parametrize("question", [warning, hold])
def test_question_of_every_page_is_one_query(
    registered: RegistrationServer, django_assert_num_queries: DjangoAssertNumQueries, question: Callable[..., str]
) -> None:
    with django_assert_num_queries(1):
        question(now=LAST_GOOD_DAY)


def test_address_is_checked_at_the_start(settings: Settings) -> None:
    settings.REGISTRATION_URL = "http://portal.example.com/otrs/public.pl"
    text = "REGISTRATION_URL must begin with https://, since passwords and keys are sent there."
    assert check_registration_url(None) == [Error(text, id="registration.E001")]

    for good in ("", "https://portal.example.com/otrs/public.pl"):
        settings.REGISTRATION_URL = good
        assert check_registration_url(None) == []


@pytest.mark.django_db
def test_facts_without_what_the_machine_does_not_tell(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file() -> dict[str, str]:
        raise OSError

    settings.PORTAL_URL = ""
    monkeypatch.setattr(platform, "freedesktop_os_release", no_file)
    monkeypatch.setattr(platform, "release", lambda: "6.1")
    monkeypatch.setattr(socket, "gethostname", lambda: "billing-1")
    facts = own_facts.system_facts()
    assert (facts["FQDN"], facts["OSVersion"]) == ("billing-1", "6.1")

    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "arch"})
    assert own_facts.system_facts()["OSVersion"] == "arch"
