"""What holds for every test: no network but loopback, no name look-ups, property tests without a clock."""

import os
import socket
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import timezone, translation
from hypothesis import settings as hypothesis_settings

from audit.sealing import seal_waiting
from tests.migrated import in_memory, keep, kept_in, restored
from tests.unguarded import emptying

LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})
PRODUCTION_DATABASE = "django.db.backends.postgresql"

hypothesis_settings.register_profile("local", deadline=None, max_examples=50)
hypothesis_settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
hypothesis_settings.register_profile("again", parent=hypothesis_settings.get_profile("ci"), max_examples=50)
hypothesis_settings.load_profile(
    "local" if os.environ.get("CI") != "true" else "again" if os.environ.get("ONLY_DATABASE") else "ci"
)


def on_postgresql() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"] == PRODUCTION_DATABASE)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("REQUIRE_POSTGRESQL") and not on_postgresql():
        raise pytest.UsageError("REQUIRE_POSTGRESQL is set, but DATABASE_URL does not name a PostgreSQL database.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``ONLY_DATABASE`` set, tests that never ask a database are left out: another run has had them."""
    if os.environ.get("ONLY_DATABASE"):
        config.hook.pytest_deselected(items=[item for item in items if not asks_database(item)])
        items[:] = filter(asks_database, items)


def asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db", "django_db_setup"})


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and not on_postgresql():
        pytest.skip("needs PostgreSQL: DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page that an earlier test asked for in German leaves that language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True, scope="session")
def tables_can_be_emptied() -> Iterator[None]:
    """After a test with transactions of its own the tables are emptied, against the guards."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def unguarded(self: Any, statements: list[str]) -> None:
        with emptying(self.connection):
            flush(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", unguarded)
        yield


@pytest.fixture(scope="session")
def migrations_file(pytestconfig: pytest.Config) -> Path | None:
    """Where the database that the migrations build is kept; None where it is not SQLite in memory."""
    return kept_in(pytestconfig.cache.mkdir("migrations")) if in_memory() else None


@pytest.fixture(scope="session")
def kept_migrations(migrations_file: Path | None) -> Iterator[None]:
    with restored(migrations_file) if migrations_file else nullcontext():
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    kept_migrations: None, django_db_setup: None, django_db_blocker: Any, migrations_file: Path | None
) -> None:
    """What ``migrate`` has written into the audit log waits for no scheduler here, however long the tests take."""
    with django_db_blocker.unblock():
        seal_waiting(now=timezone.now())
        if migrations_file and not migrations_file.exists():
            keep(migrations_file)


@pytest.fixture(autouse=True)
def no_name_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs the name server fails at once and everywhere, not only where there is none."""
    look_up = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, f"tests look up no names, not even {name}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
