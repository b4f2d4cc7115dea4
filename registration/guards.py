"""Triggers that keep the events of the registration and the notices of it as they were written, whoever writes.

They are put in place after every ``migrate``, since SQLite loses a table's triggers when the table is rebuilt. What is
refused is an ``IntegrityError``.
"""

from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

EVENT, OWN_EVENT = "registration_registrationevent", "registration_ownregistrationevent"
NOTICE = "registration_registrationnotice"
WITHOUT_ITS_USER = (
    "new.user_id IS NULL AND old.id = new.id AND old.own_id = new.own_id AND old.kind = new.kind AND old.at = new.at "
    "AND old.text = new.text"
)
"""What an account that is deleted leaves of an event of the own registration."""
UPDATES = {EVENT: "", NOTICE: "", OWN_EVENT: f"WHEN (NOT ({WITHOUT_ITS_USER})) "}
"""When an update is refused: always, or with this condition."""
NAMES = {EVENT: "", NOTICE: "notice_", OWN_EVENT: "own_"}
PREFIX = "registration_guard_"
REFUSAL = "An event of a registration stays as it was written."


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place anew; nobody meets a moment without them."""
    with transaction.atomic(using=connection.alias):
        remove(connection)
        with connection.cursor() as cursor:
            for statement in _for_sqlite() if connection.vendor == "sqlite" else _for_postgresql():
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers away, so that the tables can be emptied as a whole."""
    with connection.cursor() as cursor:
        for table, part in NAMES.items():
            of_table = "" if connection.vendor == "sqlite" else f" ON {table}"
            for name in ("update", "delete", "truncate"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {PREFIX}{part}{name}{of_table}")


def install_after_migrate(*, using: str, **kwargs: Any) -> None:
    """For the signal ``post_migrate``; does nothing where the tables are not there."""
    connection = connections[using]
    if set(NAMES).issubset(connection.introspection.table_names()):
        install(connection)


def _for_sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {PREFIX}{part}{event.lower()} BEFORE {event} ON {table} "
        f"{UPDATES[table] if event == 'UPDATE' else ''}BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for table, part in NAMES.items()
        for event in ("UPDATE", "DELETE")
    ]


def _for_postgresql() -> list[str]:
    function = (
        f"CREATE OR REPLACE FUNCTION {PREFIX}refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {PREFIX}{part}{event.lower()} BEFORE {event} ON {table} FOR EACH {each} "
        f"{UPDATES[table] if event == 'UPDATE' else ''}EXECUTE FUNCTION {PREFIX}refuse()"
        for table, part in NAMES.items()
        for event, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
    ]
