"""The page of the mails: what is set up, those that failed, and one to try it."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from pytest_django import Settings

from billing.run_models import RunMail, RunStart
from portal.models import UserLanguage
from registration.mail_models import RegistrationMail
from tests.pages.world import NOW, World


@pytest.fixture
def server(settings: Settings) -> None:
    settings.SENDS_MAIL = True
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.org", 587
    settings.EMAIL_HOST_PASSWORD = "never-shown"
    User.objects.filter(username="dora").update(email="dora@example.org")


def press(world: World) -> str:
    return world.clients["admin"].post("/health/mails/test/", follow=True).content.decode()


def test_failed_mails_of_the_last_weeks_are_listed(world: World) -> None:
    start = RunStart.objects.create(run=world.run, by="scheduler", at=NOW, ended_at=NOW)
    user = User.objects.get(username="clara")
    given = {"start": start, "user": user, "due_at": NOW, "error": "Refused <b>"}
    RunMail.objects.create(kind="result", state="failed", ended_at=NOW, **given)
    RunMail.objects.create(kind="digest", state="failed", ended_at=NOW - timedelta(days=31), **given)
    RegistrationMail.objects.create(address="x@example.org", state="failed", due_at=NOW, ended_at=NOW)
    RegistrationMail.objects.create(address="y@example.org", state="waiting", due_at=NOW)

    page = world.clients["admin"].get("/health/mails/")
    file = world.clients["admin"].get("/health/mails/?export=csv").content.decode()

    assert [(row.to, row.about) for row in page.context["table"].data.data] == [
        ("clara", "Billing run 2026-10"),
        ("x@example.org", "Registered systems"),
    ]
    assert "Refused &lt;b&gt;" in page.content.decode()
    assert "clara" in file


def test_page_says_what_is_set_up_but_no_password(world: World, server: None) -> None:
    html = world.clients["admin"].get("/health/mails/").content.decode()

    assert "mail.example.org:587" in html
    assert "never-shown" not in html
    assert "No mail failed" in html


def test_test_mail_goes_to_whoever_asks_in_the_own_language(world: World, server: None) -> None:
    UserLanguage.objects.create(user=User.objects.get(username="dora"), language="en")

    html = press(world)

    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["dora@example.org"], "Test mail of the billing portal")
    ]
    assert "The mail server has taken the test mail to dora@example.org." in html


def test_refusal_of_the_mail_server_is_told(world: World, server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(backend: EmailBackend, messages: object) -> int:
        raise SMTPRecipientsRefused({"dora@example.org": (550, b"no such user")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    html = press(world)

    assert "The mail server refused the mail" in html
    assert "The test mail is not tried again." in html


def test_nothing_is_sent_without_server_or_address(world: World, settings: Settings) -> None:
    without_server = press(world)
    settings.SENDS_MAIL = True
    without_address = press(world)

    assert "No mail server is set up: EMAIL_URL is empty. Nothing was sent." in without_server
    assert "Your account has no e-mail address." in without_address
    assert mail.outbox == []
