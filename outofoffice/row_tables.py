"""The user's own table as the page of an upload shows it, each message inside its cell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import QueryDict

from outofoffice.models import Upload, UploadRow

PER_PAGE = 100
ALL = "all"
Effect, Outcome = UploadRow.Effect, UploadRow.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    problems: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """``rest`` holds the messages about the row as a whole or about a column that the file does not have."""

    row: UploadRow
    cells: list[Cell]
    rest: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A part of the table that can be shown alone."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCounts:
    """Rows by effect and, of those that can be sent, by outcome."""

    effects: Mapping[str, int]
    outcomes: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.effects.values())

    @property
    def errors(self) -> int:
        return self.effects[Effect.ERROR]

    @property
    def good(self) -> int:
        return self.total - self.errors

    @property
    def sent(self) -> int:
        return self.outcomes[Outcome.SENT] + self.outcomes[Outcome.CONFIRMED]

    @property
    def open(self) -> int:
        """Good rows that can be sent again on purpose."""
        return sum(
            self.outcomes[each] for each in (Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.DIFFERS)
        )


def count_rows(upload: Upload) -> UploadCounts:
    """One query."""
    effects, outcomes = dict.fromkeys(Effect.values, 0), dict.fromkeys(Outcome.values, 0)
    for effect, outcome, count in upload.rows.order_by().values_list("effect", "outcome").annotate(count=Count("pk")):
        effects[effect] += count
        if effect != Effect.ERROR:
            outcomes[outcome] += count
    return UploadCounts(effects=effects, outcomes=outcomes)


def choices(upload: Upload, counts: UploadCounts) -> list[Choice]:
    """By effect before it is confirmed, by outcome afterwards; parts without rows are not offered."""
    if upload.is_confirmed:
        named = [(outcome.value, str(outcome.label), counts.outcomes[outcome]) for outcome in Outcome]
        named.append((Effect.ERROR.value, str(Effect.ERROR.label), counts.errors))
    else:
        named = [(effect.value, str(effect.label), counts.effects[effect]) for effect in Effect]
    return [Choice(value=value, label=label, count=count) for value, label, count in named if count]


def chosen(query: QueryDict, offered: Sequence[Choice]) -> str:
    """The part that the address names; all of it where it names none."""
    value = query.get("show", ALL)
    return value if value in {choice.value for choice in offered} else ALL


def page_of(upload: Upload, show: str, number: Any) -> Page[UploadRow]:
    """One page of the chosen part, in the order of the file."""
    rows: QuerySet[UploadRow] = upload.rows.select_related("agent").order_by("position")
    if show == Effect.ERROR or (show != ALL and not upload.is_confirmed):
        rows = rows.filter(effect=show)
    elif show != ALL:
        rows = rows.exclude(effect=Effect.ERROR).filter(outcome=show)
    return Paginator(rows, PER_PAGE).get_page(number)


def shown_rows(upload: Upload, rows: Sequence[UploadRow]) -> Iterator[ShownRow]:
    columns = list(upload.columns)
    for row in rows:
        cells = [*row.cells[: len(columns)], *[""] * (len(columns) - len(row.cells))]
        others = {""} | {each["column"] for each in (*row.problems, *row.notes)} - set(columns)
        yield ShownRow(
            row=row,
            cells=[
                Cell(text=text, problems=_texts(row.problems, {column}), notes=_texts(row.notes, {column}))
                if column
                else Cell(text=text, problems=[], notes=[])
                for text, column in zip(cells, columns, strict=True)
            ],
            rest=Cell(text="", problems=_texts(row.problems, others), notes=_texts(row.notes, others)),
        )


def _texts(messages: Sequence[Mapping[str, str]], columns: set[str]) -> list[str]:
    return [each["text"] for each in messages if each["column"] in columns]
