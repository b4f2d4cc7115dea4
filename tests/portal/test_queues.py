"""A real worker over files: it takes what is meant for its queue and leaves the rest."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
SEND = (
    "from portal.tasks import heartbeat; [heartbeat.apply_async((name,), queue=name) for name in ('ledger', 'network')]"
)
SEEN = "from portal.models import Heartbeat; print(*Heartbeat.objects.values_list('name', flat=True))"

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite3",
        "CELERY_BROKER_URL": "filesystem://localhost",
        "VAR_DIR": str(tmp_path),
        "HTTPS": "off",
    }


class Shell:
    """Runs commands and workers of a portal of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def python(self, source: str) -> str:
        return self.manage("shell", "--no-imports", "--verbosity", "0", "--command", source)

    def worker(self, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery", "worker", "--pool", "solo"]
        return subprocess.Popen([*command, "--loglevel", "WARNING", *options], cwd=ROOT, env=self.environment)


@pytest.fixture
def shell(environment: dict[str, str]) -> Shell:
    return Shell(environment)


@pytest.mark.parametrize(("options", "seen"), [(["--queues", "network"], "network"), ([], "ledger network")])
def test_worker_takes_its_queue_and_no_other(shell: Shell, tmp_path: Path, options: list[str], seen: str) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker-control").mkdir()
    shell.manage("migrate", "--verbosity", "0")
    shell.python(SEND)

    worker = shell.worker(*options)
    try:
        found = ""
        for _attempt in range(100):
            found = shell.python(SEEN)
            if found == seen:
                break
            time.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait(timeout=60)

    assert found == seen
    left = [path.name for path in (tmp_path / "broker").iterdir()]
    assert [name.split(".")[1] for name in left] == ["ledger"] * (2 - len(seen.split()))
