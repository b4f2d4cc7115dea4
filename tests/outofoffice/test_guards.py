"""What the database itself refuses of the log of uploads, whoever asks it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from outofoffice import guards
from outofoffice.models import Upload, UploadEvent
from outofoffice.uploads import upload_file
from tickets.models import TicketSystem

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def upload(system: TicketSystem, django_user_model: type[User]) -> Upload:
    user = django_user_model.objects.create_user("dora")
    return upload_file(
        system=system, data=b"UserLogin,StartDate,EndDate,Enabled\nx,,,no\n", file_name="a.csv", user=user, now=NOW
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda: UploadEvent.objects.update(text="something else"),
        lambda: UploadEvent.objects.update(user=None),
        lambda: UploadEvent.objects.all().delete(),
        lambda: Upload.objects.all().delete(),
    ],
)
def test_log_of_an_upload_is_written_once(upload: Upload, change: Callable[[], object]) -> None:
    before = list(UploadEvent.objects.values())

    with pytest.raises(IntegrityError, match="is written once"), transaction.atomic():
        change()

    assert before
    assert list(UploadEvent.objects.values()) == before


def test_who_stands_in_the_log_is_not_deleted(upload: Upload) -> None:
    with pytest.raises(ProtectedError):
        User.objects.all().delete()


def test_missing_trigger_is_named_and_put_back(db: None) -> None:
    guards.remove(connection)
    gone = guards.missing(connection)
    guards.install(connection)

    assert "outofoffice_guard_event_update" in gone
    assert guards.missing(connection) == []
    assert guards.PREFIX in gone[0]


@pytest.mark.postgresql
def test_log_is_not_emptied_as_a_whole(upload: Upload) -> None:
    connection.check_constraints()

    with pytest.raises(IntegrityError, match="is written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {guards.EVENT} CASCADE")
