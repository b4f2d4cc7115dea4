"""Reading many tickets by id, though one bad id spoils a whole call."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from generic_interface.errors import AccessDenied, NoPermission, TooLarge, WrongRequest
from generic_interface.values import is_identifier

MOST_REFUSALS = 200
"""Refused calls per batch. About 30 bad ids scattered over 500 are found with that; more is a matter of rights."""

_NAMED_ID = re.compile(r"\bticket (\d+)\W*$", re.ASCII)

T = TypeVar("T")
Progress = Callable[[int, int], object]


def read_batches(
    ids: Sequence[str],
    *,
    size: int,
    fetch: Callable[[Sequence[str]], dict[str, T]],
    on_progress: Progress | None = None,
) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """What ``fetch`` finds for the ids, and the ids it refuses, both in the order asked; an id given twice counts once.

    ``fetch`` returns one record per id or raises. On ``AccessDenied`` the id named in the message is set aside, or
    the part is halved until the bad id stands alone; on ``TooLarge`` the part is halved. More than ``MOST_REFUSALS``
    refused calls in one batch end in ``NoPermission``: then the agent lacks rights, and a list of ids helps nobody.
    """
    wanted = list(dict.fromkeys(ids))
    for ticket_id in wanted:
        if not is_identifier(ticket_id):
            raise WrongRequest(f"“{ticket_id[:40]}” is no ticket id.")
    found: dict[str, T] = {}
    refused: set[str] = set()
    for start in range(0, len(wanted), size):
        _read_batch(wanted[start : start + size], fetch=fetch, found=found, refused=refused)
        if on_progress:
            on_progress(len(found) + len(refused), len(wanted))
    return tuple(found[i] for i in wanted if i in found), tuple(i for i in wanted if i in refused)


def _read_batch(
    batch: Sequence[str], *, fetch: Callable[[Sequence[str]], dict[str, T]], found: dict[str, T], refused: set[str]
) -> None:
    refusals = 0
    parts = [batch]
    while parts:
        part = parts.pop()
        try:
            found.update(fetch(part))
            continue
        except TooLarge:
            if len(part) == 1:
                raise
        except AccessDenied as error:
            refusals += 1
            if refusals > MOST_REFUSALS:
                raise _too_many(len(batch), error) from None
            bad = _bad_id(part, error)
            if bad:
                refused.add(bad)
                rest = [ticket_id for ticket_id in part if ticket_id != bad]
                parts += [rest] if rest else []
                continue
        half = len(part) // 2
        parts += [part[half:], part[:half]]


def _bad_id(part: Sequence[str], error: AccessDenied) -> str | None:
    if len(part) == 1:
        return part[0]
    named = _NAMED_ID.search(str(error))
    return named[1] if named and named[1] in part else None


def _too_many(asked: int, error: AccessDenied) -> NoPermission:
    return NoPermission(
        f"The ticket system refuses too many of {asked} tickets ({error}). "
        "Give the agent read rights (ro) on the groups of all queues that are billed. Nothing of this batch was used."
    )
