# ruff: noqa: S608 - the statements of an attacker
"""The chain: every row has one place, and whatever is done to it past the portal is found."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from audit import guards
from audit.actions import Action
from audit.models import AuditHead, AuditKey, AuditRow
from audit.origin import origin_now
from audit.recording import entry, record, record_all
from audit.sealing import add_key, seal_waiting
from audit.seals import GENESIS, content_of, mac_of, seal_of
from audit.verification import Verdict, verify
from common.fields import DecryptionError

pytestmark = pytest.mark.django_db


def sealed(count: int = 5) -> list[AuditRow]:
    """A chain of its own: what ``migrate`` has written is sealed before."""
    first = seal_waiting(now=timezone.now()).position
    here = origin_now()
    record_all(entry(Action.ORDER_DRAFTED, target_key=number, text="true", origin=here) for number in range(count))
    seal_waiting(now=timezone.now())
    return list(AuditRow.objects.filter(position__gt=first).order_by("position"))


def looked_at(expected: str = "") -> Verdict:
    return verify(now=timezone.now(), expected=expected)


def attack(*statements: str) -> None:
    """With the rights of the database's owner: the triggers go, and come back."""
    connection.check_constraints()
    guards.remove(connection)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.check_constraints()
    guards.install(connection)


def test_chain_has_no_gap_and_each_seal_follows_the_one_before() -> None:
    rows = sealed(5)

    positions = list(AuditRow.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, len(positions) + 1))
    assert [row.previous for row in rows[1:]] == [row.seal for row in rows[:-1]]
    assert AuditRow.objects.get(position=1).previous == GENESIS
    assert looked_at() == Verdict(
        rows=len(positions), position=len(positions), seal=rows[-1].seal, waiting=0, broken=None
    )


def test_sealing_again_changes_nothing() -> None:
    rows = sealed(3)

    again = seal_waiting(now=timezone.now())

    assert (again.rows, again.seal, again.strange) == (0, rows[-1].seal, ())


def test_rows_are_sealed_with_few_statements(django_assert_max_num_queries: object) -> None:
    sealed(1)
    here = origin_now()
    record_all(entry(Action.ORDER_DRAFTED, target_key=number, origin=here) for number in range(400))

    with django_assert_max_num_queries(16):  # type: ignore[operator]
        done = seal_waiting(now=timezone.now())

    assert done.rows == 400


def test_end_of_the_chain_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="audit.sealing"):
        rows = sealed(1)

    assert rows[-1].seal in caplog.text


def test_place_is_written_once() -> None:
    row = sealed(1)[0]

    for change in ({"position": 99}, {"seal": "0" * 64}, {"previous": "0" * 64}, {"position": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditRow.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditHead.objects.update(position=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditHead.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRow.objects.create(
            at=row.at, mac=row.mac, position=99, previous=row.seal, seal=row.seal, key=row.key, action="x"
        )
    assert looked_at().is_sound


CONTENTS = {
    "text": "'false'",
    "actor": "'somebody'",
    "actor_key": "7",
    "actor_kind": "'nobody'",
    "action": "'order.voided'",
    "object_type": "'x'",
    "object_key": "'x'",
    "object_name": "'x'",
    "address": "'x'",
    "source": "'x'",
    "result": "'failed'",
    "changes": '\'[["a", "b", "c"]]\'',
}


@pytest.mark.parametrize(("column", "value"), CONTENTS.items())
def test_changed_row_is_found(column: str, value: str) -> None:
    row = sealed()[2]

    attack(f"UPDATE audit_auditrow SET {column} = {value} WHERE id = {row.pk}")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position, broken.number) == ("changed", row.position, row.pk)


def test_moved_moment_is_found() -> None:
    row = sealed()[2]

    attack(f"UPDATE audit_auditrow SET at = '2020-01-01 00:00:00' WHERE id = {row.pk}")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("changed", row.position)


def test_deleted_row_is_found() -> None:
    row = sealed()[2]

    attack(f"DELETE FROM audit_auditrow WHERE id = {row.pk}")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("deleted", row.position)


def test_deleted_row_whose_place_was_closed_is_found() -> None:
    rows = sealed()

    attack(
        f"DELETE FROM audit_auditrow WHERE id = {rows[2].pk}",
        f"UPDATE audit_auditrow SET position = {rows[2].position} WHERE id = {rows[3].pk}",
        f"UPDATE audit_auditrow SET position = {rows[3].position} WHERE id = {rows[4].pk}",
    )

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("reordered", rows[2].position)


def test_rows_that_changed_places_are_found() -> None:
    rows = sealed()
    one, other = rows[1], rows[2]
    places = "position = {row.position}, previous = '{row.previous}', seal = '{row.seal}'"

    attack(
        f"UPDATE audit_auditrow SET position = 1000000 WHERE id = {one.pk}",
        f"UPDATE audit_auditrow SET {places.format(row=one)} WHERE id = {other.pk}",
        f"UPDATE audit_auditrow SET {places.format(row=other)} WHERE id = {one.pk}",
    )

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("reordered", one.position)


def test_row_written_anew_with_the_keys_of_the_portal_leaves_the_next_one_behind() -> None:
    row, following = sealed()[1:3]
    row.text = "false"
    assert row.position
    assert row.key
    content = content_of(row)
    mac = mac_of(content)
    seal = seal_of(
        row.key.secret, position=row.position, previous=row.previous or "", number=row.pk, mac=mac, content=content
    )

    attack(f"UPDATE audit_auditrow SET text = 'false', mac = '{mac}', seal = '{seal}' WHERE id = {row.pk}")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position, broken.number) == ("reordered", following.position, following.pk)
    assert "does not follow the one before" in broken.text


COLUMNS = "at, actor_kind, actor_key, action, object_type, object_key, object_name, address, source, result, changes"
COPIED = (
    f"INSERT INTO audit_auditrow ({COLUMNS}, text, mac, actor, uid, position, previous, seal, key_id) "
    f"SELECT {COLUMNS}, text, mac, '{{actor}}', {{uid}}, {{place}} FROM audit_auditrow WHERE id = {{pk}}"
)
OTHER_UID = "'00000000000000000000000000000001'"


def test_row_put_in_at_the_end_is_found() -> None:
    last = sealed()[-1]
    assert last.position
    place = f"{last.position + 1}, '{last.seal}', '{'ab' * 32}', {last.key_id}"

    attack(COPIED.format(actor="anna", uid=OTHER_UID, place=place, pk=last.pk))

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("changed", last.position + 1)


@pytest.mark.parametrize("actor", ["anna", ""])
def test_row_put_in_for_the_sealer_is_never_sealed(actor: str) -> None:
    """It takes no rights to put a row in: only the portal knows what makes it genuine."""
    last = sealed()[-1]
    with connection.cursor() as cursor:
        cursor.execute(COPIED.format(actor=actor, uid=OTHER_UID, place="NULL, '', '', NULL", pk=last.pk))

    done = seal_waiting(now=timezone.now())
    record(Action.SIGNED_IN)
    later = seal_waiting(now=timezone.now())

    assert (done.rows, len(done.strange), later.rows) == (0, 1, 1)
    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.number) == ("inserted", done.strange[0])


def test_copy_of_a_row_has_no_room() -> None:
    last = sealed()[-1]

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COPIED.format(actor=last.actor, uid="uid", place="NULL, '', '', NULL", pk=last.pk))


def test_row_changed_before_it_was_sealed_is_found() -> None:
    sealed()
    row = record(Action.SIGNED_IN)

    attack(f"UPDATE audit_auditrow SET actor = 'bernd' WHERE id = {row.pk}")
    seal_waiting(now=timezone.now())

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.number) == ("inserted", row.pk)


def test_deleted_newest_rows_are_found() -> None:
    rows = sealed()

    attack(f"DELETE FROM audit_auditrow WHERE id >= {rows[3].pk}")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("deleted", rows[3].position)


def test_end_put_back_with_the_rows_is_found_with_a_seal_kept_elsewhere() -> None:
    rows = sealed()
    kept = rows[-1].seal
    assert looked_at(kept).is_sound

    attack(
        f"DELETE FROM audit_auditrow WHERE id >= {rows[3].pk}",
        f"UPDATE audit_audithead SET position = {rows[2].position}, seal = '{rows[2].seal}'",
    )

    assert looked_at().is_sound
    broken = looked_at(kept).broken
    assert broken is not None
    assert broken.fault == "other_end"


def test_end_that_was_deleted_is_found() -> None:
    rows = sealed()

    attack(f"DELETE FROM audit_auditrow WHERE id >= {rows[3].pk}", "DELETE FROM audit_audithead")

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("deleted", rows[3].position)


def test_seal_kept_elsewhere_is_found_when_the_chain_went_on() -> None:
    kept = sealed()[-1].seal
    sealed()

    assert looked_at(kept.upper()).is_sound


def test_rows_that_wait_for_their_seal_are_sound_meanwhile() -> None:
    sealed()
    for _ in range(2):
        record(Action.SIGNED_IN, now=timezone.now())

    assert (looked_at().broken, looked_at().waiting) == (None, 2)


def test_row_that_nobody_seals_is_found_after_a_while() -> None:
    sealed()
    row = record(Action.SIGNED_IN, now=timezone.now() - timedelta(minutes=11))

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.number) == ("unsealed", row.pk)


def test_key_of_somebody_else_makes_no_seal() -> None:
    """Who has the database alone can put a key in, but not one that the portal reads."""
    rows = sealed()
    forged = Fernet(Fernet.generate_key()).encrypt(b"00" * 32).decode()

    attack(
        f"INSERT INTO audit_auditkey (id, secret, made_at) VALUES (99, '{forged}', '2026-01-01 00:00:00')",
        f"UPDATE audit_auditrow SET key_id = 99 WHERE id = {rows[2].pk}",
    )

    broken = looked_at().broken
    assert broken is not None
    assert (broken.fault, broken.position) == ("unknown_key", rows[2].position)


def test_old_rows_are_verified_after_the_keys_were_rotated(settings: Settings) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    sealed()
    record(Action.SIGNED_IN)

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("rotate_keys", stdout=StringIO())
    settings.FIELD_ENCRYPTION_KEYS = [new]

    assert looked_at().is_sound
    assert looked_at().waiting == 0
    assert AuditRow.objects.filter(action=Action.KEYS_ROTATED).count() == 1
    assert len(set(AuditRow.objects.values_list("key", flat=True))) == 2


def test_key_that_is_lost_stops_the_sealer_and_loses_nothing(settings: Settings) -> None:
    sealed(2)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    row = record(Action.SIGNED_IN)

    with pytest.raises(DecryptionError):
        seal_waiting(now=timezone.now())

    broken = looked_at().broken
    assert broken is not None
    assert broken.fault == "unknown_key"
    add_key(now=timezone.now())
    assert seal_waiting(now=timezone.now()).rows == 1
    assert AuditRow.objects.get(pk=row.pk).position


def test_stored_key_cannot_be_read_in_the_database() -> None:
    sealed()
    key = AuditKey.objects.get()

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM audit_auditkey")
        (stored,) = cursor.fetchone()

    assert len(key.secret) == 64
    assert key.secret not in stored


def test_code_of_a_row_needs_the_key_of_the_portal(settings: Settings) -> None:
    row = record(Action.SIGNED_IN)

    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert mac_of(content_of(row)) != row.mac


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_audit_log", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_row_that_is_not_genuine_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    row = record(Action.SIGNED_IN)
    attack(f"UPDATE audit_auditrow SET actor = 'bernd' WHERE id = {row.pk}")

    seal_waiting(now=timezone.now())

    assert f"has not written like this: [{row.pk}]" in caplog.text


def test_command_says_that_the_log_is_sound() -> None:
    rows = sealed()

    code, text = run("--expect", rows[1].seal)

    assert code == 0
    assert "The audit log is sound" in text
    assert rows[-1].seal in text


def test_command_seals_first_when_asked_to() -> None:
    record(Action.SIGNED_IN, now=timezone.now() - timedelta(days=1))

    assert run()[0] == 1
    assert run("--seal")[0] == 0


def test_command_names_the_first_broken_row() -> None:
    row = sealed()[2]
    attack(f"UPDATE audit_auditrow SET text = 'false' WHERE id >= {row.pk}")

    code, text = run("--json")

    document = json.loads(text)
    assert code == 1
    assert (document["sound"], document["position"]) == (False, row.position - 1 if row.position else None)
    assert document["broken"]["fault"] == "changed"
    assert document["broken"]["row"] == row.pk
    assert "was changed" in run()[1]


def test_command_without_its_key_says_what_to_do(settings: Settings) -> None:
    sealed()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    record(Action.SIGNED_IN)

    with pytest.raises(CommandError) as refused:
        call_command("verify_audit_log", "--seal")

    assert refused.value.returncode == 1


def test_command_refuses_what_is_no_seal() -> None:
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit_log", "--expect", "12")

    assert refused.value.returncode == 2


def test_empty_log_is_sound(make_empty: Callable[[], None]) -> None:
    make_empty()

    assert looked_at() == Verdict(rows=0, position=0, seal="", waiting=0, broken=None)


@pytest.fixture
def make_empty() -> Callable[[], None]:
    return lambda: attack("DELETE FROM audit_auditrow", "DELETE FROM audit_audithead")
