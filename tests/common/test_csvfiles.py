import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.csvfiles import GERMAN, PLAIN, Value, cell, formula_safe, write_csv

NASTY = st.text(st.sampled_from("=+-@\t\r\n\0 '\"“;,aZ0ä＝\ufeff"), max_size=8)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49 30", "-5", "@SUM(A1)", "\tx", "\rx", "\0x", "  =1", '"=1', "' =1", "\u00a0=1", "\n=1", "＝1", "“@x”"],
)
def test_formula_safe_puts_an_apostrophe_before_what_a_spreadsheet_computes(text: str) -> None:
    assert formula_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ticket", "a=1", "1-1", "  Text", '"quoted"', "<b>", "Müller & Söhne", "'s Text"])
def test_formula_safe_leaves_other_text_alone(text: str) -> None:
    assert formula_safe(text) == text


@given(NASTY, NASTY)
def test_formula_safe_keeps_different_texts_different(one: str, other: str) -> None:
    assert (formula_safe(one) == formula_safe(other)) == (one == other)


@given(NASTY)
def test_formula_safe_can_be_undone(text: str) -> None:
    safe = formula_safe(text)
    undone = safe[1:] if safe[:1] == "'" and formula_safe(safe[1:]) != safe[1:] else safe

    assert undone == text


ROW: list[Value] = [
    'Größe; 5"',
    "=1+1",
    Decimal("-1234.50"),
    Decimal("1E+2"),
    7,
    date(2026, 10, 31),
    datetime(2026, 10, 1, 0, 0, 5),
    None,
]


def test_write_csv_in_the_plain_dialect() -> None:
    data = write_csv(["Title", "=x"], [ROW], PLAIN)

    assert data.decode() == ('Title,\'=x\r\n"Größe; 5""",\'=1+1,-1234.50,100,7,2026-10-31,2026-10-01 00:00:05,\r\n')


def test_write_csv_in_the_german_dialect() -> None:
    data = write_csv(["Title", "=x"], [ROW], GERMAN)

    assert (
        data == ('\ufeffTitle;\'=x\r\n"Größe; 5""";\'=1+1;-1234,50;100;7;31.10.2026;01.10.2026 00:00:05;\r\n').encode()
    )


def test_write_csv_without_rows_is_the_header() -> None:
    assert write_csv(["a", "b"], [], PLAIN) == b"a,b\r\n"


def test_a_binary_fraction_is_refused() -> None:
    with pytest.raises(AssertionError):
        cell(cast(Value, 0.1), PLAIN)


def test_aware_datetimes_are_written_as_they_come() -> None:
    assert cell(datetime(2026, 10, 1, 12, tzinfo=UTC), PLAIN) == "2026-10-01 12:00:00"


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_write_csv_is_read_back_as_the_same_cells(rows: list[list[str]]) -> None:
    data = write_csv(["a", "b"], rows, GERMAN)

    read = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    assert read == [["a", "b"], *[[formula_safe(text) for text in row] for row in rows]]
