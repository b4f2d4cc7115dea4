"""Many rows in few statements."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
BATCH = 500
"""Rows or keys for one statement."""


def batches(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """The items in lists of at most ``BATCH``, none of them empty."""
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch
