"""Charts: what is drawn is in proportion, within the picture and the same as the table beside it."""

import re
from decimal import Decimal
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from common.chart_pictures import CHARACTER, WIDTH, Box, Picture, draw
from common.chart_scales import MOST_STEPS, scale_for
from common.charts import Category, Chart, Kind, Unit, fold
from common.templatetags.charts import place
from common.templatetags.formats import number

STYLES = Path(__file__).resolve().parents[2] / "static" / "portal.css"
MINUTES = Unit(name="minutes", show=number)
VALUES = st.decimals(min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=4)
LABELS = st.text(max_size=120)
KINDS = st.sampled_from(Kind)
ROUNDING = 1e-6  # of floats in a picture of a few hundred units


@st.composite
def charts(draw_from: st.DrawFn) -> Chart:
    series = draw_from(st.integers(1, 4))
    category = st.builds(
        Category,
        label=LABELS,
        values=st.tuples(*[VALUES] * series),
        short=st.text(max_size=5),
        group=st.text(max_size=5),
    )
    return chart_of(
        *draw_from(st.lists(category, max_size=60)),
        series=tuple(f"series {nr}" for nr in range(series)),
        kind=draw_from(KINDS),
        size=draw_from(st.sampled_from([1, 60])),
    )


def chart_of(
    *categories: Category, series: tuple[str, ...] = ("minutes",), kind: Kind = Kind.STANDING, size: int = 1
) -> Chart:
    return Chart(
        key="test",
        title="Minutes",
        description="All of them.",
        heading="Queue",
        kind=kind,
        unit=Unit(name="minutes", show=number, size=Decimal(size)),
        series=series,
        categories=categories,
    )


def bars_of(*values: int | str, kind: Kind = Kind.STANDING) -> Chart:
    return chart_of(*(Category(label=f"c{nr}", values=(Decimal(value),)) for nr, value in enumerate(values)), kind=kind)


def length(box: Box, kind: Kind) -> float:
    return box.height if kind == Kind.STANDING else box.width


def drawn_length(picture: Picture, kind: Kind) -> float:
    return picture.plot.height if kind == Kind.STANDING else picture.plot.width


@given(charts())
def test_all_that_is_drawn_lies_within_the_picture(chart: Chart) -> None:
    picture = draw(chart)

    for bar in picture.bars:
        assert -ROUNDING <= bar.box.x <= bar.box.x + bar.box.width <= picture.width + ROUNDING
        assert -ROUNDING <= bar.box.y <= bar.box.y + bar.box.height <= picture.height + ROUNDING
    for line in [*picture.lines, picture.zero]:
        assert all(-ROUNDING <= x <= picture.width + ROUNDING for x in (line.x1, line.x2))
        assert all(-ROUNDING <= y <= picture.height + ROUNDING for y in (line.y1, line.y2))
    for word in picture.words:
        assert 0 <= word.y <= picture.height
        assert 0 <= word.x <= picture.width


@given(charts())
def test_lengths_are_in_proportion_to_the_values(chart: Chart) -> None:
    picture, ends = draw(chart), scale_for(part for row in chart.categories for part in piles(row, chart.unit.size))
    whole = float(ends.ticks[-1] - ends.ticks[0]) * float(chart.unit.size)
    values = [value for category in chart.categories for value in category.values if value]

    for bar, value in zip(picture.bars, values, strict=True):
        expected = abs(float(value)) / whole * drawn_length(picture, chart.kind)
        assert length(bar.box, chart.kind) == pytest.approx(expected, abs=ROUNDING)


def piles(category: Category, size: Decimal) -> tuple[Decimal, Decimal]:
    """How far a category reaches below and above zero."""
    below = sum((value for value in category.values if value < 0), Decimal(0))
    return below / size, (category.total - below) / size


@given(charts())
def test_bars_of_a_category_touch_and_do_not_overlap(chart: Chart) -> None:
    picture = draw(chart)
    drawn = iter(picture.bars)

    for category in chart.categories:
        boxes = [next(drawn).box for value in category.values if value]
        covered = sum(length(box, chart.kind) for box in boxes)
        low = min((box.y if chart.kind == Kind.STANDING else box.x for box in boxes), default=0)
        high = max(
            (box.y + box.height if chart.kind == Kind.STANDING else box.x + box.width for box in boxes), default=0
        )
        assert high - low == pytest.approx(covered, abs=ROUNDING)


@given(st.lists(VALUES, max_size=20))
def test_ticks_are_round_even_few_and_hold_all_values(values: list[Decimal]) -> None:
    scale = scale_for(values)
    steps = {later - earlier for earlier, later in pairwise(scale.ticks)}

    assert 0 in scale.ticks
    assert 2 <= len(scale.ticks) <= MOST_STEPS + 3
    assert len(steps) == 1
    assert steps.pop().normalize().as_tuple().digits in {(1,), (2,), (2, 5), (5,)}
    assert all(scale.ticks[0] <= value <= scale.ticks[-1] for value in values)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], ["0", "1"]),
        (["0"], ["0", "1"]),
        (["100"], ["0", "20", "40", "60", "80", "100"]),
        (["101"], ["0", "25", "50", "75", "100", "125"]),
        (["-30", "70"], ["-40", "-20", "0", "20", "40", "60", "80"]),
        (["-0.0003"], ["-0.0003", "-0.0002", "-0.0001", "0"]),
    ],
)
def test_ticks_are_those_a_person_would_choose(values: list[str], ticks: list[str]) -> None:
    assert scale_for(map(Decimal, values)).ticks == tuple(map(Decimal, ticks))


@pytest.mark.parametrize(
    ("value", "axis", "highest"),
    [
        ("80000", "minutes", "80,000"),
        ("100000", "minutes × 1,000", "100"),
        ("79000000", "minutes × 1,000", "80,000"),
        ("25000000000000", "minutes × 1,000,000,000", "25,000"),
    ],
)
def test_huge_numbers_are_shown_in_thousands(value: str, axis: str, highest: str) -> None:
    texts = [word.text for word in draw(bars_of(value)).words]

    assert axis in texts
    assert highest in texts


@given(charts())
def test_table_holds_the_same_numbers_and_their_sums(chart: Chart) -> None:
    values = [row.values for row in chart.categories]

    shown = [[cell.text for cell in cells[: len(chart.series)]] for _label, cells in chart.rows]

    assert shown == [[number(value) for value in row] for row in values]
    assert chart.totals[-1] == number(sum((value for row in values for value in row), Decimal(0)))
    assert len(chart.totals) == len(chart.series) + chart.has_parts


@given(st.lists(VALUES, max_size=40), st.integers(1, 12))
def test_folding_keeps_the_sum_and_the_largest(values: list[Decimal], most: int) -> None:
    categories = [Category(label=str(nr), values=(value,)) for nr, value in enumerate(values)]

    folded = fold(categories, most=most, rest="others")

    assert sum(row.total for row in folded) == sum(values)
    assert [row.total for row in folded[:most]] == sorted(values, reverse=True)[:most]
    assert len(folded) <= most + 1


def test_one_left_over_keeps_its_name() -> None:
    categories = [Category(label=name, values=(Decimal(1),)) for name in "abc"]

    assert [row.label for row in fold(categories, most=2, rest="others")] == ["a", "b", "c"]


def test_parts_pile_up_from_zero_in_both_directions() -> None:
    row = Category(label="October", values=(Decimal(30), Decimal(-10), Decimal(20), Decimal(-5)))

    picture = draw(chart_of(row, series=("a", "b", "c", "d")))

    zero = picture.zero.y1
    boxes = [bar.box for bar in picture.bars]
    assert [bar.series for bar in picture.bars] == [1, 2, 3, 4]
    assert boxes[0].y + boxes[0].height == pytest.approx(zero)
    assert boxes[2].y + boxes[2].height == pytest.approx(boxes[0].y)
    assert boxes[1].y == pytest.approx(zero)
    assert boxes[3].y == pytest.approx(boxes[1].y + boxes[1].height)


def test_zero_makes_no_bar_and_nothing_at_all_is_empty() -> None:
    assert [bar.title for bar in draw(bars_of(0, 5)).bars] == ["c1: 5 minutes"]
    assert bars_of(0, 0).is_empty
    assert bars_of().is_empty
    assert not bars_of(5, -5).is_empty


@pytest.mark.parametrize("count", [1, 12, 31, 60])
def test_names_below_the_bars_do_not_touch(count: int) -> None:
    rows = [
        Category(label=f"Month {nr}", short="Sep", group=str(nr // 12), values=(Decimal(1),)) for nr in range(count)
    ]
    picture = draw(chart_of(*rows))
    names = [word for word in picture.words if word.text == "Sep"]

    gaps = [later.x - earlier.x for earlier, later in pairwise(names)]

    assert names[0].full == "Month 0"
    assert all(gap >= 3 * CHARACTER - ROUNDING for gap in gaps)


def test_groups_stand_once_below_theirs_and_not_where_they_would_touch() -> None:
    groups = ["2024"] + 11 * ["2025"] + ["2026"]
    rows = [Category(label=str(nr), group=group, values=(Decimal(1),)) for nr, group in enumerate(groups)]
    crowded = [Category(label=str(nr), group=f"group {nr}", values=(Decimal(1),)) for nr in range(60)]

    years = [word.text for word in draw(chart_of(*rows)).words if word.text.startswith("202")]
    left = [word.x for word in draw(chart_of(*crowded)).words if word.text.startswith("group")]

    assert years == ["2024", "2025", "2026"]
    assert all(later - earlier >= 7 * CHARACTER for earlier, later in pairwise(left))


@pytest.mark.parametrize("kind", Kind)
def test_very_long_name_is_cut_and_still_there_in_full(kind: Kind) -> None:
    name = "Donaudampfschifffahrtsgesellschaft " * 6

    words = [word for word in draw(chart_of(Category(label=name, values=(Decimal(7),)), kind=kind)).words if word.full]

    assert [word.full for word in words] == [name]
    assert words[0].text.endswith("…")
    assert len(words[0].text) * CHARACTER <= WIDTH


@pytest.mark.parametrize("count", [0, 5])
def test_chart_of_too_many_or_no_series_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="one to 4 series"):
        chart_of(series=("a",) * count)


def test_category_with_a_value_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="one value for each series"):
        chart_of(Category(label="a", values=(Decimal(1),)), series=("a", "b"))


def html_of(chart: Chart) -> str:
    return render_to_string("common/chart.html", {"chart": chart})


def test_page_holds_picture_and_table_with_their_links() -> None:
    row = Category(label="<b>Support</b> & more", values=(Decimal("1234.5"), Decimal(0)), urls=("?queue=a&x=1", "?b"))

    html = html_of(chart_of(row, series=("billed", "unbilled")))

    assert '<svg class="chart-picture"' in html
    assert 'role="img"' in html
    assert html.count('href="?queue=a&amp;x=1"') == 2  # of the bar and of the figure
    assert 'href="?b"' not in html
    assert "<title>&lt;b&gt;Support&lt;/b&gt; &amp; more, billed: 1,234.5 minutes</title>" in html
    assert "style=" not in html
    assert "<b>" not in html


def test_places_are_numbers_of_svg_in_every_language() -> None:
    with translation.override("de"):
        html = html_of(bars_of("1234.5", 7, "-0.25"))

    places = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', html)
    assert places
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", text) for text in places)
    assert "1.234,5" in html


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (100.0, "100"), (12.3456, "12.35"), (1e-9, "0"), (7.5, "7.5")])
def test_place_is_short(value: float, text: str) -> None:
    assert place(value) == text


def test_chart_without_time_says_so_in_words() -> None:
    html = html_of(bars_of(0, 0))

    assert "There is no time to show." in html
    assert "<svg" not in html


def test_one_series_needs_no_legend_and_no_second_sum() -> None:
    html = html_of(bars_of(5, 7))

    assert "chart-legend" not in html
    assert re.findall(r'<td class="num">([^<]+)</td>', unescape(html)) == ["5", "7", "12"]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2.2 defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "surface"), [(0, "#ffffff"), (1, "#1c2126")])
def test_neighbours_differ_from_each_other_and_from_the_page(theme: int, surface: str) -> None:
    styles = STYLES.read_text(encoding="utf-8")

    colours = [re.findall(rf"--chart-{series}: (#[0-9a-f]{{6}});", styles)[theme] for series in (1, 2, 3, 4)]

    neighbours = [*pairwise(colours), *((colour, surface) for colour in colours)]
    assert min(contrast(one, other) for one, other in neighbours) >= 3
