"""Triggers that let nobody change or delete a row of the audit log: a place in the chain is written once."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from audit.seals import CONTENT
from common import triggers
from common.triggers import RowGuard

ROW, HEAD, KEY = "audit_auditrow", "audit_audithead", "audit_auditkey"
PREFIX = "audit_guard_"
REFUSAL = "The audit log is written once: nothing of it is changed or deleted."
EMPTYING = {f"{PREFIX}{table.removeprefix('audit_audit')}_truncate": table for table in (ROW, HEAD, KEY)}


def guards(is_not: str) -> list[RowGuard]:
    """``is_not`` is how the database compares with NULL."""
    content = " OR ".join(f'old."{name}" {is_not} new."{name}"' for name in ("id", *CONTENT, "mac"))
    return [
        RowGuard(f"{PREFIX}row_insert", "INSERT", ROW, "new.position IS NOT NULL"),
        RowGuard(f"{PREFIX}row_update", "UPDATE", ROW, f"old.position IS NOT NULL OR {content}"),
        RowGuard(f"{PREFIX}row_delete", "DELETE", ROW),
        RowGuard(f"{PREFIX}head_update", "UPDATE", HEAD, "old.id <> new.id OR new.position <= old.position"),
        RowGuard(f"{PREFIX}head_delete", "DELETE", HEAD),
        RowGuard(f"{PREFIX}key_update", "UPDATE", KEY, "old.id <> new.id OR old.made_at <> new.made_at"),
        RowGuard(f"{PREFIX}key_delete", "DELETE", KEY),
    ]


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
    wanted = {guard.name for guard in guards("IS NOT")} | (set() if connection.vendor == "sqlite" else set(EMPTYING))
    return sorted(wanted - {name for name, _table in triggers.installed(connection, PREFIX, at_work=True)})


def remove_before_migrate(*, using: str, plan: Iterable[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """For the signal ``pre_migrate``; does nothing when no table of the log is about to change."""
    if any(migration.app_label == "audit" for migration, _backwards in plan):
        remove(connections[using])


def install_after_migrate(*, using: str, **kwargs: Any) -> None:
    """For the signal ``post_migrate``; does nothing where there is no log yet."""
    connection = connections[using]
    if {ROW, HEAD, KEY}.issubset(connection.introspection.table_names()):
        install(connection)


def _statements(connection: BaseDatabaseWrapper) -> Iterator[str]:
    yield from triggers.row_statements(connection, guards(triggers.differs(connection)), refusal=REFUSAL)
    if connection.vendor != "sqlite":
        for name, table in EMPTYING.items():
            yield triggers.function(name, triggers.raising(REFUSAL))
            yield f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
