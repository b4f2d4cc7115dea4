"""Many rows in few statements.

Django prepares each value of each row by itself and, for updates, writes a CASE with a branch for each row; beside that
the database's own work is small. Here values go as they are: to PostgreSQL in one COPY or as arrays, to SQLite, which
runs in this process, one after the other through one prepared statement.
"""
# ruff: noqa: S608  # the names in the statements are our own

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, models

T = TypeVar("T")
BATCH = 500
"""Rows or keys for one statement."""
AS_THEY_ARE = (
    models.BigAutoField,
    models.CharField,
    models.ForeignKey,
    models.IntegerField,
    models.PositiveIntegerField,
    models.TextField,
)
"""Columns, exactly these and no kinds of them, whose values SQLite takes from Python without a change."""


def batches(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """The items in lists of at most ``BATCH``, none of them empty."""
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of these fields (``attname``), all of the model but the key; equal keys are refused as ever."""
    fields = _fields(model, names)
    table, columns = _quoted(model._meta.db_table), ", ".join(_quoted(field.column) for field in fields)
    found = list(rows)
    if not found:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in with_documents(fields, found):
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", _prepared(fields, found))


def update_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set these fields (``attname``) of rows that each begin with their primary key."""
    fields = _fields(model, ("id", *names))
    table, columns = _quoted(model._meta.db_table), [_quoted(field.column) for field in fields]
    found = list(rows)
    if not found:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
            sets = ", ".join(f"{column} = new.{column}" for column in columns[1:])
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM unnest({arrays}) AS new ({', '.join(columns)})"
                f" WHERE {table}.{columns[0]} = new.{columns[0]}",
                [list(values) for values in zip(*found, strict=True)],
            )
        else:
            sets = ", ".join(f"{column} = %s" for column in columns[1:])
            ordered = _prepared([*fields[1:], fields[0]], [[*row[1:], row[0]] for row in found])
            cursor.executemany(f"UPDATE {table} SET {sets} WHERE {columns[0]} = %s", ordered)


def _fields(model: type[models.Model], names: Iterable[str]) -> list["models.Field[Any, Any]"]:
    known = {field.attname: field for field in model._meta.concrete_fields}
    return [known[name] for name in names]


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


def _prepared(fields: Sequence["models.Field[Any, Any]"], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The rows as SQLite stores them, prepared by column: what to do is asked once, not once for each value."""
    columns = (_column(field, values) for field, values in zip(fields, zip(*rows, strict=True), strict=True))
    return list(zip(*columns, strict=True))


def _column(field: "models.Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    if type(field) in AS_THEY_ARE:
        return values
    if not isinstance(field, models.DecimalField):
        return [field.get_db_prep_save(value, connection) for value in values]
    exponent, context = Decimal(1).scaleb(-field.decimal_places), Context(prec=field.max_digits)
    return [None if value is None else f"{context.quantize(value, exponent):f}" for value in values]


def with_documents(fields: Sequence["models.Field[Any, Any]"], rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """The rows with what stands in a JSON column as the database takes it, and all else as it is."""
    places = [place for place, field in enumerate(fields) if isinstance(field, models.JSONField)]
    for row in rows:
        values = list(row)
        for place in places:
            values[place] = connection.ops.adapt_json_value(values[place], None)
        yield values
