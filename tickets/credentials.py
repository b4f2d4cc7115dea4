"""Who set the passwords of a ticket system and when, and whether its connection was checked as it is set up now."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tickets.check_results import Check
from tickets.models import TicketSystem

PASSWORDS = ("password", "rpc_password")

CONNECTION = frozenset(
    {
        "base_url",
        "transport",
        "preset",
        "routes",
        "authentication",
        "login",
        "rpc_url",
        "rpc_user",
        "rpc_user_id",
        "time_source",
        "verify_tls",
        *PASSWORDS,
    }
)
"""Fields of which another value needs another check."""


def note_changes(system: TicketSystem, changed: Iterable[str], *, by: str, now: datetime) -> list[str]:
    """Before the system is saved with new values in these fields; returns the fields that are written beside them.

    ``by`` is the name of a user, or empty for a command.
    """
    names = set(changed)
    noted: list[str] = []
    for name in PASSWORDS:
        if name in names:
            is_set = bool(getattr(system, name))
            setattr(system, f"{name}_set_at", now if is_set else None)
            setattr(system, f"{name}_set_by", by if is_set else "")
            noted += [f"{name}_set_at", f"{name}_set_by"]
    if names & CONNECTION:
        system.checked_at = None
        noted.append("checked_at")
    return noted


def note_check(system_id: int, checks: Iterable[Check], *, now: datetime) -> None:
    """After the stored system was checked: the time, where all that a reading needs works."""
    works = all(check.works or not check.needed for check in checks)
    TicketSystem.objects.filter(pk=system_id).update(checked_at=now if works else None)


def set_in_words(system: TicketSystem, name: str) -> str:
    """``Set on 2026-11-20 09:00 by dora.``; one of ``PASSWORDS`` that is set."""
    at, by = getattr(system, f"{name}_set_at"), getattr(system, f"{name}_set_by")
    if at is None:
        return _("A password is set.")
    words = {"time": date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT"), "who": by or _("a command")}
    return _("Set on %(time)s by %(who)s.") % words
