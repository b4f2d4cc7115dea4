"""The table at the end of the benchmarks."""

from benchmarks.stopwatch import Page, Result
from benchmarks.summary import growth, table


def run(size: int, product: float, *, aim: float | None = 2) -> Result:
    return Result(name="billing run", size=size, of="entries", floor_name="SQL", floor=1, product=product, aim=aim)


def test_growth_is_the_cost_of_each_unit_beside_the_smaller_size() -> None:
    [small], [large] = run(100, 1).lines(), run(1000, 12).lines()

    assert growth(large, small) == 1.2


def test_sizes_of_one_thing_stand_below_each_other_with_ratio_growth_and_aim() -> None:
    page = Page(name="month", size=1000, whole=50, fastest=1, cpu=1, aim=60, database=1, count=1, queries=3, floor=1)

    head, small, large, shown, sums, end = table([run(100, 1.0), page, run(1000, 30.0)])

    assert head.split() == ["what", "size", "cost", "ratio", "growth", "aim"]
    assert small.split() == ["billing", "run", "100", "1", "s", "1.00", "ratio", "2", "met"]
    assert large.split() == ["billing", "run", "1,000", "30", "s", "30.00", "3.00", "ratio", "2", "MISSED"]
    assert shown.split() == ["page", "month", "1,000", "50", "ms", "60", "ms", "met"]
    assert sums.split() == ["sums", "month", "1,000", "3", "ms", "3.00", "ratio", "1.5", "MISSED"]
    assert end == "2 of 4 aims met"


def test_thing_without_an_aim_says_so_and_does_not_count() -> None:
    _head, line, end = table([run(100, 1.0, aim=None)])

    assert line.endswith("no aim")
    assert end == "0 of 0 aims met"
