"""A text field whose value is encrypted in the database."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute

DUMPED = "encrypted:"


class DecryptionError(Exception):
    """A stored secret cannot be read with any of the keys in ``FIELD_ENCRYPTION_KEYS``."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS must hold keys of 32 bytes in URL-safe base64, newest first."
        ) from error


def encrypt(text: str) -> str:
    """Encrypt with the newest key of ``settings.FIELD_ENCRYPTION_KEYS``."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Decrypt with any known key; raises ``DecryptionError`` with a sentence that says what to do."""
    try:
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError(
            "A stored password cannot be decrypted: FIELD_ENCRYPTION_KEYS no longer holds the key it was written with. "
            "Put the old key back behind the new one, or enter the password again."
        ) from error


class Token(str):
    """An encrypted value as the database holds it."""

    __slots__ = ()


class DecryptOnAccess(DeferredAttribute):
    """Decrypts when the attribute is read, so that a lost key breaks nothing but the use of the secret."""

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Token) and instance is not None:
            value = instance.__dict__[self.field.attname] = decrypt(value)
        return value

    def __set__(self, instance: models.Model, value: str) -> None:
        """Without this Python would look into the instance first and never come here."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Encrypted at rest with Fernet (AES-CBC and HMAC). Cannot be searched. Empty text stays empty.

    Reading the attribute raises ``DecryptionError`` when the key is lost; loading the row does not.
    """

    descriptor_class = DecryptOnAccess

    def get_prep_value(self, value: Any) -> Any:
        """Past that of ``TextField``, which calls ``to_python`` and would decrypt what a person entered."""
        prepared = models.Field.get_prep_value(self, value)
        return encrypt(str(prepared)) if prepared else prepared

    def value_to_string(self, obj: models.Model) -> str:
        """For ``dumpdata``, which would else write every secret in clear into its file."""
        value = str(obj.__dict__.get(self.attname) or "")
        if not value:
            return ""
        return DUMPED + (value if isinstance(obj.__dict__[self.attname], Token) else encrypt(value))

    def to_python(self, value: Any) -> Any:
        """For ``loaddata``: what ``value_to_string`` wrote is read again. Raises ``DecryptionError``."""
        if isinstance(value, str) and value.startswith(DUMPED):
            return decrypt(value.removeprefix(DUMPED))
        return super().to_python(value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """Without ``to_python``: what a person enters is never decrypted, else a stolen dump could be read here."""
        self.validate(value, model_instance)
        self.run_validators(value)
        return value

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        return Token(value) if value else value
