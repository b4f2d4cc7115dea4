"""A copy of the database brings the portal back with the same ledger."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from audit.actions import Action
from audit.models import AuditRow
from portal import backups
from portal.backups import BackupFailed, back_up, check, restore
from tests.billing.scenes import bill, read_completely, ticket_of
from tests.commands import run_command
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory

ROOT = django_settings.BASE_DIR


def manage(*arguments: str, address: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def audit() -> dict[str, Any]:
    code, out, _err = run_command("audit_ledger", "--json")
    found: dict[str, Any] = json.loads(out)
    assert code == 0
    return found


def bill_something() -> None:
    system = TicketSystemFactory()
    read_completely(system)
    for number in range(3):
        customer = CustomerFactory(system=system)
        AgreementFactory(customer=customer)
        ticket_of(customer, 30 + number)
    bill()


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT text FROM kept")]


@pytest.fixture
def file_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with one table, which the portal's settings name."""
    path = tmp_path / "portal ü?.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kept (text)")
        database.execute("INSERT INTO kept VALUES ('row')")
    monkeypatch.setitem(django_settings.DATABASES["default"], "NAME", str(path))
    monkeypatch.setattr(connection, "vendor", "sqlite")
    return path


def test_copy_holds_what_is_still_in_the_log_and_is_private(file_of_sqlite: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with closing(sqlite3.connect(file_of_sqlite, isolation_level=None)) as writer:
        writer.execute("INSERT INTO kept VALUES ('in the log')")

        back_up(copy)

    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy"]
    assert rows(copy) == ["row", "in the log"]


@pytest.mark.django_db
def test_command_says_how_large_the_copy_is_and_how_to_prove_it(file_of_sqlite: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"

    code, out, err = run_command("backup", str(copy))

    assert (code, err) == (0, "")
    assert f"Wrote {copy} ({copy.stat().st_size} bytes)." in out
    assert f"manage.py restore --check {copy}" in out


@pytest.mark.django_db
def test_existing_file_is_never_written_over(file_of_sqlite: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text("of yesterday")

    code, _out, err = run_command("backup", str(copy))

    assert (code, copy.read_text()) == (1, "of yesterday")
    assert "exists already; nothing was written" in err


def test_copy_that_fails_leaves_nothing_behind(file_of_sqlite: Path, tmp_path: Path) -> None:
    file_of_sqlite.write_bytes(b"no database at all, but long enough to be read as one")

    with pytest.raises(BackupFailed, match="file is not a database"):
        back_up(tmp_path / "copy")

    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


def test_folder_that_is_not_there_is_told(file_of_sqlite: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file or directory"):
        back_up(tmp_path / "missing" / "copy")


def test_copy_is_restored_into_an_empty_database_only(
    file_of_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, target = tmp_path / "copy", tmp_path / "target.sqlite3"
    back_up(copy)
    monkeypatch.setitem(django_settings.DATABASES["default"], "NAME", str(target))
    monkeypatch.setattr(connection, "close", lambda: None)

    monkeypatch.setattr(connection.introspection, "table_names", lambda: ["kept"])
    with pytest.raises(BackupFailed, match="not empty; nothing was changed"):
        restore(copy)
    assert not target.exists()

    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert run_command("restore", str(copy))[0] == 0
    assert rows(target) == ["row"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "no copy that"), (b"something else", "no copy that"), (b"PGDMP\x01", "server to try it on")],
)
def test_file_that_is_no_copy_is_refused(file_of_sqlite: Path, tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    code, _out, err = run_command("restore", "--check", str(file))

    assert (code, sentence in err) == (1, True)


def test_file_that_is_not_there_and_the_other_kind_are_refused(file_of_sqlite: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file"):
        restore(tmp_path / "missing")

    (tmp_path / "dump").write_bytes(b"PGDMP\x01")
    with pytest.raises(BackupFailed, match="other kind of database"):
        restore(tmp_path / "dump")


def test_damaged_copy_is_found(file_of_sqlite: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    back_up(copy)
    content = bytearray(copy.read_bytes())
    content[-4096:] = bytes(4096)
    copy.write_bytes(content)

    with pytest.raises(BackupFailed, match=r"damaged|malformed"):
        list(check(copy))


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BackupFailed, match="pg_dump is missing; install the client of PostgreSQL"):
        back_up(tmp_path / "copy")


def test_address_of_the_copy_keeps_every_character_of_the_password() -> None:
    database = {"NAME": "copy", "USER": "p@rtal", "PASSWORD": "a/b:c@d%", "HOST": "db", "PORT": 5433}

    assert backups._address(database | {"OPTIONS": {"sslmode": "require"}}) == (
        "postgres://p%40rtal:a%2Fb%3Ac%40d%25@db:5433/copy?sslmode=require"
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_copy_of_sqlite_has_the_same_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the dump of PostgreSQL has tests of its own")
    whole, copy, target = (tmp_path / name for name in ("whole.sqlite3", "copy", "target.sqlite3"))
    bill_something()
    before = audit()
    with closing(sqlite3.connect(whole)) as file:
        connection.connection.backup(file)
    monkeypatch.setitem(django_settings.DATABASES["default"], "NAME", str(whole))
    back_up(copy)

    code, out, err = run_command("restore", "--check", str(copy))
    manage("restore", str(copy), address=f"sqlite:///{target}")

    assert (code, err) == (0, "")
    assert "3 orders" in out
    assert out.endswith("The copy can be restored.\n")
    assert before["orders"] == 3
    assert json.loads(manage("audit_ledger", "--json", address=f"sqlite:///{target}")) == before


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The address of one on the same server."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield backups._address(dict(connection.settings_dict) | {"NAME": name})
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgresql
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_dump_restored_on_an_empty_database_has_the_same_ledger(tmp_path: Path, empty_database: str) -> None:
    bill_something()
    before, dump = audit(), tmp_path / "portal.dump"
    back_up(dump)

    manage("restore", str(dump), address=empty_database)
    manage("migrate", "--check", address=empty_database)

    assert (before["orders"], before["ok"]) == (3, True)
    assert json.loads(manage("audit_ledger", "--json", address=empty_database)) == before
    count = "SELECT count(*) FROM pg_trigger"
    source = f"from django.db import connection as c; k = c.cursor(); k.execute('{count}'); print(k.fetchone()[0])"
    triggers = manage("shell", "--no-imports", "-v", "0", "-c", source, address=empty_database)
    with connection.cursor() as cursor:
        cursor.execute(count)
        assert (int(triggers),) == cursor.fetchone()


@pytest.mark.postgresql
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_check_of_a_dump_proves_its_ledger_and_changes_nothing(tmp_path: Path) -> None:
    bill_something()
    before, dump = audit(), tmp_path / "portal.dump"
    back_up(dump)

    code, out, err = run_command("restore", "--check", str(dump))

    assert (code, err) == (0, "")
    assert "3 orders" in out
    assert audit() == before
    with pytest.raises(BackupFailed, match="not empty"):
        restore(dump)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_cut_dump_is_found_and_leaves_no_database(tmp_path: Path) -> None:
    dump = tmp_path / "portal.dump"
    back_up(dump)
    dump.write_bytes(dump.read_bytes()[:-2000])

    with pytest.raises(BackupFailed, match="pg_restore"):
        list(check(dump))

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'portal_check_%%'")
        assert cursor.fetchone() == (0,)


def test_restoring_is_a_line_of_the_audit_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: None) -> None:
    monkeypatch.setattr("portal.management.commands.restore.restore", lambda path: None)

    code, _, _ = run_command("restore", str(tmp_path / "copy.sqlite3"))

    assert (code, AuditRow.objects.filter(action=Action.RESTORED).get().object_name) == (0, "copy.sqlite3")
