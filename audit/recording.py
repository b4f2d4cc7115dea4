"""Writing rows of the audit log: ``record`` for one action, ``record_all`` for many at once.

Whoever acts calls it inside of the action's transaction: the row is kept exactly when the action is. What is refused
is recorded outside, after the transaction was rolled back.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from audit.actions import Action, ActorKind, Result
from audit.cleaning import visible
from audit.models import AuditRow
from audit.origin import Origin, origin_now
from audit.seals import content_of, mac_of

Changes = Mapping[str, tuple[object, object]]
"""By the field's name: before and after. ``None`` stands for nothing; secrets never come here, see ``SECRET``."""
NOT_SET, SECRET_SET, SECRET_CHANGED = "", "set", "changed"
BATCH = 500


def record(
    action: Action,
    *,
    target: Model | None = None,
    target_type: str = "",
    target_key: object = "",
    target_name: object = "",
    changes: Changes | None = None,
    text: object = "",
    result: Result = Result.DONE,
    user: Any = None,
    request: HttpRequest | None = None,
    now: datetime | None = None,
) -> AuditRow:
    """Write one row. ``target`` is the object; where there is none, ``target_type`` and so on name it.

    Actor and address are those of the request, task or command at work; ``user`` (an account or ``None``) is given
    where a person has asked for what somebody else carries out. Text is made harmless and cut; never pass a secret.
    """
    row = entry(
        action,
        target=target,
        target_type=target_type,
        target_key=target_key,
        target_name=target_name,
        changes=changes,
        text=text,
        result=result,
        origin=_asked_by(user, origin_now(request)),
        now=now,
    )
    row.save(force_insert=True)
    return row


def record_all(rows: Iterable[AuditRow]) -> None:
    """Write rows of ``entry`` with few statements."""
    AuditRow.objects.bulk_create(rows, batch_size=BATCH)


def entry(
    action: Action,
    *,
    target: Model | None = None,
    target_type: str = "",
    target_key: object = "",
    target_name: object = "",
    changes: Changes | None = None,
    text: object = "",
    result: Result = Result.DONE,
    origin: Origin,
    now: datetime | None = None,
) -> AuditRow:
    """A row that is not written yet, for ``record_all``."""
    if target is not None:
        target_type, target_key, target_name = target._meta.label_lower, target.pk, str(target)
    row = AuditRow(
        at=now or timezone.now(),
        actor_kind=origin.kind.value,
        actor=visible(origin.actor, 200),
        actor_key=origin.key,
        action=action.value,
        object_type=visible(target_type, 80),
        object_key=visible(target_key, 80),
        object_name=visible(target_name, 200),
        address=visible(origin.address, 45),
        source=visible(origin.source, 120),
        result=result.value,
        changes=[[visible(name, 80), _shown(old), _shown(new)] for name, (old, new) in (changes or {}).items()],
        text=visible(text),
    )
    row.mac = mac_of(content_of(row))
    return row


def origins_of(users: Iterable[int | None]) -> dict[int | None, Origin]:
    """Who has asked, by primary key of the account; ``None`` is who acts at this moment. One query at most."""
    here = origin_now()
    wanted = {key for key in users if key is not None and key != here.key}
    names = dict(get_user_model()._base_manager.filter(pk__in=wanted).values_list("pk", "username")) if wanted else {}
    others: dict[int | None, Origin] = {key: _of_account(key, name, here) for key, name in names.items()}
    return {None: here, here.key: here} | others


def _asked_by(user: Any, here: Origin) -> Origin:
    if user is None or user.pk is None or user.pk == here.key:
        return here
    return _of_account(user.pk, user.get_username(), here)


def _of_account(key: int, name: str, here: Origin) -> Origin:
    return Origin(kind=ActorKind.USER, actor=name, key=key, address=here.address, source=here.source)


def _shown(value: object) -> str | None:
    return None if value is None else visible(value)
