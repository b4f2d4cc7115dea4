"""Triggers that keep what was approved and issued as it is, whoever writes to the database.

Orders move along ``MOVES`` only, and beside the move nothing of them changes once they have left draft. Positions and
claims belong to the order: they come, change and go with drafts alone; a void order lets go of its claims and keeps
their rows. Events and exports are never changed. What is refused is an ``IntegrityError``.

They are put in place after every ``migrate``: SQLite loses a table's triggers when the table is rebuilt.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

MOVES = {
    "draft": ("draft", "approved"),
    "approved": ("approved", "draft", "issued"),
    "issued": ("issued", "exported", "void"),
    "exported": ("exported", "void"),
    "void": ("void",),
}
FROZEN = (
    "number",
    "customer_id",
    "agreement_id",
    "month",
    "complete",
    "erp_customer_number",
    "currency",
    "tax_rate",
    "recorded_minutes",
    "billable_minutes",
    "net_amount",
    "created_at",
    "correction_of_id",
)
"""Of an order that has left draft."""
FROZEN_AT_ISSUE = ("approved_at", "approved_by_id", "document_number", "issued_at", "issued_by_id")
ORDER, POSITION, CLAIM = "billing_order", "billing_orderposition", "billing_allocation"
EVENT, EXPORT, EXPORTED = "billing_orderevent", "billing_export", "billing_export_orders"
REFUSAL = "An order that has left draft does not change, nor does what belongs to it."
PREFIX = "billing_guard_"
ONLY_LET_GO = (
    "old.live AND NOT new.live AND old.entry_id = new.entry_id AND old.position_id = new.position_id "
    "AND old.minutes = new.minutes"
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place anew."""
    remove(connection)
    statements = _for_sqlite() if connection.vendor == "sqlite" else _for_postgresql()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every trigger away, so that tables can be emptied as a whole."""
    with connection.cursor() as cursor:
        for name, table in installed(connection):
            cursor.execute(f"DROP TRIGGER {name}" + ("" if connection.vendor == "sqlite" else f" ON {table}"))


def installed(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Name and table of each of these triggers that the database has, sorted."""
    if connection.vendor == "sqlite":
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname, relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
        query += " AND pg_table_is_visible(c.oid)"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted((name, table) for name, table in cursor.fetchall() if name.startswith(PREFIX))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that should be there and are not."""
    there = {name for name, _table in installed(connection)}
    return sorted({f"{PREFIX}{name}" for name in NAMES} - there)


def install_after_migrate(*, using: str, **kwargs: Any) -> None:
    """For the signal ``post_migrate``; does nothing where the tables of the orders are not there."""
    connection = connections[using]
    if EXPORTED in connection.introspection.table_names():
        install(connection)


def _refused_order_update(is_not: str) -> str:
    """What must not happen to a row of the orders. ``is_not`` is how the database compares with NULL."""
    moves = ", ".join(f"'{old}>{new}'" for old, allowed in MOVES.items() for new in allowed)
    frozen = " OR ".join(f"old.{name} {is_not} new.{name}" for name in FROZEN)
    issued = " OR ".join(f"old.{name} {is_not} new.{name}" for name in FROZEN_AT_ISSUE)
    return (
        f"(old.state || '>' || new.state) NOT IN ({moves}) OR (old.state <> 'draft' AND ({frozen})) "
        f"OR (old.state NOT IN ('draft', 'approved') AND ({issued}))"
    )


def _row_conditions(is_not: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, event, table and condition of the triggers that are alike in both databases."""
    yield "order_update", "UPDATE", ORDER, _refused_order_update(is_not)
    yield "order_delete", "DELETE", ORDER, "old.state <> 'draft'"
    yield "event_update", "UPDATE", EVENT, "1 = 1"
    for name, table in (("export", EXPORT), ("exported", EXPORTED)):
        yield f"{name}_update", "UPDATE", table, "1 = 1"
        yield f"{name}_delete", "DELETE", table, "1 = 1"


SET_CONDITIONS = {
    "position_insert": ("INSERT", POSITION, "{state} <> 'draft'"),
    "position_update": ("UPDATE", POSITION, "{state} <> 'draft'"),
    "position_delete": ("DELETE", POSITION, "{state} <> 'draft'"),
    "claim_insert": ("INSERT", CLAIM, "{state} <> 'draft'"),
    "claim_update": ("UPDATE", CLAIM, f"{{state}} <> 'draft' AND NOT ({{state}} = 'void' AND {ONLY_LET_GO})"),
    "claim_delete": ("DELETE", CLAIM, "{state} <> 'draft'"),
    "event_delete": ("DELETE", EVENT, "{state} <> 'draft'"),
}
"""What depends on the state of the row's order; that is no longer there when the order itself is being deleted."""
NAMES = [name for name, *_rest in _row_conditions("IS NOT")] + list(SET_CONDITIONS)


def _for_sqlite() -> Iterator[str]:
    for name, event, table, condition in _row_conditions("IS NOT"):
        yield _sqlite_trigger(name, event, table, condition)
    for name, (event, table, condition) in SET_CONDITIONS.items():
        row = "new" if event == "INSERT" else "old"
        if table == CLAIM:
            of_row = f"JOIN {POSITION} p ON p.order_id = o.id WHERE p.id = {row}.position_id"
        else:
            of_row = f"WHERE o.id = {row}.order_id"
        state = f"(SELECT o.state FROM {ORDER} o {of_row})"  # noqa: S608 - names of our own
        yield _sqlite_trigger(name, event, table, condition.format(state=state))


def _sqlite_trigger(name: str, event: str, table: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {PREFIX}{name} BEFORE {event} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def _for_postgresql() -> Iterator[str]:
    """Positions and claims are written in bulk, so they are looked at once a statement and not once a row."""
    refuse = f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';"
    both = "old_rows was JOIN new_rows is_now USING (id)"
    yield _function("refuse", refuse)
    for name, event, table, condition in _row_conditions("IS DISTINCT FROM"):
        yield (
            f"CREATE TRIGGER {PREFIX}{name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION {PREFIX}refuse()"
        )
    for name, (event, table, condition) in SET_CONDITIONS.items():
        # Inside of a function, old and new would be its variables.
        condition = condition.format(state="o.state").replace("old.", "was.").replace("new.", "is_now.")
        rows = {"INSERT": "new_rows is_now", "DELETE": "old_rows was"}
        row = "is_now" if event == "INSERT" else "was"
        way = f"JOIN {POSITION} p ON p.id = {row}.position_id JOIN {ORDER} o ON o.id = p.order_id"
        way = way if table == CLAIM else f"JOIN {ORDER} o ON o.id = {row}.order_id"
        found = f"EXISTS (SELECT 1 FROM {rows.get(event, both)} {way} WHERE {condition})"  # noqa: S608 - names of our own
        yield _function(name, f"IF {found} THEN {refuse} END IF; RETURN NULL;")
        tables = {"INSERT": "NEW TABLE AS new_rows", "DELETE": "OLD TABLE AS old_rows"}
        referencing = tables.get(event, "OLD TABLE AS old_rows NEW TABLE AS new_rows")
        yield (
            f"CREATE TRIGGER {PREFIX}{name} AFTER {event} ON {table} REFERENCING {referencing} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {PREFIX}{name}()"
        )


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {PREFIX}{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
