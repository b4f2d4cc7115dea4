"""Indexes for the list of tickets: by title, and on PostgreSQL for parts of titles and numbers."""

from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NOTICE = """
  The search for parts of ticket numbers and titles goes without an index, as the extension pg_trgm cannot be created:
  %s  It works all the same. To make it faster, let whoever may create extensions run CREATE EXTENSION pg_trgm in this
  database, then: manage.py migrate tickets 0002 && manage.py migrate tickets
"""
INDEXES = {"ticket_title_parts": 'UPPER("title"::text)', "ticket_number_parts": '("number"::text)'}


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """As the search spells them: the comparison of titles is without case."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        print(NOTICE % error)
        return
    with connection.cursor() as cursor:
        for name, expression in INDEXES.items():
            cursor.execute(f"CREATE INDEX {name} ON tickets_ticket USING gin (({expression}) gin_trgm_ops)")


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for name in INDEXES:
                cursor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0002_agent_windows_and_articles")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["title", "-id"], name="ticket_by_title"),
        ),
        migrations.RunPython(create, drop),
    ]
