from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.covering import cover

minutes = st.decimals(-1000, 1000, places=4)
stock = st.decimals(0, 2000, places=4)


@pytest.mark.parametrize(
    ("billable", "included", "prepaid", "lines", "uses"),
    [
        ([60, 30], 0, {}, [(0, 0), (0, 0)], {}),
        ([60, 30], 70, {}, [(60, 0), (10, 0)], {}),
        ([60, 30], 0, {1: 20, 2: 100}, [(0, 60), (0, 30)], {1: 20, 2: 70}),
        ([60, 30], 30, {1: 20}, [(30, 20), (0, 0)], {1: 20}),
        ([-60, 30], 30, {1: 20}, [(0, 0), (30, 0)], {}),
        ([60], 60, {1: 20}, [(60, 0)], {}),
        ([], 60, {1: 20}, [], {}),
    ],
)
def test_cover_takes_included_minutes_first_then_blocks_in_turn(
    billable: list[int], included: int, prepaid: dict[int, int], lines: list[tuple[int, int]], uses: dict[int, int]
) -> None:
    covered = cover(
        [Decimal(number) for number in billable],
        Decimal(included),
        {block: Decimal(rest) for block, rest in prepaid.items()},
    )

    assert covered.lines == lines
    assert covered.uses == uses


@given(st.lists(minutes, max_size=12), stock, st.dictionaries(st.integers(1, 5), stock, max_size=5))
def test_cover_neither_makes_nor_loses_a_minute(
    billable: list[Decimal], included: Decimal, prepaid: dict[int, Decimal]
) -> None:
    covered = cover(billable, included, prepaid)

    positive = sum((number for number in billable if number > 0), Decimal(0))
    free, paid = (sum((line[part] for line in covered.lines), Decimal(0)) for part in (0, 1))
    assert free == min(included, positive)
    assert paid == min(sum(prepaid.values(), Decimal(0)), positive - free) == sum(covered.uses.values(), Decimal(0))
    assert all(0 < used <= prepaid[block] for block, used in covered.uses.items())
    assert all(
        0 <= free + paid <= max(number, Decimal(0))
        for (free, paid), number in zip(covered.lines, billable, strict=True)
    )
