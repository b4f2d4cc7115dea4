"""What the frame of every page must know of who is signed in, in one question to the database."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef

from tickets.models import Agent, AnyUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """``has_own_month``: an agent belongs to the account, who has a month of time to look at."""

    has_own_month: bool = False
    has_shortcuts: bool = True


def person_of(user: AnyUser | None) -> Person:
    """Of a visitor nothing is asked."""
    if user is None or not user.is_authenticated:
        return Person()
    has_agent = Exists(Agent.objects.filter(account=OuterRef("pk")))
    rows = get_user_model().objects.filter(pk=user.pk).values_list(has_agent, "preferences__shortcuts")
    has_own_month, shortcuts = rows.get()
    return Person(has_own_month=has_own_month, has_shortcuts=shortcuts is not False)
