"""Master data that anybody changes anywhere, on a page, in the set-up or by a command: what it was and what it is.

An app names its models once, in its module ``audited``. Signals are the one place that all ways of saving an object
share; bulk statements go past them, and whoever uses one records the action himself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, ManyToManyField, Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from audit.actions import Action
from audit.recording import NOT_SET, SECRET_CHANGED, SECRET_SET, record
from common.fields import DecryptionError, EncryptedTextField, Token, decrypt

PASSWORD = "password"  # noqa: S105 - a field's name
BEFORE = "_before_it_was_saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """``secret`` fields are told as set or changed, ``ignored`` ones not at all."""

    secret: frozenset[str]
    ignored: frozenset[str]


WATCHED: dict[type[Model], Watched] = {}


def watch(
    model: type[Model], *, secret: Collection[str] = (), ignored: Collection[str] = (), links: Collection[str] = ()
) -> None:
    """Record each creation, change and deletion of the model's objects; ``links`` are many-to-many fields of it.

    Encrypted fields are secret without being named.
    """
    fields = model._meta.concrete_fields
    encrypted = {field.attname for field in fields if isinstance(field, EncryptedTextField)}
    WATCHED[model] = Watched(secret=frozenset({*secret, *encrypted}), ignored=frozenset({"id", *ignored}))
    uid = f"audit.{model._meta.label}"
    pre_save.connect(_note_before, sender=model, dispatch_uid=uid)
    post_save.connect(_record_saved, sender=model, dispatch_uid=uid)
    post_delete.connect(_record_deleted, sender=model, dispatch_uid=uid)
    for name in links:
        field = model._meta.get_field(name)
        if isinstance(field, ManyToManyField):
            m2m_changed.connect(_record_links, sender=field.remote_field.through, dispatch_uid=f"{uid}.{name}")


def values_of(instance: Model) -> dict[str, Any]:
    """As the object holds them, by attribute; encrypted ones are not read."""
    return {field.attname: instance.__dict__.get(field.attname) for field in instance._meta.concrete_fields}


def changes_of(model: type[Model], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs and is told; of secrets only that."""
    watched, found = WATCHED[model], dict[str, tuple[Any, Any]]()
    for field in model._meta.concrete_fields:
        name = field.attname
        old, new = before.get(name), after.get(name)
        if name in watched.ignored:
            continue
        if name in watched.secret:
            if not _is_same_secret(old, new):
                found[name] = (
                    SECRET_SET if old else NOT_SET,
                    (SECRET_CHANGED if old else SECRET_SET) if new else NOT_SET,
                )
        elif _value(field, old) != _value(field, new):
            found[name] = (_shown(field, old), _shown(field, new))
    return found


def _note_before(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    """What the database holds before it is overwritten; nothing for a new object."""
    adding = instance._state.adding
    stored = None if adding else sender._base_manager.filter(pk=instance.pk).first()
    setattr(instance, BEFORE, values_of(stored) if stored is not None else {})


def _record_saved(
    sender: type[Model], instance: Model, *, created: bool, update_fields: Collection[str] | None = None, **kwargs: Any
) -> None:
    before: dict[str, Any] = instance.__dict__.pop(BEFORE, {})
    after = values_of(instance)
    if update_fields is not None and not created:
        written = {
            field.attname for field in sender._meta.concrete_fields if {field.name, field.attname} & set(update_fields)
        }
        after = before | {name: value for name, value in after.items() if name in written}
    if not created and _is_new_password(instance, before, after, update_fields):
        record(Action.PASSWORD_CHANGED, target=instance)
    changes = changes_of(sender, before, after)
    if created or changes:
        record(Action.CREATED if created else Action.CHANGED, target=instance, changes=changes)


def _record_deleted(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    record(Action.DELETED, target=instance, changes=changes_of(sender, values_of(instance), {}))


def _record_links(
    sender: type[Model], instance: Model, action: str, model: type[Model], pk_set: set[Any] | None, **kwargs: Any
) -> None:
    """``clear`` is told before it happens, as long as it is known what goes."""
    if action == "pre_clear":
        names = _linked(sender, instance, model)
    elif action in ("post_add", "post_remove") and pk_set:
        names = model._base_manager.filter(pk__in=pk_set).order_by("pk")
    else:
        return
    told = ", ".join(map(str, names))
    if told:
        done = Action.LINKED if action == "post_add" else Action.UNLINKED
        record(done, target=instance, text=f"{model._meta.verbose_name_plural}: {told}")


def _linked(through: type[Model], instance: Model, model: type[Model]) -> Any:
    """The objects at the other end of the links that are about to be cleared."""
    own = next(f.name for f in through._meta.fields if f.related_model is type(instance))
    other = next(f.name for f in through._meta.fields if f.related_model is model and f.name != own)
    keys = through._base_manager.filter(**{own: instance.pk}).values(other)
    return model._base_manager.filter(pk__in=keys).order_by("pk")


def _is_new_password(
    instance: Model, before: Mapping[str, Any], after: Mapping[str, Any], update_fields: Collection[str] | None
) -> bool:
    """Not where a hash was only made anew at sign-in, since the hasher of today is another one."""
    if not hasattr(instance, "set_password") or before.get(PASSWORD) == after.get(PASSWORD):
        return False
    rehashed = (
        update_fields is not None and set(update_fields) == {PASSWORD} and getattr(instance, "_password", "") is None
    )
    return not rehashed


def _is_same_secret(old: Any, new: Any) -> bool:
    if isinstance(old, Token) and isinstance(new, str) and not isinstance(new, Token):
        try:
            return decrypt(old) == new
        except DecryptionError:
            return False
    return (old or "") == (new or "")


def _value(field: "Field[Any, Any]", value: Any) -> Any:
    """As it is read from the database, so that a number and its text are the same."""
    return None if value is None else field.to_python(value)


def _shown(field: "Field[Any, Any]", value: Any) -> str | None:
    return None if value is None else str(field.to_python(value))
