"""What a check of the connection says, and what a person can do about what does not work."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from django.utils.translation import gettext as _

from common.fields import DecryptionError
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    NoPermission,
    Unreachable,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``operation`` is that of the interface, or what else was looked at. Without ``needed`` a failure does no harm."""

    operation: str
    works: bool
    text: str
    fix: str = ""
    needed: bool = True


def ask(operation: str, question: Callable[[], tuple[str, T]], nothing: T) -> tuple[Check, T]:
    """The check and what the question found, ``nothing`` where it was not answered."""
    try:
        text, found = question()
        return Check(operation=operation, works=True, text=text), found
    except InterfaceError as error:
        return Check(operation=operation, works=False, text=str(error), fix=fix_of(error)), nothing


def ask_plainly(operation: str, question: Callable[[], str], *, needed: bool = True) -> Check:
    """The same for a question that finds nothing to go on with."""
    check, _unused = ask(operation, lambda: (question(), None), None)
    return replace(check, needed=needed)


def fix_of(error: InterfaceError | DecryptionError) -> str:
    match error:
        case AuthenticationFailed():
            return _("Check login and password, and that the agent is valid in the ticket system.")
        case NoPermission():
            return _(
                "Give the agent ro on the groups of all queues that are billed, and rw on the group "
                "timeaccounting_webservice for TimeAccountingGet."
            )
        case Unreachable():
            return _(
                "Check the base URL, the firewall, and that the web service exists and is valid: a web service that "
                "does not exist closes the connection without an answer."
            )
        case BadAnswer():
            return _(
                "Check the base URL (it ends before /nph-genericinterface.pl), the preset and the routes, and that no "
                "proxy or login page answers instead."
            )
        case ApplicationError():
            return _("Import the web service of the chosen preset again; this operation is configured differently.")
    return _("Correct the settings of this ticket system.")
