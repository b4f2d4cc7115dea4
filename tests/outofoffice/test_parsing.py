"""The parser and the checks over the corpus: what is meant well is read, all else is named, nothing raises."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outofoffice.checks import AgentBook, CheckedFile, Person, check_rows
from outofoffice.parsing import ENABLED, END, LOGIN, START, parse_absences, visible, why_not_taken
from outofoffice.values import SWITCHES, read_day, read_switch
from tests.outofoffice.conftest import AGENTS
from tests.outofoffice.corpus import BAD_ROWS, EVERYTHING, GOOD, HEADER, REFUSED, ROW, with_bad_row

TODAY = date(2026, 11, 26)
BOOK = AgentBook(
    [
        Person(
            pk=index, login=login, email=email or f"{login}@beispiel.test", name=f"{first} {last}", departed=not valid
        )
        for index, (login, first, last, email, valid) in enumerate(AGENTS, start=1)
    ],
    {},
)


def check(data: bytes | str) -> CheckedFile:
    parsed = parse_absences(data.encode() if isinstance(data, str) else data)
    return check_rows(parsed, BOOK, today=TODAY)


def faults(data: bytes | str) -> list[str]:
    return [str(fault) for fault in parse_absences(data.encode() if isinstance(data, str) else data).faults]


def test_corpus_holds_more_than_200_files() -> None:
    assert len(EVERYTHING) == len(GOOD) + len(REFUSED) + len(BAD_ROWS) > 250


@pytest.mark.parametrize("name", GOOD)
def test_odd_file_that_is_meant_well_means_the_same(name: str) -> None:
    parsed = parse_absences(GOOD[name])
    (row,) = check_rows(parsed, BOOK, today=TODAY).rows

    assert parsed.faults == ()
    assert row.faults == ()
    assert (row.user, row.start, row.end, row.enabled) == ("c.weber", date(2026, 12, 1), date(2026, 12, 10), True)


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_is_no_table_of_absences_is_refused_as_a_whole(name: str) -> None:
    parsed = parse_absences(REFUSED[name])

    assert parsed.rows == ()
    assert parsed.faults
    assert all(str(fault).isprintable() for fault in parsed.faults)


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_row_is_named_in_its_cell_and_the_other_stays_good(name: str) -> None:
    row, column = BAD_ROWS[name]

    good, bad, *rest = check(with_bad_row(row)).rows

    assert (good.effect, good.user, rest) == ("set", "b.schmidt", [])
    assert bad.effect == "error"
    assert column in {fault.column for fault in bad.faults}
    assert (bad.user, bad.start, bad.end, bad.enabled) == ("", None, None, None)


def test_request_example_of_the_manual_is_refused_row_by_row() -> None:
    header = "UserEmail,OutOfOffice,StartDate,EndDate"
    text = f"{header}\r\nc.weber@beispiel.test,1,,\r\nb.schmidt@beispiel.test,1,2021-08-01,2021-07-31\n"

    first, second = check(text).rows

    assert [(fault.column, fault.text) for fault in first.faults] == [
        (START, "The date is missing: an absence needs its first and its last day."),
        (END, "The date is missing: an absence needs its first and its last day."),
    ]
    assert [(fault.column, fault.text) for fault in second.faults] == [(END, "The end is before the start.")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        (HEADER, "The file has a header but no row below it."),
        (ROW, "Line 1: There is no header. The first row must name the columns"),
        (f"# x\n\n{HEADER},Name\n{ROW},x", "Line 3: The column “Name” is not known."),
        (f"{HEADER},a\u200fb\n{ROW},x", "The column “a[U+200F]b” is not known."),
        (f"{HEADER},StartTime\n{ROW},x", "The header names the column StartDate 2 times, other spellings counted."),
        ("StartDate,Enabled\nx,yes", "No column says which agent is meant."),
        ("UserLogin\nx", "The column Enabled is missing: without it the ticket system would switch every absence off."),
        (f'{HEADER}\n{ROW}\n{ROW}\nx,"y', "Line 4: The row that begins here cannot be read: a quotation mark"),
        (f"{HEADER}\n" + f"{ROW}\n" * 5001, "Line 5002: The file has more than 5000 rows."),
    ],
)
def test_refusal_says_what_is_wrong_and_where(text: str, sentence: str) -> None:
    assert any(sentence in fault for fault in faults(text)), faults(text)


def test_lines_are_those_of_the_sheet() -> None:
    text = (
        f'# one\n{HEADER}\n\n{ROW}\n# two\nb.schmidt,"2026-12-01\n",2026-12-10,yes\nh_test,2026-12-01,2026-12-10,yes\n'
    )

    assert [row.source.line for row in check(text).rows] == [4, 6, 8]


def test_comment_inside_a_quoted_cell_is_none() -> None:
    first, second = check(f'{HEADER}\n"c.weber\n# x",2026-12-01,2026-12-10,yes\n{ROW}\n').rows

    assert first.source.cells[0] == "c.weber\n# x"
    assert second.user == "c.weber"


def test_nameless_column_may_be_empty_but_not_hold_anything() -> None:
    empty, full = check(f"{HEADER},\n{ROW},\nb.schmidt,2026-12-01,2026-12-10,yes,x\n").rows

    assert empty.faults == ()
    assert [(fault.column, fault.text) for fault in full.faults] == [("", "The column of “x” has no name.")]


def test_leap_day_exists_in_leap_years_alone() -> None:
    assert read_day("29.02.2028") == date(2028, 2, 29)
    with pytest.raises(ValueError, match="does not exist in the calendar"):
        read_day("29.02.2027")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12/01/2026", "may begin with the day or with the month"),
        ("2026-12-01T08:00:00+02:00", "names a time zone"),
        ("bald", "is not a date. Write it like"),
        ("1999-12-31", "The year 1999 is not between 2000 and 2099."),
    ],
)
def test_date_that_cannot_be_taken_says_why(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_day(text)


@pytest.mark.parametrize("word", SWITCHES)
def test_switch_is_read_in_any_case(word: str) -> None:
    assert read_switch(word.upper()) is read_switch(word.title()) is SWITCHES[word]


def test_cell_that_cannot_be_taken_says_why() -> None:
    assert why_not_taken("x" * 501) == "The cell holds 501 characters, more than 500."
    assert "blank of an unusual kind (U+00A0)" in why_not_taken("a\u00a0b")
    assert "cannot be seen (U+200F)" in why_not_taken("a\u200f")
    assert visible("a\u200fb") == "a[U+200F]b"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
CELLS = st.one_of(
    TEXTS,
    st.sampled_from(
        ["c.weber", "b.schmidt", "2026-12-01", "31.12.2026", "yes", "no", "0", "", "#", '"', "=1", "\u202e"]
    ),
)
NAMES = st.sampled_from(
    ["UserLogin", "EMail", "usersearch", "StartDate", "End Time", "Enabled", "OUTOFOFFICE", "x", ""]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])


@given(st.binary(max_size=400))
def test_parser_takes_any_bytes(data: bytes) -> None:
    parsed = parse_absences(data)

    assert bool(parsed.rows) != bool(parsed.faults)


@given(
    st.lists(NAMES, min_size=1, max_size=7),
    st.lists(st.lists(CELLS, max_size=8), max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    ENCODINGS,
    st.booleans(),
)
def test_every_row_of_any_table_is_whole_or_has_a_reason(
    header: list[str], rows: list[list[str]], delimiter: str, end: str, encoding: str, quoted: bool
) -> None:
    def line(cells: list[str]) -> str:
        return delimiter.join('"{}"'.format(cell.replace('"', '""')) if quoted else cell for cell in cells)

    data = end.join(map(line, [header, *rows])).encode(encoding, "ignore")
    checked = check(data)

    for row in checked.rows:
        if row.effect == "error":
            assert row.faults
            assert row.user == ""
        else:
            assert row.faults == ()
            assert row.start is not None
            assert row.end is not None
            assert row.start <= row.end
            assert row.user.isascii()
            assert row.enabled is not None
    sent = [row.agent for row in checked.rows if row.effect != "error"]
    assert len(sent) == len(set(sent))


@given(st.text(max_size=30))
def test_any_text_is_a_switch_or_a_fault(text: str) -> None:
    row = parse_absences(f'{LOGIN},{ENABLED}\nc.weber,"{text}"'.replace("\0", "").encode("utf-8", "ignore"))

    for each in row.rows:
        assert (each.enabled is None) == any(fault.column == ENABLED for fault in each.faults)
