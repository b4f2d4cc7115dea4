"""Sentences on time accounting and its tickets, in addition to those of ``findings``."""

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tickets.snapshot import MonthSnapshot

MOST_NUMBERS = 20


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


def only_named(ticket_numbers: Iterable[str]) -> list[str]:
    """Tickets with booked time that no reading has shown yet: one of a month asks for closed tickets alone."""
    numbers = sorted(ticket_numbers)
    if not numbers:
        return []
    sentence = ngettext(
        "%(count)d ticket with booked time was never shown to the portal's agent; only the time accounting names it, "
        "so nothing else could be compared: %(numbers)s. Open tickets are read together with each agent's own time. If "
        "it is still named here after that, give the portal's agent the right to read it.",
        "%(count)d tickets with booked time were never shown to the portal's agent; only the time accounting names "
        "them, so nothing else could be compared: %(numbers)s. Open tickets are read together with each agent's own "
        "time. If some are still named here after that, give the portal's agent the right to read them.",
        len(numbers),
    )
    listed = ", ".join(numbers[:MOST_NUMBERS]) + (", …" if len(numbers) > MOST_NUMBERS else "")
    return [sentence % {"count": len(numbers), "numbers": listed}]


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
