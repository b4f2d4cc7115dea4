"""The one form of an out-of-office CSV that the ticket system reads as it is meant.

Upstream answers ``Success`` for rows that it ignored or misread, so nothing here is left to its guesses: exact column
names, commas, no BOM, ISO dates, always both of them, ``1`` and ``0``, ASCII alone, one row for each agent.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from generic_interface.errors import WrongRequest

LARGEST_CSV = 900_000
"""Bytes; ready-made web services refuse requests above 1,000,000 (HTTP 413), and JSON adds a little."""

_LOGIN = re.compile(r"[A-Za-z0-9._@+-]{1,200}", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z0-9.+-]+@[A-Za-z0-9.-]+", re.ASCII)


class AddressedBy(StrEnum):
    """How the agents of one request are named; an address wins over a login, so the two are never mixed."""

    LOGIN = "UserLogin"
    EMAIL = "UserEmail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """``user`` is a login or an address; both days belong to the absence. Not ``enabled`` switches it off."""

    user: str
    start: date
    end: date
    enabled: bool


def can_be_sent(user: str, by: AddressedBy) -> bool:
    """Whether the server takes the text for this agent alone.

    Letters beyond ASCII crash it; ``*`` and ``%`` are wildcards, in addresses ``_`` is one as well; ``#`` begins a
    comment. Signs that nobody has seen at work are left out, too.
    """
    return (_LOGIN if by is AddressedBy.LOGIN else _ADDRESS).fullmatch(user) is not None


def write_absences(absences: Sequence[Absence], by: AddressedBy) -> str:
    """The CSV of one request. Raises ``WrongRequest`` where the server would misread a row."""
    if not absences:
        raise WrongRequest("There is no absence to send.")
    doubled = [user for user, times in Counter(each.user.casefold() for each in absences).items() if times > 1]
    if doubled:
        raise WrongRequest(f"The agent “{doubled[0][:80]}” stands in several rows; the last one would win.")
    lines = [f"{by},StartDate,EndDate,OutOfOffice", *(_line(each, by) for each in absences)]
    text = "".join(f"{line}\n" for line in lines)
    if len(text) > LARGEST_CSV:
        raise WrongRequest(f"The absences take {len(text)} bytes, more than the {LARGEST_CSV} of one request.")
    return text


def _line(absence: Absence, by: AddressedBy) -> str:
    if not can_be_sent(absence.user, by):
        raise WrongRequest(f"The ticket system would not take “{absence.user[:80]}” for one agent as {by}.")
    if absence.end < absence.start:
        raise WrongRequest(f"The absence of “{absence.user}” ends before it starts.")
    return f"{absence.user},{absence.start.isoformat()},{absence.end.isoformat()},{int(absence.enabled)}"
