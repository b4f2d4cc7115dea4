import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.serializers import deserialize, serialize
from django.core.serializers.base import DeserializationError
from django.db import connection
from pytest_django import Settings

from common.fields import DecryptionError, decrypt, encrypt
from tests.factories.tickets import TicketSystemFactory
from tickets.models import TicketSystem

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


def stored_password(system: TicketSystem) -> str:
    """What stands in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM tickets_ticketsystem WHERE id = %s", [system.pk])
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_nothing_stands_in_clear_in_the_table() -> None:
    system = TicketSystemFactory.create(password="pässword-marker")

    assert "marker" not in stored_password(system)
    assert TicketSystem.objects.get(pk=system.pk).password == "pässword-marker"


@pytest.mark.django_db
def test_an_empty_secret_stays_empty() -> None:
    system = TicketSystemFactory.create(password="")

    assert stored_password(system) == ""
    assert TicketSystem.objects.get(pk=system.pk).password == ""


@pytest.mark.django_db
def test_equal_secrets_look_different_in_the_table() -> None:
    one, other = TicketSystemFactory.create(password="same"), TicketSystemFactory.create(password="same")

    assert stored_password(one) != stored_password(other)


@pytest.mark.django_db
def test_a_secret_written_with_the_old_key_is_read_and_saved_with_the_new_one(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    system = TicketSystemFactory.create(password="secret")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    TicketSystem.objects.get(pk=system.pk).save()

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert TicketSystem.objects.get(pk=system.pk).password == "secret"


@pytest.mark.django_db
def test_a_secret_without_its_key_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    system = TicketSystemFactory.create(password="secret")
    settings.FIELD_ENCRYPTION_KEYS = [FOREIGN]

    loaded = TicketSystem.objects.get(pk=system.pk)
    with pytest.raises(DecryptionError, match="Put the old key back behind the new one") as error:
        str(loaded.password)

    assert "secret" not in str(error.value)
    assert OLD not in str(error.value)


@pytest.mark.parametrize("token", ["plain text", "gAAAAA==", "ümläut"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(DecryptionError):
        decrypt(token)


def test_a_changed_token_is_refused() -> None:
    token = encrypt("secret")
    changed = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]

    with pytest.raises(DecryptionError):
        decrypt(changed)


@pytest.mark.parametrize("keys", [[], ["short"], ["ü" * 44]])
def test_keys_that_are_none_are_named_as_a_wrong_setting(settings: Settings, keys: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEYS must hold keys of 32 bytes"):
        encrypt("secret")


@pytest.mark.django_db
def test_dumped_data_hold_no_secret_and_bring_it_back() -> None:
    system = TicketSystemFactory.create(password="pässword-marker", rpc_password="")
    fresh = serialize("json", TicketSystem.objects.all())
    used = serialize("json", [system])  # whose password was set and not read from the table

    assert "marker" not in fresh + used
    for text in (fresh, used):
        (again,) = deserialize("json", text)
        again.save()
        assert TicketSystem.objects.get(pk=system.pk).password == "pässword-marker"


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["encrypted:me", f"encrypted:{encrypt('of somebody else')}"])
def test_secret_that_is_entered_is_never_decrypted(secret: str) -> None:
    system = TicketSystemFactory.create(password=secret)

    system.full_clean()
    system.save()

    assert TicketSystem.objects.get(pk=system.pk).password == secret


@pytest.mark.django_db
def test_dumped_data_whose_key_is_gone_are_not_taken_in(settings: Settings) -> None:
    TicketSystemFactory.create(password="pässword-marker")
    text = serialize("json", TicketSystem.objects.all())
    settings.FIELD_ENCRYPTION_KEYS = [FOREIGN]

    with pytest.raises(DeserializationError):
        list(deserialize("json", text))
