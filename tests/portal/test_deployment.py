"""The compose file, the units of systemd and the queues say what docs/operations.md and the settings promise."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection

from portal.celery import app
from portal.serving import programs

ROOT = Path(__file__).resolve().parent.parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
KEPT_RUNNING = {"web", "worker-network", "worker-ledger", "beat", "db", "broker", "cache", "proxy"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["services"]
    return found


def of_the_portal(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if service["image"] == "billing-portal"}


def read_by_settings() -> set[str]:
    text = (ROOT / "portal" / "settings.py").read_text(encoding="utf-8")
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))


def test_every_service_is_there(services: dict[str, Any]) -> None:
    assert set(services) == KEPT_RUNNING | {"migrate"}
    assert set(of_the_portal(services)) == {"migrate", "web", "worker-network", "worker-ledger", "beat"}


def test_what_ends_is_started_again(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service["restart"] == "unless-stopped"} == KEPT_RUNNING


def test_everything_that_runs_has_a_health_check_but_the_example_of_a_proxy(services: dict[str, Any]) -> None:
    checked = {name for name, service in services.items() if "healthcheck" in service}

    assert checked == KEPT_RUNNING - {"proxy"}
    assert "/healthz" in str(services["web"]["healthcheck"])


def test_portal_starts_when_the_database_is_migrated_and_all_answer(services: dict[str, Any]) -> None:
    wanted = {name: {"condition": "service_healthy"} for name in ("db", "broker", "cache")}

    for name, service in of_the_portal(services).items():
        if name != "migrate":
            assert service["depends_on"] == wanted | {"migrate": {"condition": "service_completed_successfully"}}


def test_each_queue_has_a_worker_and_its_canary(services: dict[str, Any]) -> None:
    for queue in settings.WORKER_QUEUES:
        worker = services[f"worker-{queue}"]
        assert f"--queues {queue} " in worker["command"]
        assert worker["healthcheck"]["test"][-1] == f"worker={queue}"
        assert worker["stop_grace_period"] == "260s"


def test_there_is_one_scheduler(services: dict[str, Any]) -> None:
    commands = [str(service.get("command", "")) for service in services.values()]

    assert sum(" beat " in command or "--beat" in command for command in commands) == 1
    assert "deploy" not in services["beat"]


def test_broker_keeps_its_tasks_and_the_cache_is_another_one(services: dict[str, Any]) -> None:
    broker, cache = services["broker"], services["cache"]

    assert "--appendonly yes --appendfsync everysec" in broker["command"]
    assert "--maxmemory-policy noeviction" in broker["command"]
    assert broker["volumes"]
    assert "--maxmemory-policy allkeys-lru" in cache["command"]
    addresses = services["web"]["environment"]
    assert addresses["CELERY_BROKER_URL"] == "redis://broker:6379/0"
    assert addresses["REDIS_URL"] == "redis://cache:6379/0"


def test_compose_file_sets_only_what_the_settings_read(services: dict[str, Any]) -> None:
    given = {name for service in of_the_portal(services).values() for name in service["environment"]}

    assert given <= read_by_settings()
    assert services["migrate"]["environment"]["DATABASE_STATEMENT_TIMEOUT_SECONDS"] == "0"


def test_compose_file_asks_only_for_what_the_example_file_has() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) == {"POSTGRES_PASSWORD"}


def test_nothing_but_the_proxy_is_reached_from_outside(services: dict[str, Any]) -> None:
    open_ports = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert open_ports == {"web": ["127.0.0.1:8000:8000"], "proxy": ["80:80", "443:443"]}


def test_portal_runs_without_rights(services: dict[str, Any]) -> None:
    for service in of_the_portal(services).values():
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_image_is_not_root_and_holds_the_locked_packages() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    final = text.rpartition("FROM ")[2]

    assert re.findall(r"^USER (.+)$", final, re.MULTILINE) == ["10001"]
    assert final.index("USER 10001") < final.index("collectstatic") < final.index("CMD")
    assert "uv sync --frozen --no-dev" in text


def test_tools_of_the_image_are_as_new_as_the_database(services: dict[str, Any]) -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert re.findall(r"postgresql-client-(\d+)", image) == re.findall(r"\d+", services["db"]["image"])


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("tickets.sync", "network"),
        ("outofoffice.send", "network"),
        ("billing.refresh_kivitendo", "network"),
        ("portal.send_mails", "network"),
        ("billing.run", "ledger"),
        ("portal.resume_jobs", "ledger"),
        ("portal.start_due_runs", "ledger"),
        ("portal.plan_readings", "ledger"),
        ("portal.plan_kivitendo", "ledger"),
    ],
)
def test_task_goes_to_its_queue(task: str, queue: str) -> None:
    app.loader.import_default_modules()

    assert task in app.tasks
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_no_queue_gets_what_is_meant_for_the_other() -> None:
    ways = {(queue.exchange.name, queue.routing_key) for queue in app.conf.task_queues}

    assert [queue.name for queue in app.conf.task_queues] == list(settings.WORKER_QUEUES)
    assert len(ways) == len(settings.WORKER_QUEUES)


def test_worker_of_one_machine_takes_both_queues() -> None:
    _web, worker = programs(host="127.0.0.1", port=8000)

    assert "--beat" in worker.arguments
    assert not {"-Q", "--queues"} & set(worker.arguments)


def test_late_messages_are_thrown_away_instead_of_piling_up() -> None:
    entries: Any = settings.CELERY_BEAT_SCHEDULE.values()

    for entry in entries:
        assert entry["options"]["expires"] == entry["schedule"]


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [("statement_timeout", "30s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "1min")],
)
def test_server_knows_the_limits(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_can_be_read_and_keeps_its_program_running(unit: Path) -> None:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # the way the standard library documents
    found.read(unit, encoding="utf-8")

    assert found["Unit"]["Description"].startswith("Billing portal")
    if unit.suffix == ".service":
        service = found["Service"]
        assert service["User"] == "portal"
        assert service["EnvironmentFile"] == "/etc/portal/portal.env"
        assert service["NoNewPrivileges"] == "yes"
        assert service["ExecStart"].startswith("/opt/portal/.venv/bin/")
        assert (service.get("Restart"), service.get("Type")) in {("always", None), (None, "oneshot")}


def test_target_wants_pages_both_workers_and_one_scheduler() -> None:
    text = (ROOT / "deploy" / "systemd" / "portal.target").read_text(encoding="utf-8")

    wanted = re.findall(r"^Wants=(.*)$", text, re.MULTILINE)[0].split()
    workers = [f"portal-worker@{queue}.service" for queue in settings.WORKER_QUEUES]
    assert wanted == ["portal-web.service", *workers, "portal-beat.service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze; the units are parsed above")
def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    """With programs that exist on every machine in the place of the portal's own."""
    for unit in UNITS:
        text = re.sub(r"/opt/portal/\.venv/bin/\w+", shutil.which("true") or "", unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
