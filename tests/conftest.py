"""What holds for every test: no network but loopback, no name look-ups, property tests without a clock."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from billing import guards

LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})
PRODUCTION_DATABASE = "django.db.backends.postgresql"

hypothesis_settings.register_profile("local", deadline=None, max_examples=50)
hypothesis_settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def on_postgresql() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"] == PRODUCTION_DATABASE)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("REQUIRE_POSTGRESQL") and not on_postgresql():
        raise pytest.UsageError("REQUIRE_POSTGRESQL is set, but DATABASE_URL does not name a PostgreSQL database.")


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
        guards.remove(self.connection)
        flush(self, statements)
        guards.install(self.connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", unguarded)
        yield


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
