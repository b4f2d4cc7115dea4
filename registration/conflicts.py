"""Why a system is in conflict, in words that somebody can act on who knows nothing of rotating ids."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from registration.event_texts import facts_in_words
from registration.models import RegisteredSystem, RegistrationEvent
from registration.status_texts import expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was found, who is who, and what to do, in sentences."""

    found: str
    first: str
    other: str
    steps: list[str]


def explain_conflict(system: RegisteredSystem) -> Explanation | None:
    """``None`` where no conflict is open; one query."""
    if system.state != RegisteredSystem.State.CONFLICT or system.conflict_at is None:
        return None
    event = system.events.filter(kind=RegistrationEvent.Kind.CONFLICT).order_by("-pk").first()
    return Explanation(
        found=_found(system, system.conflict_at),
        first=_first(system),
        other=_other(event),
        steps=_steps(system),
    )


def _found(system: RegisteredSystem, conflict_at: datetime) -> str:
    text = _(
        "Two systems used the key of %(system)s. That was found on %(time)s: a request showed its key with an update "
        "id that was not the one given out last. Mostly one of them is a copy of the other's database, such as a test "
        "system; a system that was put back from a backup looks the same."
    )
    return text % {"system": system, "time": _time(conflict_at)}


def _first(system: RegisteredSystem) -> str:
    text = _("The one that reported first is %(system)s, from %(address)s, last updated on %(time)s.")
    address = system.address or _("an unknown address")
    return text % {"system": system, "address": address, "time": _time(system.last_ok_at)}


def _other(event: RegistrationEvent | None) -> str:
    if event is None or (not event.address and not event.facts):
        return _("Nothing more is known of the other one.")
    address = event.address or _("an unknown address")
    facts = facts_in_words({name: value for name, value in event.facts.items() if name != "address"})
    if not facts:
        return _("The other one called from %(address)s.") % {"address": address}
    return _("The other one called from %(address)s and differs: %(facts)s.") % {"address": address, "facts": facts}


def _steps(system: RegisteredSystem) -> list[str]:
    until = expiry(last_ok=system.last_ok_at, conflict_at=system.conflict_at)
    again = _(
        "Register the right system again, in OTRS under Admin, System Registration, with the OTRS-ID: it gets a key of "
        "its own, and the registration on this page is retired."
    )
    return [
        _("Find out which of the two is the copy, and switch off cloud services or the registration there."),
        again,
        _("Until %(time)s nothing is switched off; after that the registration counts as expired.")
        % {"time": _time(until)},
    ]


def _time(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT")
