"""Copies of the whole database in one file, and the proof that they bring the portal back.

PostgreSQL: ``pg_dump`` in its own format, which sees one moment of a database that goes on working. SQLite: its backup
interface, for the same reason; copying the file loses what is still in the write-ahead log.
"""

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

DUMP_MARK, SQLITE_MARK = b"PGDMP", b"SQLite format 3\0"
NAMES_IN_ENVIRONMENT = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}


class BackupFailed(Exception):
    """Nothing was kept of it; the text says why, and what to do."""


def back_up(path: Path) -> None:
    """Write a copy of the database, readable by its owner alone; raises ``BackupFailed``, also where ``path`` exists.

    What is written is put in place only when it is whole.
    """
    if path.exists():
        raise BackupFailed(_("%(path)s exists already; nothing was written. Choose another name.") % {"path": path})
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        unfinished.touch(mode=0o600)
        if connection.vendor == "sqlite":
            _copy_sqlite(str(settings.DATABASES["default"]["NAME"]), unfinished)
        else:
            _run("pg_dump", "--format=custom", "--no-owner", f"--file={unfinished}", database=_database())
        os.link(unfinished, path)  # fails where the name was taken meanwhile
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{path}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def restore(path: Path) -> None:
    """Fill the portal's own database from the copy; raises ``BackupFailed`` where that is not empty."""
    is_sqlite = _is_sqlite(path)
    if is_sqlite != (connection.vendor == "sqlite"):
        raise BackupFailed(_("%(path)s is of the other kind of database than DATABASE_URL.") % {"path": path})
    if connection.introspection.table_names():
        raise BackupFailed(
            _("The database is not empty; nothing was changed. Name an empty one in DATABASE_URL, or make one.")
        )
    connection.close()
    if is_sqlite:
        _copy_sqlite(str(path), Path(settings.DATABASES["default"]["NAME"]))
    else:
        _restore_dump(path, _database())


def check(path: Path) -> Iterator[str]:
    """Restore the copy into an empty database of its own, migrate that, audit ledger and audit log and throw it away.

    Yields what the audit says, as it is said; raises ``BackupFailed`` where any of it fails. The portal's own database
    is not touched. Of PostgreSQL, the portal's role must be allowed to create databases (CREATEDB).
    """
    with _restored(path) as address:
        yield _manage("migrate", "--no-input", "--verbosity", "0", address=address)
        yield _manage("audit_ledger", address=address)
        yield _manage("verify_audit_log", "--seal", address=address)


@contextmanager
def _restored(path: Path) -> Iterator[str]:
    """The address of a database that holds the copy and goes with the block."""
    if _is_sqlite(path):
        with TemporaryDirectory(prefix="portal-check-") as folder:
            copy = Path(folder) / "copy.sqlite3"
            _copy_sqlite(str(path), copy)
            yield f"sqlite:///{copy}"
        return
    if connection.vendor == "sqlite":
        raise BackupFailed(
            _("%(path)s is of PostgreSQL; DATABASE_URL must name a server to try it on.") % {"path": path}
        )
    database = dict(_database()) | {"NAME": f"portal_check_{secrets.token_hex(6)}"}
    _run("createdb", "--template=template0", "--encoding=UTF8", database["NAME"], database=_database())
    try:
        _restore_dump(path, database)
        yield _address(database)
    finally:
        _run("dropdb", "--force", database["NAME"], database=_database())


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(len(SQLITE_MARK))
    except OSError as error:
        raise BackupFailed(f"{path}: {error.strerror}") from error
    if head == SQLITE_MARK or head.startswith(DUMP_MARK):
        return head == SQLITE_MARK
    raise BackupFailed(_("%(path)s is no copy that manage.py backup has written.") % {"path": path})


def _copy_sqlite(source: str, target: Path) -> None:
    """``source`` may be in use; the copy is of one moment and is checked."""
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(source)}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA ignore_check_constraints=ON")  # they call functions that only Django's connections have
            (result,) = new.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise BackupFailed(f"{source}: {error}") from error
    if result != "ok":
        raise BackupFailed(_("%(path)s is damaged: %(why)s") % {"path": source, "why": result})


def _restore_dump(path: Path, database: Mapping[str, Any]) -> None:
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", *options, f"--dbname={database['NAME']}", str(path), database=database)


def _database() -> Mapping[str, Any]:
    """As Django is connected, so that tests copy their own database."""
    return connection.settings_dict


def _run(program: str, *arguments: str, database: Mapping[str, Any]) -> None:
    """A program of PostgreSQL. The password goes through the environment, where no list of processes shows it."""
    if shutil.which(program) is None:
        raise BackupFailed(_("%(name)s is missing; install the client of PostgreSQL.") % {"name": program})
    given = {name: str(database[key]) for key, name in NAMES_IN_ENVIRONMENT.items() if database.get(key)}
    done = subprocess.run(
        [program, *arguments],
        env={**os.environ, **given, "PGDATABASE": str(database["NAME"])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip()}")


def _address(database: Mapping[str, Any]) -> str:
    user, password = quote(str(database["USER"]), safe=""), quote(str(database["PASSWORD"]), safe="")
    host = f"{quote(str(database['HOST']), safe='')}:{database['PORT']}" if database["PORT"] else database["HOST"]
    options = {key: value for key, value in database.get("OPTIONS", {}).items() if isinstance(value, str | int)}
    return f"postgres://{user}:{password}@{host}/{database['NAME']}?{urlencode(options, quote_via=quote)}"


def _manage(*arguments: str, address: str) -> str:
    """What the command of the portal says over the database at ``address``, which it alone sees."""
    limits = {"DATABASE_STATEMENT_TIMEOUT_SECONDS": "0", "DATABASE_URL": address}
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
