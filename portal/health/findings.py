"""What a look at one part of the portal has found."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class State(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {State.GOOD: _("well"), State.WARN: _("needs a look"), State.BAD: _("does not work")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``name`` is for machines, ``about`` the ticket system or queue where there are several of a kind.

    ``text`` says what was found, ``meaning`` what that part is for, ``advice`` what to do; empty where all is well.
    """

    name: str
    label: str
    state: State
    text: str
    meaning: str
    advice: str = ""
    about: str = ""


def is_well(findings: Iterable[Finding]) -> bool:
    """Nothing of it is out of order; a warning is not."""
    return all(finding.state != State.BAD for finding in findings)
