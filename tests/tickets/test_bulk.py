"""Rows in bulk, on whichever database the tests run."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import pytest
from django.db import IntegrityError, connection, transaction

from tests.factories.tickets import TicketFactory, TimeEntryFactory
from tickets.bulk import insert_rows, update_rows, with_documents
from tickets.entry_rows import COLUMNS
from tickets.models import SyncRun, Ticket, TicketClosing, TimeEntry

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)


def test_rows_are_inserted_as_given() -> None:
    first, second = TicketFactory(), TicketFactory()

    insert_rows(TicketClosing, ["ticket_id", "month"], [(first.pk, OCTOBER), (second.pk, OCTOBER)])

    assert set(TicketClosing.objects.values_list("ticket", "month")) == {(first.pk, OCTOBER), (second.pk, OCTOBER)}


def test_row_that_is_there_already_is_an_error_of_the_database() -> None:
    ticket = TicketFactory()
    insert_rows(TicketClosing, ["ticket_id", "month"], [(ticket.pk, OCTOBER)])

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(TicketClosing, ["ticket_id", "month"], [(ticket.pk, OCTOBER)])

    assert TicketClosing.objects.count() == 1


def test_only_documents_are_prepared_before_they_are_copied() -> None:
    fields = [SyncRun._meta.get_field(name) for name in ("month", "problems")]

    ((month, problems),) = with_documents(fields, [(OCTOBER, ["missing"])])  # type: ignore[arg-type]

    assert month is OCTOBER
    assert getattr(problems, "obj", problems) in (["missing"], '["missing"]')  # as psycopg wraps it, or SQLite's text


def test_rows_are_updated_each_with_its_own_values() -> None:
    first, second, third = TicketFactory(title="a"), TicketFactory(title="b"), TicketFactory(title="c")
    moment = datetime(2026, 10, 25, 1, 30, 0, 250_000, tzinfo=UTC)

    update_rows(
        Ticket,
        ["title", "closed_at", "time_units", "customer_id"],
        [(first.pk, "ä'\\\t{,}", moment, Decimal("1.25"), None), (second.pk, "", None, None, second.customer_id)],
    )

    names = ("title", "closed_at", "time_units", "customer")
    assert Ticket.objects.values_list(*names).get(pk=first.pk) == ("ä'\\\t{,}", moment, Decimal("1.25"), None)
    assert Ticket.objects.values_list(*names).get(pk=second.pk) == ("", None, None, second.customer_id)
    assert Ticket.objects.get(pk=third.pk).title == "c"


def test_rows_in_bulk_are_stored_byte_for_byte_as_one_by_one() -> None:
    """SQLite keeps a value in whatever kind it comes; a sum or a comparison would tell two kinds apart."""
    moment = datetime(2026, 10, 25, 1, 30, 0, 250_000, tzinfo=UTC)
    own = TimeEntryFactory(units=Decimal("-7.1"), minutes=Decimal(426), gone_at=moment, queue="Ä::ß")
    names = [field.attname for field in TimeEntry._meta.concrete_fields if field.attname != "id"]
    values = [getattr(own, name) for name in names]
    values[names.index("running_number")] = own.running_number + 1

    insert_rows(TimeEntry, names, [values])

    columns = ", ".join(f"{name}, typeof({name})" for name in names if name != "running_number")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"SELECT {columns} FROM tickets_timeentry")  # noqa: S608
            one, other = cursor.fetchall()
            assert one == other
    one, other = TimeEntry.objects.order_by("pk").values_list(*(name for name in names if name != "running_number"))
    assert one == other


@pytest.mark.skipif(connection.vendor != "sqlite", reason="what PostgreSQL says to such a number is its own matter")
@pytest.mark.parametrize("units", ["12345678901234", "1E+20", "Infinity"])
def test_number_that_no_column_holds_is_refused_before_it_is_stored(units: str) -> None:
    entry = TimeEntryFactory()
    values = [getattr(entry, name) for name in COLUMNS]
    values[COLUMNS.index("units")] = Decimal(units)

    with pytest.raises(InvalidOperation):
        insert_rows(TimeEntry, COLUMNS, [values])


def test_nothing_happens_where_there_are_no_rows() -> None:
    entry = TimeEntryFactory()

    insert_rows(TimeEntry, ["queue"], [])
    update_rows(TimeEntry, ["queue"], [])

    assert TimeEntry.objects.get().queue == entry.queue
