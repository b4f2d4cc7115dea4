"""Marked secrets, and every place that they could turn up: pages, errors, logs, mails, messages, tables, dumps."""

import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery.signals import before_task_publish
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpRequest
from pytest_django import Settings

from billing.tasks import refresh_kivitendo
from billing.tasks import run as run_billing
from generic_interface.errors import InterfaceError
from outofoffice.tasks import send as send_absences
from portal import tasks
from portal.celery import app
from portal.logs import JsonFormatter, LineFormatter
from registration.own_steps import the_own
from registration.own_tasks import update
from tests.factories.registered_systems import AccountFactory
from tests.generic_interface.replay import ReplayServer, Request, answer
from tests.pages.pages import addresses
from tests.pages.world import NOW, World
from tickets.checks import check_connection
from tickets.connect import open_client
from tickets.models import SyncRun, TicketSystem
from tickets.tasks import deliver, sync

SECRETS = {
    "password of the agent": "marker-agent-Wq7",
    "session of the ticket system": "marker-session-Xr8",
    "password of rpc.pl": "marker-rpc-Yt9",
    "secret key": "marker-secret-key-Zu1" + 40 * "z",
    "encryption key": Fernet.generate_key().decode(),
    "API key of the registration": "marker-api-key-Ai2",
    "password of a registered account": "marker-account-Bo3",
    "password of the mail server": "marker-mail-Cp4",
    "password of the ERP": "marker-erp-Dq5",
    "token for the metrics": "marker-metrics-Er6",
}
LEAK = "marker-of-a-leak"
"""Stands in an answer and in a log on purpose: the search finds what is there."""


class Found:
    """All that came out while the test ran, as text."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def note(self, where: str, text: object) -> None:
        self.texts[where] = f"{self.texts.get(where, '')}\n{text}"

    @property
    def secrets(self) -> list[tuple[str, str]]:
        return [(where, name) for where, text in self.texts.items() for name, mark in SECRETS.items() if mark in text]


@pytest.fixture
def found(settings: Settings) -> Iterator[Found]:
    """Listens to the log in both forms, at the most talkative level, and to what is sent to workers."""
    found = Found()
    keys = [settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS, SECRETS["token for the metrics"]]
    streams = {"log": (LineFormatter(secrets=keys), StringIO()), "JSON log": (JsonFormatter(secrets=keys), StringIO())}
    root, handlers = logging.getLogger(), []
    level = root.level
    for formatter, stream in streams.values():
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        handlers.append(handler)
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def published(body: object = None, headers: object = None, properties: object = None, **_more: object) -> None:
        found.note("messages", f"{body!r} {headers!r} {properties!r}")

    before_task_publish.connect(published, weak=False)
    yield found
    before_task_publish.disconnect(published)
    root.setLevel(level)
    for handler, (where, (_formatter, stream)) in zip(handlers, streams.items(), strict=True):
        root.removeHandler(handler)
        found.note(where, stream.getvalue())


def read_logs(found: Found) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and isinstance(handler.stream, StringIO):
            found.note("log", handler.stream.getvalue())


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def echo(request: Request) -> bytes:
    """A ticket system that gives a session and fails at all else with what it was sent, headers and all."""
    if request.path.endswith("SessionCreate"):
        return answer({"SessionID": SECRETS["session of the ticket system"]})
    said = f"{request.target} {request.headers} {request.body.decode()}"
    if request.path.endswith("rpc.pl"):
        return answer({"faultstring": said}, status="500 Internal Server Error")
    return answer({"Error": {"ErrorCode": "TicketSearch.Broken", "ErrorMessage": said}})


@pytest.fixture
def marked(world: World, settings: Settings) -> Iterator[World]:
    """The world with marked secrets, a ticket system that echoes, and services that do not answer."""
    port = closed_port()
    settings.SECRET_KEY = SECRETS["secret key"]
    settings.FIELD_ENCRYPTION_KEYS = [SECRETS["encryption key"], *settings.FIELD_ENCRYPTION_KEYS]
    settings.METRICS_TOKEN = SECRETS["token for the metrics"]
    settings.KIVITENDO_DATABASE_URL = f"postgres://portal:{SECRETS['password of the ERP']}@127.0.0.1:{port}/erp"
    settings.REGISTRATION_URL = f"http://127.0.0.1:{port}/otrs/public.pl"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.SENDS_MAIL = "127.0.0.1", port, True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", SECRETS["password of the mail server"]
    own = the_own()
    own.state, own.server, own.next_due = "registered", settings.REGISTRATION_URL, NOW
    own.last_ok = NOW
    own.unique_id, own.update_id, own.api_key = "u-1", "u-2", SECRETS["API key of the registration"]
    own.save()
    AccountFactory(otrs_id="marked@example.org", password=make_password(SECRETS["password of a registered account"]))
    with ReplayServer(echo) as server:
        system = TicketSystem.objects.get(pk=world.system.pk)
        system.base_url, system.rpc_url, system.rpc_user = server.base_url, f"{server.base_url}/rpc.pl", "soapuser"
        system.password, system.rpc_password = SECRETS["password of the agent"], SECRETS["password of rpc.pl"]
        system.save()
        for role in world.clients.values():
            role.raise_request_exception = False
        for name in ("manager", "billing", "admin"):  # the key that signs the sessions is another one now
            world.clients[name].force_login(_user_of(name))
        yield world


def _user_of(role: str) -> Any:
    names = {"manager": "anna", "billing": "clara", "admin": "dora"}
    return apps.get_model("auth", "User").objects.get(username=names[role])


def walk(world: World, found: Found, where: str) -> None:
    """Every page, with and without a form, and the set-up pages of what holds secrets."""
    client = world.clients["admin"]
    paths = [each.path for each in addresses(world) if each.name not in {"account_logout"}]
    paths += [
        f"/admin/tickets/ticketsystem/{world.system.pk}/change/",
        f"/admin/tickets/ticketsystem/{world.system.pk}/check/",
        "/admin/tickets/ticketsystem/",
        "/admin/registration/account/",
    ]
    for path in paths:
        answers: list[Any] = [client.get(path), client.post(path, {"q": "x"})]
        for response in answers:
            content = b"".join(response.streaming_content) if response.streaming else response.content
            found.note(f"{where} {path}", content.decode(errors="replace"))
            found.note("headers", response.headers)


class RaisingMiddleware:
    """An error in every view, with all secrets in its frame."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        system = TicketSystem.objects.latest("pk")
        password, rpc_password, everything = system.password, system.rpc_password, dict(SECRETS)
        assert password, rpc_password
        raise RuntimeError(f"{LEAK} {len(everything)}")


def test_search_finds_what_is_there(marked: World, found: Found) -> None:
    logging.getLogger("portal").debug("leak: %s", SECRETS["password of the agent"])
    read_logs(found)

    assert ("log", "password of the agent") in found.secrets


@pytest.mark.slow
def test_no_page_shows_a_secret(marked: World, found: Found) -> None:
    walk(marked, found, "page")
    read_logs(found)

    assert found.secrets == []


@pytest.mark.slow
def test_no_error_shows_a_secret(marked: World, found: Found, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.pages.test_secrets.RaisingMiddleware"]

    walk(marked, found, "error")
    read_logs(found)

    assert LEAK in found.texts["log"]
    assert not any(LEAK in text for where, text in found.texts.items() if where.startswith("error"))
    assert found.secrets == []


@pytest.mark.slow
def test_no_task_leaves_a_secret_anywhere(marked: World, found: Found) -> None:
    """Each with services that fail, then what stands in the tables, as the database and as a dump see it."""
    reading = SyncRun.objects.latest("pk")
    SyncRun.objects.filter(pk=reading.pk).update(state="queued", complete=False, lease_until=None, attempts=0)
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (sync, (reading.pk,)),
        (deliver, (marked.system.pk,)),
        (run_billing, (marked.run.pk,)),
        (refresh_kivitendo, ()),
        (send_absences, (1,)),
        (update, ()),
        (tasks.resume_jobs, ()),
        (tasks.start_due_runs, ()),
        (tasks.send_mails, ()),
        (tasks.plan_readings, ()),
        (tasks.plan_kivitendo, ()),
        (tasks.plan_registration, ()),
        (tasks.plan_registration_mails, ()),
        (tasks.seal_audit_log, ()),
        (tasks.forget_requests, ()),
        (tasks.heartbeat, ("ledger",)),
    ]
    app.loader.import_default_modules()
    own = {name for name in app.tasks if not name.startswith(("celery.", "tests."))}
    assert {task.name for task, _arguments in calls} | {"billing.deliver_messages"} >= own

    for task, arguments in calls:
        task.apply(arguments)
        task.apply_async(arguments)
    for check in check_connection(marked.system.pk):
        found.note("check", check)
    with suppress(InterfaceError), open_client(TicketSystem.objects.get(pk=marked.system.pk)) as client:
        client.any_ticket_visible()
    read_logs(found)
    found.note("tables", tables())
    if connection.vendor == "sqlite":
        found.note("file of the database", connection.connection.serialize().decode(errors="replace"))

    assert "messages" in found.texts
    assert found.secrets == []


def tables() -> str:
    """Every row of every table as the database holds it."""
    lines = []
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")  # noqa: S608  # names of tables
            lines += [f"{name} {row!r}" for row in cursor.fetchall()]
    return "\n".join(lines)


COMMANDS: list[tuple[str, ...]] = [
    ("check_connection", "Helpdesk", "--json"),
    ("sync", "--period", "2026-10"),
    ("ticket_system", "list", "--json"),
    ("health",),
    ("kivitendo_refresh",),
    ("kivitendo_check", "--period", "2026-10"),
    ("registration", "status", "--json"),
    ("registration", "update", "--json", "--debug"),
    ("registration", "check"),
    ("bill", "2026-10", "--json"),
    ("export_orders", "2026-10", "--format", "kivitendo"),
    ("agents", "list", "--system", "Helpdesk", "--json"),
    ("discrepancies", "--period", "2026-10"),
    ("audit_ledger",),
    ("time_report", "--period", "2026-10", "--by", "agent"),
    ("web_service_definition", "--system", "Helpdesk"),
    ("check",),
    ("check", "--deploy"),
    ("dumpdata",),
]
"""What a person types, most of it while something fails."""


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_secret(
    marked: World, found: Found, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = StringIO(), StringIO()
    arguments = (*command[1:], "--output", str(tmp_path)) if command[0] == "export_orders" else command[1:]
    with suppress(SystemExit, CommandError):
        call_command(command[0], *arguments, stdout=out, stderr=err)

    read_logs(found)
    found.note("printed", out.getvalue() + err.getvalue())
    for path in tmp_path.iterdir():
        found.note("file", path.read_bytes().decode(errors="replace"))
    assert found.secrets == []


@pytest.mark.parametrize("field", ["base_url", "rpc_url"])
def test_address_with_a_password_is_refused_and_not_shown_again(marked: World, field: str) -> None:
    client = marked.clients["admin"]
    path = f"/admin/tickets/ticketsystem/{marked.system.pk}/change/"
    address = f"https://portal:{SECRETS['password of the agent']}@help.example.org/otrs/rpc.pl"

    html = client.post(path, {field: address, "name": "Helpdesk"}).content.decode()

    assert "must not contain a login or a password" in html
    assert TicketSystem.objects.filter(**{f"{field}__contains": "@"}).count() == 0
