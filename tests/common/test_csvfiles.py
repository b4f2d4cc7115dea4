import csv
import io
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.csvfiles import (
    GERMAN,
    PLAIN,
    Dialect,
    Limits,
    UnreadableCsv,
    Value,
    cell,
    cell_fault,
    formula_safe,
    read_csv,
    undo_formula_safe,
    write_csv,
)

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
    assert undo_formula_safe(formula_safe(text)) == text


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


def cells_of(data: bytes) -> list[tuple[str, ...]]:
    return [row.cells for row in read_csv(data)]


@pytest.mark.parametrize("dialect", [PLAIN, GERMAN])
@given(
    rows=st.lists(
        st.tuples(NASTY, st.text(st.characters(codec="utf-8", exclude_characters="\0"))).filter(
            lambda row: any(text.strip() for text in row)
        )
    )
)
def test_read_csv_gives_back_what_was_written(dialect: Dialect, rows: list[tuple[str, str]]) -> None:
    rows = [(one.replace("\0", ""), "x" + other) for one, other in rows]

    assert cells_of(write_csv(["a", "b"], rows, dialect)) == [("a", "b"), *rows]


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n\xc3\xa4,1\n",
        b"\xef\xbb\xbfa;b\r\n\xc3\xa4;1\r\n",
        b"a\tb\r\xe4\t1\r",
        b"a;b\n\xe4;1",
        b'sep=;\n"a";b\n\xe4;1\n',
        b'"sep=,"\r\na,b\r\n\r\n,\r\n\xe4,1\r\n',
        b"\n\n  \na,b\n,\n\xe4,1\n",
    ],
)
def test_read_csv_understands_what_spreadsheets_write(data: bytes) -> None:
    assert cells_of(data) == [("a", "b"), ("ä", "1")]


def test_read_csv_counts_lines_as_an_editor_does() -> None:
    rows = read_csv(b'\nlogin\r\n\r\n"one\ntwo"\nthree\n')

    assert [(row.line, row.cells) for row in rows] == [(2, ("login",)), (4, ("one\ntwo",)), (6, ("three",))]


def test_first_delimiter_counts_where_all_split_alike() -> None:
    assert cells_of(b"login\na,b;c") == [("login",), ("a,b", "c")]


@pytest.mark.parametrize(
    ("data", "line", "sentence"),
    [
        (b"", 0, "The file is empty."),
        (b"\xef\xbb\xbf", 0, "The file is empty."),
        (b";;\n;;\n", 0, "The file is empty."),
        (b"sep=;", 0, "The file is empty."),
        (b"x" * 101, 0, "The file is larger than 0 kB. Split it into several."),
        (b"PK\x03\x04rest", 0, "This is a workbook of a spreadsheet program"),
        ("a;b\n".encode("utf-16"), 1, "The file is no text in UTF-8"),
        (b"a;b\n1;\0\n", 2, "The file is no text in UTF-8"),
        (b"a\nb\x81\n", 2, "The file is neither UTF-8 nor Windows-1252"),
        (b"\xc3\xa4\nb\xe4\n", 2, "The file is neither UTF-8 nor Windows-1252"),
        (b'a;b\n1;"2\n3;4\n', 2, "The row that begins here cannot be read"),
        (b'a;b\n1;"2"x\n', 2, "The row that begins here cannot be read"),
        (b"a;b;c;d\n", 1, "The header has 4 columns, more than 3."),
        (b"a\n1\n2\n\n3\n", 5, "The file has more than 2 rows. Split it into several."),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(data: bytes, line: int, sentence: str) -> None:
    with pytest.raises(UnreadableCsv) as refused:
        read_csv(data, limits=Limits(size=100, rows=2, columns=3))

    assert (refused.value.line, str(refused.value)[: len(sentence)]) == (line, sentence)


@pytest.mark.parametrize("data", [b"x" * 900_000, b'a\n"' + b"x" * 900_000 + b'"'])
def test_cell_beyond_what_the_reader_holds_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableCsv):
        read_csv(data)


@given(st.binary(max_size=200))
def test_read_csv_reads_or_refuses_anything(data: bytes) -> None:
    with suppress(UnreadableCsv):
        assert all(any(text.strip() for text in row.cells) for row in read_csv(data))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ä" * 500, ""),
        ("x" * 501, "The cell holds 501 characters, more than 500."),
        ("a\nb", "The cell holds a line break or another character that cannot be seen."),
        ("a\x1b", "The cell holds a line break or another character that cannot be seen."),
        ("a\u2028", "The cell holds a line break or another character that cannot be seen."),
    ],
)
def test_cell_fault(text: str, fault: str) -> None:
    assert cell_fault(text) == fault
