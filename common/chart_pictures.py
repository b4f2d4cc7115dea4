"""Where each bar, tick and word of a chart stands, in units of the picture's ``viewBox``; no markup, no colour.

Only places are floats. Words are measured by their length, at the size that they have on narrow screens.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from math import ceil
from typing import NamedTuple

from common.chart_scales import Scale, scale_for
from common.charts import Category, Chart, Kind, Unit
from common.templatetags.formats import number

WIDTH = 480.0
CHARACTER = 9.5  # width of one, at most, at the largest size of the words
LINE = 20.0
PLOT_HEIGHT = 220.0
BAND, BAR = 44.0, 14.0  # of a category whose bar lies
INSET = 6.0  # of names, so that they do not stand on the zero line
WIDEST_BAR = 64.0  # of those that stand
LEAST_ROOM = 3  # characters of a word that is cut
ROUNDING = 1e-6  # of floats


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """``series`` counts from 1, as the classes of the style sheet do."""

    series: int
    box: Box
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Word:
    """``anchor`` is SVG's: ``start``, ``middle`` or ``end``. ``full`` is set where the text is cut."""

    x: float
    y: float
    text: str
    anchor: str = "middle"
    full: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn; ``zero`` is the line that bars start from."""

    height: float
    plot: Box
    bars: list[Bar]
    lines: list[Line]
    zero: Line
    words: list[Word]
    width: float = WIDTH


class Part(NamedTuple):
    """One value of a category, from ``start`` to ``end`` in units of the axis."""

    series: int
    start: Decimal
    end: Decimal


def draw(chart: Chart) -> Picture:
    """Bars grow from zero, below it where time was taken back; several series pile up in their order."""
    parts = [list(_parts(category, chart.unit)) for category in chart.categories]
    scale = scale_for(part.end for of_category in parts for part in of_category)
    return _standing(chart, parts, scale) if chart.kind == Kind.STANDING else _lying(chart, parts, scale)


def cut(text: str, room: float) -> str:
    """As much of the text as the room holds, with an ellipsis where something is missing."""
    length = max(int(room / CHARACTER), LEAST_ROOM)
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _parts(category: Category, unit: Unit) -> Iterator[Part]:
    above, below = Decimal(0), Decimal(0)
    for series, value in enumerate(category.values):
        if value > 0:
            yield Part(series, above / unit.size, (above + value) / unit.size)
            above += value
        elif value < 0:
            yield Part(series, below / unit.size, (below + value) / unit.size)
            below += value


def _standing(chart: Chart, parts: list[list[Part]], scale: Scale) -> Picture:
    labels = [_tick(tick, scale) for tick in scale.ticks]
    left = CHARACTER * max(map(len, labels)) + 8
    plot = Box(left, LINE + 14, WIDTH - left, PLOT_HEIGHT)
    band = plot.width / max(len(parts), 1)
    thickness = min(band * 0.72, WIDEST_BAR)

    def up(value: Decimal) -> float:
        return plot.y + plot.height * (1 - scale.share(value))

    bars = []
    for place, category in enumerate(chart.categories):
        x = plot.x + band * place + (band - thickness) / 2
        for part in parts[place]:
            top, bottom = sorted((up(part.start), up(part.end)))
            bars.append(_bar(chart, category, part, Box(x, top, thickness, bottom - top)))
    places = [up(tick) for tick in scale.ticks]
    ticks = [Word(left - 6, y + 5, text, "end") for y, text in zip(places, labels, strict=True)]
    below = plot.y + plot.height + LINE
    names = _apart(_names(chart.categories, plot, band, below))
    groups = list(_apart(_groups(chart.categories, plot, band, below + LINE)))
    return Picture(
        height=below + (LINE if groups else 0) + 4,
        plot=plot,
        bars=bars,
        lines=[Line(plot.x, y, WIDTH, y) for y in places],
        zero=Line(plot.x, up(Decimal(0)), WIDTH, up(Decimal(0))),
        words=[_axis(chart.unit, scale), *ticks, *names, *groups],
    )


def _lying(chart: Chart, parts: list[list[Part]], scale: Scale) -> Picture:
    """The name of each category stands above its bar, its total at the end of the same line."""
    plot = Box(0, LINE + 4, WIDTH, BAND * max(len(parts), 1))
    bottom = plot.y + plot.height
    words, bars = [_axis(chart.unit, scale)], []

    def along(value: Decimal) -> float:
        return plot.width * scale.share(value)

    for place, category in enumerate(chart.categories):
        y = plot.y + BAND * place
        words += _line(category, chart.unit, y + LINE)
        for part in parts[place]:
            left, right = sorted((along(part.start), along(part.end)))
            bars.append(_bar(chart, category, part, Box(left, y + BAND - BAR - 4, right - left, BAR)))
    anchors = ["start", *("middle" for _tick in scale.ticks[2:]), "end"]
    for tick, anchor in zip(scale.ticks, anchors, strict=True):
        words.append(Word(along(tick), bottom + LINE, _tick(tick, scale), anchor))
    return Picture(
        height=bottom + LINE + 6,
        plot=plot,
        bars=bars,
        lines=[Line(along(tick), plot.y, along(tick), bottom) for tick in scale.ticks],
        zero=Line(along(Decimal(0)), plot.y, along(Decimal(0)), bottom),
        words=words,
    )


def _bar(chart: Chart, category: Category, part: Part, box: Box) -> Bar:
    return Bar(part.series + 1, box, chart.bar_title(category, part.series), category.url(part.series))


def _line(category: Category, unit: Unit, y: float) -> list[Word]:
    value = unit.show(category.total)
    name = cut(category.label, WIDTH - INSET - CHARACTER * (len(value) + 2))
    return [
        Word(INSET, y, name, "start", category.label if name != category.label else ""),
        Word(WIDTH, y, value, "end"),
    ]


def _tick(tick: Decimal, scale: Scale) -> str:
    return number(tick / scale.factor)


def _axis(unit: Unit, scale: Scale) -> Word:
    """What the ticks count, in the corner above them."""
    name = unit.name if scale.factor == 1 else f"{unit.name} × {number(scale.factor)}"
    return Word(0, LINE - 5, name, "start")


def _names(categories: Sequence[Category], plot: Box, band: float, y: float) -> Iterator[Word]:
    """Below each bar, or below every so-manyth where they would not fit beside each other."""
    texts = [cut(category.short or category.label, max(band, 12 * CHARACTER)) for category in categories]
    widest = CHARACTER * max(map(len, texts), default=0)
    for place in range(0, len(texts), max(ceil(widest / band), 1)):
        x = _within(plot, band * (place + 0.5), texts[place])
        yield Word(x, y, texts[place], full=categories[place].label)


def _groups(categories: Sequence[Category], plot: Box, band: float, y: float) -> Iterator[Word]:
    """In the middle below the bars of each group."""
    first = 0
    for group, members in groupby(category.group for category in categories):
        last = first + len(list(members))
        if group:
            yield Word(_within(plot, band * (first + last) / 2, group), y, group)
        first = last


def _apart(words: Iterable[Word]) -> Iterator[Word]:
    """The words of one line, without those that would touch one before them."""
    free = 0.0
    for word in words:
        half = CHARACTER * len(word.text) / 2
        if word.x - half >= free - ROUNDING:
            yield word
            free = word.x + half


def _within(plot: Box, middle: float, text: str) -> float:
    """Where the middle of a word stands so that it does not leave the picture."""
    half = CHARACTER * len(text) / 2
    return min(max(plot.x + middle, half), WIDTH - half)
