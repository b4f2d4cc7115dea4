"""Triggers that keep rows as they were written, on SQLite and PostgreSQL. What is refused is an ``IntegrityError``.

Each app names its triggers with a prefix of its own. They are put in place after every ``migrate``, since SQLite loses
a table's triggers when the table is rebuilt, and taken away before one that changes these tables.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class RowGuard:
    """Refuses ``event`` on each row of ``table`` that meets the condition, in terms of ``old`` and ``new``."""

    name: str
    event: str
    table: str
    condition: str = "1 = 1"


def differs(connection: BaseDatabaseWrapper) -> str:
    """The operator that tells two values apart, NULL being a value like others."""
    return "IS NOT" if connection.vendor == "sqlite" else "IS DISTINCT FROM"


def row_statements(connection: BaseDatabaseWrapper, guards: Iterable[RowGuard], *, refusal: str) -> Iterator[str]:
    """What creates these triggers; they refuse with the sentence ``refusal``, which must hold no apostrophe."""
    for guard in guards:
        head = f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table}"
        if connection.vendor == "sqlite":
            yield f"{head} WHEN {guard.condition} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        else:
            yield function(guard.name, raising(refusal))
            yield f"{head} FOR EACH ROW WHEN ({guard.condition}) EXECUTE FUNCTION {guard.name}()"


def raising(refusal: str) -> str:
    """The statement of PostgreSQL that refuses."""
    return f"RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation';"


def function(name: str, body: str) -> str:
    """What creates a trigger function in PostgreSQL."""
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def installed(connection: BaseDatabaseWrapper, prefix: str, *, at_work: bool = False) -> list[tuple[str, str]]:
    """Name and table of each trigger with this prefix, sorted; ``at_work``: not the disabled ones."""
    if connection.vendor == "sqlite":
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname, relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
        query += " AND pg_table_is_visible(c.oid)"
        query += " AND tgenabled IN ('O', 'A')" if at_work else ""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted((name, table) for name, table in cursor.fetchall() if name.startswith(prefix))


def remove(connection: BaseDatabaseWrapper, prefix: str) -> None:
    """Take every trigger with this prefix away."""
    with connection.cursor() as cursor:
        for name, table in installed(connection, prefix):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + ("" if connection.vendor == "sqlite" else f" ON {table}"))
