"""What the migrations have built is kept between runs of the suite where the database is SQLite in memory.

Building it anew takes longer than most files of tests. ``migrate`` runs all the same, on what was kept: it finds
nothing to do and installs the guards of today.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connection


def in_memory() -> bool:
    creation: Any = connection.creation
    return connection.vendor == "sqlite" and bool(creation.is_in_memory_db(creation._get_test_db_name()))


def kept_in(folder: Path) -> Path:
    """The file of these very migrations; those of others are removed."""
    sources = [
        path
        for app in apps.get_app_configs()
        for path in sorted(Path(app.path, "migrations").glob("*.py"))
        if settings.BASE_DIR in path.parents
    ]
    seal = hashlib.sha256(django.__version__.encode())
    for path in (*sources, settings.BASE_DIR / "common" / "fields.py"):
        seal.update(str(path.relative_to(settings.BASE_DIR)).encode() + path.read_bytes())
    file = folder / f"{seal.hexdigest()[:32]}.sqlite3"
    for other in folder.glob("*.sqlite3"):
        if other != file:
            other.unlink(missing_ok=True)
    return file


@contextmanager
def restored(file: Path) -> Iterator[None]:
    """While the block sets up the database, it begins with what the file holds."""
    creation: Any = connection.creation
    if not file.is_file():
        yield
        return
    create, held = creation._create_test_db, []

    def created(verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        name: str = create(verbosity, autoclobber, keepdb)
        held.append(sqlite3.connect(name, uri=True))  # a database in memory lives as long as somebody is connected
        with closing(sqlite3.connect(file)) as source:
            source.backup(held[0])
        return name

    creation._create_test_db = created
    try:
        yield
    finally:
        creation._create_test_db = create
        for each in held:
            each.close()


def keep(file: Path) -> None:
    """Write the database of the connection into the file, at once: two workers may do so at the same time."""
    part = file.with_suffix(f".{os.getpid()}")
    with closing(sqlite3.connect(part)) as target:
        connection.connection.backup(target)
    part.replace(file)
