"""What a row says, and that nobody changes it."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory

from audit import guards
from audit.actions import Action, Result, label_of
from audit.models import AuditRow
from audit.origin import REQUEST, REQUEST_ID, origin_now
from audit.recording import entry, origins_of, record, record_all
from audit.seals import content_of, is_genuine

NOW = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna")


def request_of(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7")
    request.META[REQUEST_ID] = "0123456789abcdef"
    request.user = user
    return request


def test_row_says_who_what_and_from_where(anna: User) -> None:
    record(
        Action.CHANGED, target=anna, changes={"first_name": ("", "Anna")}, text="why", request=request_of(anna), now=NOW
    )

    row = AuditRow.objects.get(action=Action.CHANGED)
    assert (row.at, row.actor_kind, row.actor, row.actor_key) == (NOW, "user", "anna", anna.pk)
    assert (row.object_type, row.object_key, row.object_name) == ("auth.user", str(anna.pk), "anna")
    assert (row.address, row.source, row.result) == ("198.51.100.7", "request 0123456789abcdef", "done")
    assert (row.changes, row.text, row.position) == ([["first_name", "", "Anna"]], "why", None)


def test_row_is_genuine_as_it_is_read_back(anna: User) -> None:
    row = AuditRow.objects.get(pk=record(Action.BACKED_UP, changes={"a": (None, 1)}, text="ä\N{SNOWMAN}").pk)

    assert is_genuine(content_of(row), row.mac)
    row.text = "else"
    assert not is_genuine(content_of(row), row.mac)


def test_request_that_is_being_answered_is_found(anna: User) -> None:
    token = REQUEST.set(request_of(AnonymousUser()))
    try:
        here = origin_now()
    finally:
        REQUEST.reset(token)

    assert (here.kind, here.actor, here.key, here.address) == ("nobody", "", None, "198.51.100.7")


def test_outside_of_requests_and_tasks_the_command_and_the_login_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/srv/portal/manage.py", "bill", "2026-10"])
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)

    assert (origin_now().kind, origin_now().actor) == ("command", "bill by uid 4000000")


def test_who_asked_for_what_a_task_does_is_named(anna: User) -> None:
    row = record(Action.ORDER_ISSUED, user=anna)

    assert (row.actor_kind, row.actor, row.actor_key) == ("user", "anna", anna.pk)


def test_many_accounts_are_named_with_one_query(
    anna: User, django_assert_num_queries: object, django_user_model: type[User]
) -> None:
    other = django_user_model.objects.create_user("bernd")

    with django_assert_num_queries(1):  # type: ignore[operator]
        found = origins_of([anna.pk, other.pk, None, anna.pk])

    assert [found[key].actor for key in (anna.pk, other.pk)] == ["anna", "bernd"]
    assert found[None].kind == "command"


def test_text_of_strangers_stays_on_its_line() -> None:
    hostile = "a\r\nb\x00c\x1b[31m\u202ed\u2028e\ud800f\u200bg" + "x" * 600

    row = record(Action.CHANGED, target_name=hostile, text=hostile, changes={"field\n": (hostile, None)})

    row.refresh_from_db()
    expected = r"a\u000d\u000ab\u0000c\u001b[31m\u202ed\u2028e\ud800f\u200bg"
    assert row.text.startswith(expected)
    assert row.object_name.startswith(expected)
    assert row.changes[0][0] == r"field\u000a"
    assert row.changes[0][1].startswith(expected)
    assert (len(row.text), len(row.object_name), row.text[-1]) == (500, 200, "…")


def test_row_goes_with_its_action() -> None:
    def failing() -> None:
        with transaction.atomic():
            record(Action.ORDER_ISSUED)
            raise DatabaseError("the action failed")

    before = AuditRow.objects.count()

    with pytest.raises(DatabaseError):
        failing()

    assert AuditRow.objects.count() == before


def test_many_rows_are_written_with_one_statement(django_assert_num_queries: object) -> None:
    here, before = origin_now(), AuditRow.objects.count()

    with django_assert_num_queries(1):  # type: ignore[operator]
        record_all(entry(Action.ORDER_DRAFTED, target_key=number, origin=here) for number in range(3))

    assert AuditRow.objects.count() == before + 3


def test_label_is_translated_and_an_unknown_name_is_shown_as_it_is() -> None:
    assert label_of("sign_in.done") == "signed in"
    assert label_of("of.a.later.version") == "of.a.later.version"
    assert str(record(Action.SIGNED_IN, result=Result.FAILED)).endswith("sign_in.done")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_auditrow SET text = 'else'",
        "UPDATE audit_auditrow SET actor = 'somebody else'",
        "UPDATE audit_auditrow SET mac = ''",
        "UPDATE audit_auditrow SET id = id + 1000",
        "DELETE FROM audit_auditrow",
    ],
)
def test_database_refuses_to_change_or_delete_a_row(change: str) -> None:
    record(Action.SIGNED_IN)
    before = list(AuditRow.objects.values())

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert list(AuditRow.objects.values()) == before


@pytest.mark.postgresql
def test_postgresql_refuses_to_empty_the_log() -> None:
    record(Action.SIGNED_IN)
    connection.check_constraints()  # else it is a foreign key still to be checked that stands in the way

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditrow")

    assert AuditRow.objects.exists()


def test_missing_triggers_are_named() -> None:
    assert guards.missing(connection) == []

    guards.remove(connection)

    assert "audit_guard_row_update" in guards.missing(connection)
    guards.install(connection)
    assert guards.missing(connection) == []
