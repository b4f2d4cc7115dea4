"""The migration that helps the search on PostgreSQL, with and without the right to create extensions."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

migration = import_module("tickets.migrations.0003_ticket_search")

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'tickets_ticket'")
        return {name for (name,) in cursor.fetchall()} & set(migration.INDEXES)


def test_parts_of_numbers_and_titles_have_an_index_and_lose_it_again() -> None:
    with connection.schema_editor() as editor:
        assert indexes() == set(migration.INDEXES)
        migration.drop(apps, editor)
        assert indexes() == set()
        migration.create(apps, editor)

    assert indexes() == set(migration.INDEXES)


def test_without_the_right_to_create_it_the_migration_says_so_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with connection.schema_editor() as editor, connection.cursor() as cursor:
        migration.drop(apps, editor)
        cursor.execute("DROP EXTENSION pg_trgm")
        cursor.execute("CREATE ROLE portal_test_without_rights NOLOGIN")
        cursor.execute("SET LOCAL ROLE portal_test_without_rights")
        migration.create(apps, editor)
        cursor.execute("RESET ROLE")
        found = indexes()

    assert found == set()
    assert "goes without an index, as the extension pg_trgm cannot be created" in capsys.readouterr().out
