"""What is known before a reading and what was read: plain values between reading and writing."""

from dataclasses import dataclass
from datetime import datetime

from common.months import Month
from generic_interface.records import AccountedTime, TicketHistory, TicketRecord


class SyncStopped(Exception):
    """What was read must not be written; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the mirror holds before the reading; tickets by TicketID."""

    logins: tuple[str, ...] = ()
    closed: frozenset[str] = frozenset()
    """Found as closed in the month by an earlier sync."""
    booked: frozenset[str] = frozenset()
    """With present entries booked in the month."""


@dataclass(frozen=True, slots=True)
class Window:
    """One month of one agent's time accounting. ``login`` is spelt as asked."""

    login: str
    month: Month


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSnapshot:
    """``closed`` holds what the search found, ``tickets`` what TicketGet showed, ``histories`` whose time is known.

    ``unreadable`` are tickets that were found but are not shown, or whose history is not, ``vanished`` those that an
    earlier sync has mirrored and that are neither found nor shown any more. All tickets by TicketID.

    ``of_agent``: one agent's time accounting was read and what it needed besides; of all other time, and of closings,
    nothing is said. ``unseen`` are the numbers that it names and whose tickets are not shown.
    """

    month: Month
    closed: tuple[str, ...] = ()
    tickets: tuple[TicketRecord, ...] = ()
    histories: tuple[TicketHistory, ...] = ()
    windows: tuple[Window, ...] = ()
    accounted: tuple[AccountedTime, ...] = ()
    unreadable: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()
    of_agent: bool = False
    unseen: frozenset[str] = frozenset()


def local_text(booked_local: datetime) -> str:
    """The naive local time of a booking as the mirror keeps it."""
    return booked_local.isoformat(" ", "seconds")
