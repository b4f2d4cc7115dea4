"""Many rows at once, the fastest way that each database takes them: COPY, or ``executemany``."""
# ruff: noqa: S608  # the names in the statements are our own

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models

from billing import guards
from billing.models import Agreement, Allocation, BillingRun, Order, OrderEvent, OrderPosition
from billing.run_models import RunMail, RunStart
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry

LEDGER: tuple[type[models.Model], ...] = (
    Allocation,
    OrderEvent,
    OrderPosition,
    Order,
    RunMail,
    RunStart,
    BillingRun,
)
MIRROR: tuple[type[models.Model], ...] = (TimeEntry, TicketClosing, SyncRun, Ticket, Customer, Agent, TicketSystem)


def fill(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows that hold these fields (``attname``); every other field holds its default, but for ``id``."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns = {name: str(field.column) for name, field in fields.items()}
    others = [name for name in fields if name not in {*names, "id"}]
    constant = [fields[name].get_db_prep_save(fields[name].get_default(), connection) for name in others]
    copy_rows(model._meta.db_table, [columns[name] for name in (*names, *others)], ([*row, *constant] for row in rows))
    if "id" in names:
        _move_sequence(model)


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows as the database stores them, see ``stored_moment``."""
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({places})", list(rows))


def stored_moment(moment: datetime) -> Any:
    """As the database stores it: SQLite keeps a text in UTC."""
    return connection.ops.adapt_datetimefield_value(moment)


def clear(models_in_order: Iterable[type[models.Model]]) -> None:
    """Against the triggers that keep written rows as they are."""
    guards.remove(connection)
    for model in models_in_order:
        model._base_manager.all()._raw_delete("default")
    guards.install(connection)


def empty() -> None:
    """Nothing left but accounts and the default agreement."""
    clear(LEDGER)
    Agreement.objects.filter(is_default=False).delete()
    clear(MIRROR)


def settle() -> None:
    """Statistics and, on PostgreSQL, the visibility map, as autovacuum leaves them some minutes after a sync."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _move_sequence(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)
