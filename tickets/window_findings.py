"""Sentences on the reading of one agent's month, in addition to those of ``findings``."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from tickets.snapshot import MonthSnapshot


def unseen_tickets(snapshot: MonthSnapshot) -> list[str]:
    """Tickets with booked time that the ticket system does not show: all that is known of them is their time."""
    return [
        _(
            "Ticket %(number)s is named by the time accounting, but it is not shown to the portal's agent. Its time is "
            "kept; state, owner and queue are not known. Give the portal's agent the right to read it."
        )
        % {"number": number}
        for number in sorted(snapshot.unseen)
    ]


def silent_logins(snapshot: MonthSnapshot, *, was_shown: Callable[[str], bool]) -> list[str]:
    """Logins without any time that no ticket has ever shown: an unknown login is answered like an idle agent."""
    if not snapshot.of_agent or snapshot.accounted:
        return []
    return [
        _(
            "No ticket has ever shown the login %(login)s, and no time is accounted to it. Check its spelling: the "
            "ticket system answers an unknown login like one that booked nothing."
        )
        % {"login": window.login}
        for window in snapshot.windows
        if not was_shown(window.login)
    ]


def stays() -> str:
    return _(
        "%(agent)s, %(booked)s, %(units)s units: the time accounting names another ticket, but the history of ticket "
        "%(number)s still shows it, so it stays there."
    )
