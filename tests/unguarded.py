"""A moment without the triggers that keep rows as they are, for tests that make what must not be."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import guards as of_log
from billing import guards as of_orders
from outofoffice import guards as of_uploads
from registration import guards as of_registrations


@contextmanager
def emptying(connection: BaseDatabaseWrapper) -> Iterator[None]:
    for guards in (of_orders, of_uploads, of_registrations, of_log):
        guards.remove(connection)
    yield
    for guards in (of_orders, of_uploads, of_registrations, of_log):
        guards.install(connection)


@contextmanager
def without_guards() -> Iterator[None]:
    """Inside of a transaction: PostgreSQL drops no trigger while a foreign key is still to be checked."""
    connection.check_constraints()
    with emptying(connection):
        yield
        connection.check_constraints()
