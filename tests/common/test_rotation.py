"""Keys change, secrets stay; every encrypted column of every app is found."""

import re

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from common.fields import DecryptionError, decrypt
from common.rotation import encrypted_columns, rotate, unreadable_columns
from tests.commands import run_command
from tests.factories.tickets import TicketSystemFactory
from tests.pages.world import TOTP_SECRET, with_second_factor
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db
NEW, NEWER = Fernet.generate_key().decode(), Fernet.generate_key().decode()
COLUMN = "tickets.TicketSystem.password"
IN_DOCUMENTS_OF_LIBRARIES = {"mfa.Authenticator.data.secret", "mfa.Authenticator.data.seed"}


@pytest.fixture
def old() -> str:
    (key,) = django_settings.FIELD_ENCRYPTION_KEYS
    return str(key)


@pytest.fixture
def passwords(old: str, settings: Settings) -> set[str]:
    """Three secrets of the old key; a new one is in force."""
    passwords = {f"geheim {number}" for number in range(3)}
    for password in sorted(passwords):
        TicketSystemFactory(password=password)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    return passwords


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM tickets_ticketsystem ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def read() -> set[str]:
    return {system.password for system in TicketSystem.objects.all()}


def test_every_encrypted_field_of_the_code_is_found() -> None:
    named = {str(column) for column in encrypted_columns()}

    counted = 0
    for folder in ("audit", "tickets", "billing", "registration", "outofoffice", "portal"):
        for path in (django_settings.BASE_DIR / folder).rglob("*.py"):
            if "migrations" not in path.parts:
                counted += len(re.findall(r"= EncryptedTextField\(", path.read_text(encoding="utf-8")))
    assert COLUMN in named
    assert len(named) == counted + len(IN_DOCUMENTS_OF_LIBRARIES)
    assert named >= IN_DOCUMENTS_OF_LIBRARIES


def test_secrets_are_the_same_without_the_old_key(passwords: set[str], settings: Settings) -> None:
    assert run_command("rotate_keys")[0] == 0

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert read() == passwords


def test_second_factors_work_without_the_old_key(settings: Settings, old: str, django_user_model: type[User]) -> None:
    user = with_second_factor(django_user_model.objects.create_user("anna"))
    codes = recovery_codes(user)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]

    code, out, _err = run_command("rotate_keys")
    again = run_command("rotate_keys")[1]

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert code == 0
    for name in IN_DOCUMENTS_OF_LIBRARIES:
        assert f"{name}: 1 written anew, 0 had the newest key already." in out
        assert f"{name}: 0 written anew, 1 had the newest key already." in again
    assert decrypt(Authenticator.objects.get(user=user, type="totp").data["secret"]) == TOTP_SECRET
    assert recovery_codes(user) == codes
    assert len(codes) == 10


def test_second_factor_without_a_key_stays_and_is_named(
    settings: Settings, old: str, django_user_model: type[User]
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEWER]
    user = with_second_factor(django_user_model.objects.create_user("anna"))
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    before = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))

    code, _out, err = run_command("rotate_keys")

    assert (code, list(Authenticator.objects.order_by("pk").values_list("data", flat=True))) == (1, before)
    assert f"no key reads the rows {Authenticator.objects.get(user=user, type='totp').pk};" in err
    assert {str(column) for column in unreadable_columns()} == IN_DOCUMENTS_OF_LIBRARIES


def recovery_codes(user: User) -> list[str]:
    codes: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return codes


def test_second_rotation_changes_nothing(passwords: set[str]) -> None:
    run_command("rotate_keys")
    before = stored()

    code, out, _err = run_command("rotate_keys")

    assert (code, stored()) == (0, before)
    assert f"{COLUMN}: 0 written anew, 3 had the newest key already." in out


def test_dry_run_only_counts(passwords: set[str]) -> None:
    before = stored()

    code, out, _err = run_command("rotate_keys", "--dry-run")

    assert (code, stored()) == (0, before)
    assert f"{COLUMN}: 3 written anew, 0 had the newest key already." in out


def test_secret_without_a_key_stays_and_is_named(passwords: set[str], settings: Settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEWER]
    lost = TicketSystemFactory(password="of a key that is lost")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    before = stored()

    code, out, err = run_command("rotate_keys")

    assert (code, stored()[-1]) == (1, before[-1])
    assert f"{COLUMN}: 3 written anew" in out
    assert f"no key reads the rows {lost.pk};" in err


def test_unreadable_column_is_found_by_its_latest_secret(passwords: set[str], settings: Settings) -> None:
    assert unreadable_columns() == []

    settings.FIELD_ENCRYPTION_KEYS = [NEWER]
    assert COLUMN in {str(column) for column in unreadable_columns()}
    with pytest.raises(DecryptionError):
        read()


def test_empty_secrets_stay_empty(settings: Settings, old: str) -> None:
    TicketSystemFactory(password="")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]

    rotate_all = [(str(each.column), each.written, each.current) for each in rotate()]

    assert (COLUMN, 0, 0) in rotate_all
    assert stored() == [""]
    assert unreadable_columns() == []


def test_number_of_queries_does_not_depend_on_the_number_of_secrets(
    passwords: set[str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(4 * len(encrypted_columns())):
        list(rotate())
