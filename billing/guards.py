"""Triggers that keep what was approved and issued as it is, whoever writes to the database.

Orders move along ``MOVES`` only, and beside the move nothing of them changes once they have left draft. Positions,
claims and changes by persons belong to the order: they come, change and go with drafts alone; a void order lets go of
its claims and keeps their rows, and so with the lines of settlements. Events, exports and prepaid movements are never
changed; a settlement can only end. Of a start of a run only that it was stopped and its end are written, each
once. What is refused is an ``IntegrityError``.

They are put in place after every ``migrate``, since SQLite loses a table's triggers when the table is rebuilt, and
taken away before one that changes these tables, since a trigger that names a table or column stands in the way of that.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from common import triggers
from common.triggers import RowGuard

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
    "period_start",
    "supplement",
    "complete",
    "erp_customer_number",
    "currency",
    "tax_rate",
    "recorded_minutes",
    "billable_minutes",
    "net_amount",
    "created_at",
    "changed_at",
    "correction_of_id",
)
"""Of an order that has left draft."""
WRITTEN_AT_VOID = ("voided_at", "voided_by_id", "void_reason")
"""By the move to void and never else."""
FROZEN_AT_ISSUE = ("approved_at", "approved_by_id", "document_number", "issued_at", "issued_by_id")
ORDER, POSITION, CLAIM = "billing_order", "billing_orderposition", "billing_allocation"
EVENT, EXPORT, EXPORTED = "billing_orderevent", "billing_export", "billing_export_orders"
MOVEMENT, ADJUSTMENT = "billing_prepaidmovement", "billing_adjustment"
SETTLEMENT, LINE, START = "billing_settlement", "billing_settlementline", "billing_runstart"
REFUSAL = "An order that has left draft does not change, nor does what belongs to it."
REFUSAL_OF_STARTS = "What was written about a start of a run does not change: its end is written once."
PREFIX = "billing_guard_"
ONLY_LET_GO = (
    "old.live AND NOT new.live AND old.entry_id = new.entry_id AND old.position_id = new.position_id "
    "AND old.minutes = new.minutes"
)
ONLY_LET_GO_OF_LINE = (
    "old.live AND NOT new.live AND old.settlement_id = new.settlement_id AND old.position_id = new.position_id"
)
SETTLED = (
    "kind",
    "allocation_id",
    "entry_id",
    "position_id",
    "facts",
    "minutes_billed",
    "minutes_now",
    "minutes_at_stake",
    "money_at_stake",
    "currency",
    "choice",
    "reason",
    "supplement_number",
    "at",
    "user_id",
)
"""Of a settlement: what was decided, for good."""
STARTED = ("id", "run_id", "by", "user_id", "at", "only_failed", "customers", "left_out")
"""Of a start of a run: what was asked for, for good."""


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place anew; nobody meets a moment without them."""
    statements = [*(_for_sqlite() if connection.vendor == "sqlite" else _for_postgresql())]
    statements += triggers.row_statements(
        connection, _of_starts(triggers.differs(connection)), refusal=REFUSAL_OF_STARTS
    )
    with transaction.atomic(using=connection.alias):
        remove(connection)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every trigger away, so that tables can be emptied as a whole."""
    triggers.remove(connection, PREFIX)


def installed(connection: BaseDatabaseWrapper, *, at_work: bool = False) -> list[tuple[str, str]]:
    """Name and table of each of these triggers that the database has, sorted; ``at_work``: not the disabled ones."""
    return triggers.installed(connection, PREFIX, at_work=at_work)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that should be there and at work and are not."""
    there = {name for name, _table in installed(connection, at_work=True)}
    return sorted({f"{PREFIX}{name}" for name in names(connection)} - there)


def remove_before_migrate(*, using: str, plan: Iterable[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """For the signal ``pre_migrate``; does nothing when no table of the orders is about to change."""
    if any(migration.app_label == "billing" for migration, _backwards in plan):
        remove(connections[using])


def install_after_migrate(*, using: str, **kwargs: Any) -> None:
    """For the signal ``post_migrate``; does nothing where the orders are not there, or not yet those of today."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if not {EXPORTED, ADJUSTMENT, LINE, START}.issubset(connection.introspection.table_names(cursor)):
            return
        there = {column.name for column in connection.introspection.get_table_description(cursor, ORDER)}
    if there.issuperset((*FROZEN, *FROZEN_AT_ISSUE, *WRITTEN_AT_VOID)):
        install(connection)


def _refused_order_update(is_not: str) -> str:
    """What must not happen to a row of the orders. ``is_not`` is how the database compares with NULL."""
    moves = ", ".join(f"'{old}>{new}'" for old, allowed in MOVES.items() for new in allowed)
    frozen = " OR ".join(f"old.{name} {is_not} new.{name}" for name in FROZEN)
    issued = " OR ".join(f"old.{name} {is_not} new.{name}" for name in FROZEN_AT_ISSUE)
    voided = " OR ".join(f"old.{name} {is_not} new.{name}" for name in WRITTEN_AT_VOID)
    return (
        f"old.id <> new.id OR (old.state || '>' || new.state) NOT IN ({moves}) "
        f"OR (old.state <> 'draft' AND ({frozen})) OR (old.state NOT IN ('draft', 'approved') AND ({issued})) "
        f"OR ((old.state = 'void' OR new.state <> 'void') AND ({voided}))"
    )


def _row_conditions(is_not: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, event, table and condition of the triggers that are alike in both databases."""
    yield "order_insert", "INSERT", ORDER, "new.state <> 'draft'"
    yield "order_update", "UPDATE", ORDER, _refused_order_update(is_not)
    yield "order_delete", "DELETE", ORDER, "old.state <> 'draft'"
    yield "event_update", "UPDATE", EVENT, "1 = 1"
    decided = " OR ".join(f"old.{name} {is_not} new.{name}" for name in ("id", *SETTLED))
    yield "settlement_update", "UPDATE", SETTLEMENT, f"NOT old.live OR {decided}"
    yield "settlement_delete", "DELETE", SETTLEMENT, "1 = 1"
    for name, table in (("export", EXPORT), ("exported", EXPORTED), ("movement", MOVEMENT)):
        yield f"{name}_update", "UPDATE", table, "1 = 1"
        yield f"{name}_delete", "DELETE", table, "1 = 1"


def _of_starts(is_not: str) -> Iterator[RowGuard]:
    """A start is stopped once, while it is open, and ends once."""
    asked = " OR ".join(f'old."{name}" {is_not} new."{name}"' for name in STARTED)
    stopped = " OR ".join(f"old.{name} {is_not} new.{name}" for name in ("cancelled_at", "cancelled_by_id"))
    changes = f"old.ended_at IS NOT NULL OR {asked} OR (old.cancelled_at IS NOT NULL AND ({stopped}))"
    yield RowGuard(f"{PREFIX}start_update", "UPDATE", START, changes)
    yield RowGuard(f"{PREFIX}start_delete", "DELETE", START)


SET_CONDITIONS = {
    "position_insert": ("INSERT", POSITION, "{state} <> 'draft'"),
    "position_update": ("UPDATE", POSITION, "{state} <> 'draft'"),
    "position_delete": ("DELETE", POSITION, "{state} <> 'draft'"),
    "claim_insert": ("INSERT", CLAIM, "{state} <> 'draft'"),
    "claim_update": ("UPDATE", CLAIM, f"{{state}} <> 'draft' AND ({{state}} = 'void' AND {ONLY_LET_GO}) IS NOT TRUE"),
    "claim_delete": ("DELETE", CLAIM, "{state} <> 'draft'"),
    "line_insert": ("INSERT", LINE, "{state} <> 'draft'"),
    "line_update": (
        "UPDATE",
        LINE,
        f"{{state}} <> 'draft' AND ({{state}} = 'void' AND {ONLY_LET_GO_OF_LINE}) IS NOT TRUE",
    ),
    "line_delete": ("DELETE", LINE, "{state} <> 'draft'"),
    "event_delete": ("DELETE", EVENT, "{state} <> 'draft'"),
    "adjustment_insert": ("INSERT", ADJUSTMENT, "{state} <> 'draft'"),
    "adjustment_update": ("UPDATE", ADJUSTMENT, "{state} <> 'draft'"),
    "adjustment_delete": ("DELETE", ADJUSTMENT, "{state} <> 'draft'"),
}
"""What depends on the state of the row's order; that is no longer there when the order itself is being deleted."""
NAMES = [*(name for name, *_rest in _row_conditions("IS NOT")), *SET_CONDITIONS, "start_update", "start_delete"]
EMPTIED = {
    f"{table.removeprefix('billing_')}_truncate": table
    for table in (ORDER, POSITION, CLAIM, EVENT, EXPORT, EXPORTED, ADJUSTMENT, SETTLEMENT, LINE, START)
}
"""Tables that PostgreSQL empties at once, past the triggers for rows, while an order has left draft."""
ROWS = {"INSERT": ("new",), "DELETE": ("old",), "UPDATE": ("old", "new")}
"""Whose order is looked at: an update may carry a row from one order to another."""


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Of all triggers that this database has when they are in place."""
    return NAMES if connection.vendor == "sqlite" else [*NAMES, *EMPTIED]


def _for_sqlite() -> Iterator[str]:
    for name, event, table, condition in _row_conditions("IS NOT"):
        yield _sqlite_trigger(name, event, table, condition)
    for name, (event, table, condition) in SET_CONDITIONS.items():
        states = (_sqlite_state(table, row) for row in ROWS[event])
        yield _sqlite_trigger(name, event, table, " OR ".join(f"({condition.format(state=state)})" for state in states))


def _sqlite_state(table: str, row: str) -> str:
    if table in (CLAIM, LINE):
        of_row = f"JOIN {POSITION} p ON p.order_id = o.id WHERE p.id = {row}.position_id"
    else:
        of_row = f"WHERE o.id = {row}.order_id"
    return f"(SELECT o.state FROM {ORDER} o {of_row})"  # noqa: S608 - names of our own


def _sqlite_trigger(name: str, event: str, table: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {PREFIX}{name} BEFORE {event} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def _for_postgresql() -> Iterator[str]:
    """Positions and claims are written in bulk, so they are looked at once a statement and not once a row."""
    refuse = triggers.raising(REFUSAL)
    yield _function("refuse", refuse)
    for name, event, table, condition in _row_conditions("IS DISTINCT FROM"):
        yield (
            f"CREATE TRIGGER {PREFIX}{name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION {PREFIX}refuse()"
        )
    for name, (event, table, condition) in SET_CONDITIONS.items():
        found = " OR ".join(_postgresql_rows(event, table, condition, row) for row in ROWS[event])
        yield _function(name, f"IF {found} THEN {refuse} END IF; RETURN NULL;")
        tables = " ".join(f"{row.upper()} TABLE AS {row}_rows" for row in ROWS[event])
        yield (
            f"CREATE TRIGGER {PREFIX}{name} AFTER {event} ON {table} REFERENCING {tables} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {PREFIX}{name}()"
        )
    left_draft = f"EXISTS (SELECT 1 FROM {ORDER} WHERE state <> 'draft')"  # noqa: S608 - names of our own
    yield _function("truncate", f"IF {left_draft} THEN {refuse} END IF; RETURN NULL;")
    for name, table in EMPTIED.items():
        yield (
            f"CREATE TRIGGER {PREFIX}{name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {PREFIX}truncate()"
        )


def _postgresql_rows(event: str, table: str, condition: str, row: str) -> str:
    """Whether there is a row that must not be written. One whose key was changed has nothing on its other side."""
    aliases = {"old": "was", "new": "is_now"}  # inside of a function, old and new would be its variables
    for name, alias in aliases.items():
        condition = condition.replace(f"{name}.", f"{alias}.")
    rows = "old_rows was FULL JOIN new_rows is_now USING (id)"
    rows = rows if event == "UPDATE" else f"{row}_rows {aliases[row]}"
    way = f"JOIN {POSITION} p ON p.id = {aliases[row]}.position_id JOIN {ORDER} o ON o.id = p.order_id"
    way = way if table in (CLAIM, LINE) else f"JOIN {ORDER} o ON o.id = {aliases[row]}.order_id"
    found = condition.format(state="o.state")
    return f"EXISTS (SELECT 1 FROM {rows} {way} WHERE {found})"  # noqa: S608 - names of our own


def _function(name: str, body: str) -> str:
    return triggers.function(f"{PREFIX}{name}", body)
