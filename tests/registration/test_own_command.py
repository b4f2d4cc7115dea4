"""``manage.py registration``: exit codes, documents, and no secret on the command line."""

import json
import sys
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from registration.own_models import OwnRegistration
from registration.own_steps import the_own
from tests.commands import Terminal, run_command
from tests.registration.conftest import NOW
from tests.registration.server import OTRS_ID, PASSWORD, RegistrationServer

COMMAND = "registration.management.commands.registration"
ACCOUNT = ("--otrs-id", OTRS_ID)


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRATION_PASSWORD", PASSWORD)


def test_token_is_printed_and_registers(
    db: None, registry: RegistrationServer, password: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run_command("registration", "token", *ACCOUNT)
    monkeypatch.delenv("REGISTRATION_PASSWORD")
    monkeypatch.setenv("REGISTRATION_TOKEN", out.strip())
    done = run_command("registration", "register", *ACCOUNT, "--type", "test", "--description", "Büro")

    assert (code, out, err) == (0, "token-1\n", "")
    assert done == (0, "This portal is registered.\n", "")
    assert (the_own().system_type, the_own().description) == ("test", "Büro")


def test_whole_life_as_documents(db: None, registry: RegistrationServer, password: None) -> None:
    calls = [
        ("token", *ACCOUNT),
        ("register", *ACCOUNT, "--type", "production"),
        ("update", "--type", "test", "--debug"),
        ("status",),
        ("check",),
        ("deregister", *ACCOUNT),
    ]
    answers = [run_command("registration", *call, "--json") for call in calls]

    assert [(code, err) for code, _out, err in answers] == [(0, "")] * 6
    token, registered, updated, status, check, deregistered = (json.loads(out) for _code, out, _err in answers)
    assert token == {"success": True, "token": "token-1"}
    assert (registered["success"], registered["State"], updated["Type"]) == (True, "registered", "test")
    assert (status["Check"], status["FQDN"], status["UniqueID"]) == ("", "portal.example.com", registered["UniqueID"])
    assert check == {"check": ""}
    assert deregistered["State"] == "deregistered"
    assert [purpose.get("Purpose") for purpose in map(registry.data, (0, 1, 4))] == [None, "Register", "Deregister"]
    assert not any("key-" in out for _code, out, _err in answers)


def test_password_is_asked_for_at_a_terminal(
    db: None, registry: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return PASSWORD

    monkeypatch.setattr(f"{COMMAND}.getpass", answer)

    assert run_command("registration", "token", *ACCOUNT)[0] == 0
    assert asked == ["Password of the OTRS-ID: "]


def test_password_that_nobody_can_type_is_wrong_use(db: None, registry: RegistrationServer) -> None:
    code, _out, err = run_command("registration", "token", *ACCOUNT)

    assert (code, registry.bodies) == (2, [])
    assert "REGISTRATION_PASSWORD" in err


def test_wrong_password_is_not_done(db: None, registry: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRATION_PASSWORD", "wrong")

    refused = (1, "", "Username unknown or password incorrect.")
    assert run_command("registration", "register", *ACCOUNT, "--type", "test") == refused
    assert run_command("registration", "deregister", *ACCOUNT) == refused


@pytest.mark.django_db
def test_update_of_an_unregistered_portal_is_wrong_use(registry: RegistrationServer) -> None:
    code, _out, err = run_command("registration", "update")

    assert (code, err) == (2, "This portal is not registered, so nothing was sent. Register it first.")


def test_update_is_told(registered: RegistrationServer) -> None:
    assert run_command("registration", "update") == (0, "The registration server took the update.\n", "")


def test_update_that_does_not_get_through_is_not_done(registered: RegistrationServer) -> None:
    registered.faults = ["lost request"] * 3

    code, out, err = run_command("registration", "update")

    assert (code, out) == (1, "")
    assert err.startswith("Can't connect to server")


def test_status_is_printed_line_by_line(registered: RegistrationServer) -> None:
    code, out, _err = run_command("registration", "status")

    assert code == 0
    assert out.splitlines()[0] == "State: registered"
    assert "UniqueID: unique-2" in out.splitlines()
    assert "Reason:" in out.splitlines()


@pytest.mark.parametrize(
    ("days", "code", "out"),
    [(14, 0, ""), (15, 1, "on-grace-period\n"), (44, 1, "on-grace-period\n"), (45, 1, "expired\n")],
)
def test_check_tells_by_exit_code(registered: RegistrationServer, days: int, code: int, out: str) -> None:
    with time_machine.travel(NOW + timedelta(days=days), tick=False):
        assert run_command("registration", "check") == (code, out, "")
        assert json.loads(run_command("registration", "check", "--json")[1]) == {"check": out.strip()}


@pytest.mark.parametrize("call", ["token", "register", "update", "deregister", "status", "check"])
def test_every_call_has_help_with_an_example(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("registration", call, "--help")

    assert ended.value.code == 0
    assert f"manage.py registration {call}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "arguments", [(), ("register", "--type", "test"), ("register", *ACCOUNT), ("update", "--type", "x")]
)
def test_wrong_arguments_are_refused(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("registration", *arguments)
    assert OwnRegistration.objects.count() == 0
