"""What a search finds, as a page shows it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

MOST_COUNTED = 1000
"""Beyond it "more than" is said: counting all would read the whole table for a single letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing that was found; ``name`` and ``note`` are the data of others, ``kind`` says what it is."""

    kind: str
    name: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The first of what was found of one kind; ``url`` leads to the list with all of them, where there is one."""

    label: str
    hits: list[Hit]
    count: int
    url: str = ""

    @property
    def is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > MOST_COUNTED

    @property
    def most(self) -> int:
        return min(self.count, MOST_COUNTED)


def first_of(rows: QuerySet[Any], *, shown: int) -> tuple[list[Any], int]:
    """The first rows in full and how many there are, counted to one more than ``MOST_COUNTED``; two queries."""
    keys = list(rows.values_list("pk", flat=True)[: MOST_COUNTED + 1])
    return list(rows.filter(pk__in=keys[:shown])), len(keys)
