"""The command up: what it refuses, and the real programs answering and ending together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.management.commands import up
from portal.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_taken_port_ends_the_command_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "prepare", lambda: pytest.fail("prepared although the port is taken"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(CommandError) as caught:
            call_command("up", port=other.getsockname()[1])

    assert caught.value.returncode == 2
    assert "Address already in use" in str(caught.value)


def test_folder_that_cannot_be_written_ends_the_command(port: int, tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").touch()
    settings.VAR_DIR = tmp_path / "file"

    with pytest.raises(CommandError) as caught:
        call_command("up", port=port)

    assert caught.value.returncode == 2
    assert str(caught.value) == f"{tmp_path / 'file'}: File exists"


@pytest.mark.parametrize(("result", "code"), [(0, 0), (1, 1)])
def test_exit_code_tells_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, port: int, result: int, code: int, django_user_model: type[User]
) -> None:
    django_user_model.objects.create_user("anna")
    monkeypatch.setattr(up, "prepare", lambda: None)
    monkeypatch.setattr(Supervisor, "run", lambda supervisor: supervisor.say("A sentence.") or result)
    out, err = StringIO(), StringIO()

    ended = 0
    try:
        call_command("up", port=port, stdout=out, stderr=err)
    except CommandError as error:
        ended = error.returncode

    assert ended == code
    assert out.getvalue() == (
        f"Preparing the database ...\nThe portal is served at http://127.0.0.1:{port}/ (Ctrl+C ends it)\n"
    )
    assert err.getvalue() == "A sentence.\n"


def test_without_an_account_it_says_how_to_make_the_first(monkeypatch: pytest.MonkeyPatch, port: int, db: None) -> None:
    monkeypatch.setattr(up, "prepare", lambda: None)
    monkeypatch.setattr(Supervisor, "run", lambda supervisor: 0)
    out = StringIO()

    call_command("up", port=port, stdout=out)

    assert "Create the first account in another window: .venv/bin/python manage.py createsuperuser\n" in out.getvalue()


@pytest.mark.slow
def test_web_server_and_worker_do_their_work_and_end_together(tmp_path: Path, port: int) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite3",
        "CELERY_BROKER_URL": "filesystem://localhost",
        "VAR_DIR": str(tmp_path),
        "HTTPS": "off",
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    portal = subprocess.Popen([*manage, "up", "--port", str(port)], cwd=ROOT, env=environment)
    try:
        page = wait_for(f"http://127.0.0.1:{port}/accounts/login/", portal)
        alive = wait_for(f"http://127.0.0.1:{port}/healthz", portal)
        start_run(manage, environment)
        state = wait_for_run(manage, environment)
        seen = shell(
            manage, environment, "from portal.models import Heartbeat; print(Heartbeat.objects.get(name='beat'))"
        )
    finally:
        portal.send_signal(signal.SIGTERM)
        code = portal.wait(timeout=60)

    assert "csrfmiddlewaretoken" in page
    assert (alive, seen) == ("ok\n", "beat")
    assert state == "failed There is no active ticket system. Add one, then start the run again."
    assert code == 0


def wait_for(url: str, portal: "subprocess.Popen[bytes]") -> str:
    for _ in range(1200):  # the tables are made first
        if portal.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own server
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the web server did not come up")


def shell(manage: list[str], environment: dict[str, str], source: str) -> str:
    command = [*manage, "shell", "--no-imports", "--verbosity", "0", "--command", source]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def start_run(manage: list[str], environment: dict[str, str]) -> None:
    source = """
from django.utils import timezone
from billing.runs import start_run
from billing.tasks import run
from common.months import Month
run.delay(start_run(month=Month(2026, 10), now=timezone.now()).pk)
"""
    shell(manage, environment, source)


def wait_for_run(manage: list[str], environment: dict[str, str]) -> str:
    source = """
from billing.models import BillingRun
run = BillingRun.objects.get()
print(run.state, run.error)
"""
    for _ in range(40):
        state = shell(manage, environment, source)
        if not state.startswith(("queued", "running")):
            return state
    raise AssertionError(f"the worker did not take the run: {state}")
