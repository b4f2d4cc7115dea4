"""Which columns are encrypted, whether they can be read, and how they are written anew with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from common.fields import DecryptionError, EncryptedTextField, decrypt, encrypt

BATCH = 500
IN_DOCUMENTS = {"mfa.Authenticator": {"data": ("secret", "seed")}}
"""Secrets that a library keeps inside of JSON columns: model, column, names in the document."""


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """One encrypted field of one model, or what stands under ``key`` in the documents of a JSON field."""

    model: type[models.Model]
    name: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}{self.key and '.'}{self.key}"

    @property
    def lookup(self) -> str:
        return f"{self.name}__{self.key}" if self.key else self.name

    def rows(self) -> models.QuerySet[models.Model]:
        """Those that hold a secret."""
        rows = self.model._base_manager.all()
        return rows.filter(**{f"{self.name}__has_key": self.key}) if self.key else rows.exclude(**{self.name: ""})

    def token_of(self, row: models.Model) -> str:
        """As the database holds it."""
        value = row.__dict__[self.name]
        return str(value[self.key] if self.key else value)

    def renew(self, row: models.Model) -> None:
        """Have the row written with the newest key; a field does that by itself. Raises ``DecryptionError``."""
        text = decrypt(self.token_of(row))
        if self.key:
            row.__dict__[self.name][self.key] = encrypt(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What became of one column: values written anew, such as had the newest key already, keys of unreadable rows."""

    column: EncryptedColumn
    written: int
    current: int
    unreadable: tuple[object, ...]


def encrypted_columns() -> list[EncryptedColumn]:
    """Of every table of every app, found in the models: a new one cannot be forgotten."""
    fields = [
        EncryptedColumn(model, field.attname)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
    documents = [
        EncryptedColumn(apps.get_model(label), column, key)
        for label, columns in IN_DOCUMENTS.items()
        for column, keys in columns.items()
        for key in keys
    ]
    return fields + documents


def unreadable_columns() -> list[EncryptedColumn]:
    """Those whose latest value no key can read; one query each."""
    return [column for column in encrypted_columns() if not _latest_is_readable(column)]


def rotate(*, dry_run: bool = False) -> Iterator[Rotation]:
    """Write every value that an older key has encrypted with the newest one; done again it changes nothing.

    Each column in a transaction of its own, its rows locked: a password that somebody saves meanwhile is not lost.
    What no key can read stays as it is.
    """
    for column in encrypted_columns():
        with transaction.atomic():
            yield _rotate(column, dry_run=dry_run)


def _rotate(column: EncryptedColumn, *, dry_run: bool) -> Rotation:
    stale, current, unreadable = [], 0, []
    for row in column.rows().select_for_update().only("pk", column.name).order_by("pk"):
        if _has_newest_key(column.token_of(row)):
            current += 1
            continue
        try:
            column.renew(row)
            stale.append(row)
        except DecryptionError:
            unreadable.append(row.pk)
    if stale and not dry_run:
        column.model._base_manager.bulk_update(stale, [column.name], batch_size=BATCH)
    return Rotation(column=column, written=len(stale), current=current, unreadable=tuple(unreadable))


def _has_newest_key(token: str) -> bool:
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _latest_is_readable(column: EncryptedColumn) -> bool:
    token = column.rows().order_by("-pk").values_list(column.lookup, flat=True).first()
    try:
        return token is None or bool(decrypt(token))
    except DecryptionError:
        return False
