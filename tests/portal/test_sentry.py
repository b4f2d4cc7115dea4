"""Errors go to Sentry only where somebody asked for it, and without secrets or searches."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from portal import sentry

DSN = "https://key@sentry.example.com/1"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(sentry, "is_installed", lambda: True)
    monkeypatch.setattr(
        sentry, "import_module", lambda name: SimpleNamespace(init=lambda **options: calls.append(options))
    )
    return calls


def test_nothing_starts_without_an_address(sent: list[dict[str, Any]]) -> None:
    assert not sentry.start_sentry("")
    assert sent == []


def test_it_starts_without_people_bodies_and_variables(sent: list[dict[str, Any]]) -> None:
    assert sentry.start_sentry(DSN)

    (options,) = sent
    assert (options["dsn"], options["send_default_pii"]) == (DSN, False)
    assert (options["include_local_variables"], options["max_request_body_size"]) == (False, "never")


def test_missing_package_is_a_sentence_of_the_check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentry, "find_spec", lambda name: None)
    settings.SENTRY_DSN = DSN

    assert not sentry.start_sentry(DSN)
    assert [found.id for found in run_checks() if found.id == "portal.E002"] == ["portal.E002"]


def test_check_is_silent_without_an_address() -> None:
    assert [found.id for found in run_checks() if found.id == "portal.E002"] == []


def test_event_loses_secrets_cookies_and_what_was_searched_for() -> None:
    request = {"method": "GET", "url": "https://portal/tickets/", "query_string": "q=Zebra", "cookies": {"a": "b"}}
    event = {"request": request, "extra": {"Password": "hidden"}, "message": "token=hidden-too"}

    assert sentry.before_send(event, {}) == {
        "request": {"method": "GET", "url": "https://portal/tickets/"},
        "extra": {"Password": "[redacted]"},
        "message": "token=[redacted]",
    }
