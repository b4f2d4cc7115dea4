"""Time that costs nothing more: what the agreement includes, then what was prepaid. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Covered:
    """``lines``: included and prepaid minutes of each line; ``uses``: minutes taken from each prepaid block."""

    lines: list[tuple[Decimal, Decimal]]
    uses: dict[int, Decimal]


def cover(billable: Sequence[Decimal], included: Decimal, prepaid: Mapping[int, Decimal]) -> Covered:
    """Spread included minutes and prepaid blocks over lines, both in the order in which they stand.

    A line is covered up to its billable minutes; one with fewer than zero is not, nor does it give anything back.
    """
    left = dict(prepaid)
    lines: list[tuple[Decimal, Decimal]] = []
    for minutes in billable:
        open_minutes = max(minutes, Decimal(0))
        free = min(included, open_minutes)
        included -= free
        paid = Decimal(0)
        for block, rest in left.items():
            taken = min(rest, open_minutes - free - paid)
            left[block] = rest - taken
            paid += taken
        lines.append((free, paid))
    uses = {block: prepaid[block] - rest for block, rest in left.items() if prepaid[block] != rest}
    return Covered(lines, uses)
