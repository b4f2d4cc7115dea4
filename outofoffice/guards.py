"""Triggers that keep the log of uploads as it was written, whoever writes to the database."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from common import triggers
from common.triggers import RowGuard

EVENT = "outofoffice_uploadevent"
PREFIX = "outofoffice_guard_"
REFUSAL = "The log of an upload is written once: nothing of it is changed or deleted."
GUARDS = [RowGuard(f"{PREFIX}event_{event.lower()}", event, EVENT) for event in ("UPDATE", "DELETE")]
EMPTYING = f"{PREFIX}event_truncate"


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place anew; nobody meets a moment without them."""
    with transaction.atomic(using=connection.alias):
        remove(connection)
        with connection.cursor() as cursor:
            for statement in _statements(connection):
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every trigger away."""
    triggers.remove(connection, PREFIX)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that should be there and at work and are not."""
    wanted = {guard.name for guard in GUARDS} | (set() if connection.vendor == "sqlite" else {EMPTYING})
    return sorted(wanted - {name for name, _table in triggers.installed(connection, PREFIX, at_work=True)})


def remove_before_migrate(*, using: str, plan: Iterable[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """For the signal ``pre_migrate``; does nothing when no table of the uploads is about to change."""
    if any(migration.app_label == "outofoffice" for migration, _backwards in plan):
        remove(connections[using])


def install_after_migrate(*, using: str, **kwargs: Any) -> None:
    """For the signal ``post_migrate``; does nothing where there is no log yet."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if EVENT not in connection.introspection.table_names(cursor):
            return
    install(connection)


def _statements(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """PostgreSQL empties a table at once, past the triggers for rows."""
    yield from triggers.row_statements(connection, GUARDS, refusal=REFUSAL)
    if connection.vendor != "sqlite":
        holds_rows = f"EXISTS (SELECT 1 FROM {EVENT})"  # noqa: S608 - a name of our own
        yield triggers.function(EMPTYING, f"IF {holds_rows} THEN {triggers.raising(REFUSAL)} END IF; RETURN NULL;")
        yield f"CREATE TRIGGER {EMPTYING} BEFORE TRUNCATE ON {EVENT} FOR EACH STATEMENT EXECUTE FUNCTION {EMPTYING}()"
