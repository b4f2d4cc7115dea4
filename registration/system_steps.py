"""What a person does to a registered system: keep a type and description for it, and retire it."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import record
from registration.models import RegisteredSystem, RegistrationEvent
from registration.status_texts import ENDED
from tickets.models import AnyUser

ACTIONS = {
    RegistrationEvent.Kind.EDITED: Action.SYSTEM_EDITED,
    RegistrationEvent.Kind.RETIRED: Action.SYSTEM_RETIRED,
}


class StepRefused(Exception):
    """Nothing was changed; the text can be shown to a person."""


def keep_texts(pk: int, *, kept_type: str, kept_description: str, user: AnyUser, now: datetime) -> bool:
    """Keep what the system takes over with its next update; empty: what it reports itself counts again.

    Returns whether anything changed. Raises ``StepRefused`` where the registration has ended.
    """
    texts = {"kept_type": kept_type, "kept_description": kept_description}

    def keep(system: RegisteredSystem) -> dict[str, list[str]]:
        changed = {name: [getattr(system, name), text] for name, text in texts.items() if getattr(system, name) != text}
        RegisteredSystem.objects.filter(pk=system.pk).update(**{name: texts[name] for name in changed})
        return changed

    return _step(pk, keep, kind=RegistrationEvent.Kind.EDITED, user=user, now=now)


def retire(pk: int, *, user: AnyUser, now: datetime) -> None:
    """End the registration: its next update is refused, and the system may register anew. Cannot be undone.

    Raises ``StepRefused`` where it has ended already.
    """

    def end(system: RegisteredSystem) -> dict[str, list[str]]:
        RegisteredSystem.objects.filter(pk=system.pk).update(state=RegisteredSystem.State.RETIRED, ended_at=now)
        return {"state": [system.state, RegisteredSystem.State.RETIRED.value]}

    _step(pk, end, kind=RegistrationEvent.Kind.RETIRED, user=user, now=now)


def _step(
    pk: int,
    change: Callable[[RegisteredSystem], dict[str, list[str]]],
    *,
    kind: RegistrationEvent.Kind,
    user: AnyUser,
    now: datetime,
) -> bool:
    """Under the lock of the row, as requests of the system itself; the event stands in the same transaction."""
    with transaction.atomic():
        system = RegisteredSystem.objects.select_for_update().get(pk=pk)
        if system.state in ENDED:
            raise StepRefused(
                _("%(system)s is %(state)s already. Nothing was changed.")
                % {"system": system, "state": system.get_state_display()}
            )
        changed = change(system)
        if changed:
            RegistrationEvent.objects.create(system=system, kind=kind, at=now, user_id=user.pk, facts=changed)
            pairs = {name: (before, after) for name, (before, after) in changed.items()}
            record(ACTIONS[kind], target=system, changes=pairs, user=user, now=now)
    return bool(changed)
