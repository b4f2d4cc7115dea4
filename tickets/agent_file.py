"""The list of agents as a file: what stands in each row and what is wrong with it, without asking the database.

A column that is missing and a cell that is empty say nothing about the agent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from common.csvfiles import CsvRow, Dialect, UnreadableCsv, Value, cell_fault, read_csv, write_csv

LOGIN, USER_ID, NAME, EMAIL, DEPARTED, ACCOUNT = COLUMNS = (
    "login",
    "user_id",
    "name",
    "email",
    "departed",
    "account",
)
# How a header may call a column, with letters and digits alone; the names of COLUMNS among them.
HEADERS = {
    LOGIN: ("login", "userlogin", "benutzername", "anmeldename"),
    USER_ID: ("userid", "benutzerid", "benutzernummer"),
    NAME: ("name", "fullname", "vollername", "vollständigername"),
    EMAIL: ("email", "emailaddress", "mail", "emailadresse"),
    DEPARTED: ("departed", "left", "ausgeschieden"),
    ACCOUNT: ("account", "portalaccount", "accountintheportal", "konto", "portalkonto", "kontoimportal"),
}
YES, NO = "yes", "no"
ANSWERS = {
    YES: {"yes", "y", "true", "1", "ja", "j", "wahr"},
    NO: {"no", "n", "false", "0", "nein", "falsch"},
}
LONGEST_TEXT = 200  # of a login and of a name
LARGEST_USER_ID = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a file cannot be taken. ``line`` 0: it is about the file; ``column`` empty: about the row."""

    line: int
    text: str
    column: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.text
        if not self.column:
            return _("Line %(line)d: %(text)s") % {"line": self.line, "text": self.text}
        words = {"line": self.line, "column": self.column, "text": self.text}
        return _("Line %(line)d, column %(column)s: %(text)s") % words


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """One row. ``cells`` are shown to people; ``values`` are those that are not empty and can be understood, as the
    export would write them."""

    line: int
    cells: Mapping[str, str]
    values: Mapping[str, str]

    @property
    def login(self) -> str:
        return self.values.get(LOGIN, "")

    @property
    def user_id(self) -> int | None:
        return int(self.values[USER_ID]) if USER_ID in self.values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """``ignored`` are the header's names that mean no column, as they are written there."""

    lines: tuple[AgentLine, ...] = ()
    faults: tuple[Fault, ...] = ()
    ignored: tuple[str, ...] = ()


def read_agent_file(data: bytes) -> AgentFile:
    """Every row and every fault; a file whose header cannot be understood has no rows."""
    try:
        header, *rows = read_csv(data)
    except UnreadableCsv as error:
        return AgentFile(faults=(Fault(line=error.line, text=str(error)),))
    columns = [_column_of(name) for name in header.cells]
    ignored = tuple(name for name, column in zip(header.cells, columns, strict=True) if not column and name.strip())
    if faults := tuple(_header_faults(header, columns)):
        return AgentFile(faults=faults, ignored=ignored)
    if not rows:
        return AgentFile(faults=(Fault(line=0, text=_("The file has a header but no agent.")),), ignored=ignored)
    read = [_read_row(row, columns) for row in rows]
    lines = tuple(line for line, _faults in read)
    return AgentFile(
        lines=lines, faults=(*(fault for _line, each in read for fault in each), *_doubles(lines)), ignored=ignored
    )


def write_agent_file(rows: Iterable[Sequence[Value]], dialect: Dialect) -> bytes:
    """Rows of the cells of ``COLUMNS``; without any it is the template."""
    return write_csv(COLUMNS, rows, dialect)


def departed_text(departed: bool) -> str:
    return YES if departed else NO


def _column_of(name: str) -> str:
    """The column that the header's name means; empty when it means none."""
    letters = "".join(character for character in name.casefold() if character.isalnum())
    return next((column for column, names in HEADERS.items() if letters in names), "")


def _header_faults(header: CsvRow, columns: list[str]) -> Iterator[Fault]:
    for column, times in Counter(filter(None, columns)).items():
        if times > 1:
            text = _("The header names the column %(column)s %(times)d times.")
            yield Fault(line=header.line, text=text % {"column": column, "times": times}, column=column)
    if LOGIN not in columns:
        text = _("The header must name the column login. Known columns: %(columns)s.")
        yield Fault(line=header.line, text=text % {"columns": ", ".join(COLUMNS)}, column=LOGIN)


def _read_row(row: CsvRow, columns: list[str]) -> tuple[AgentLine, list[Fault]]:
    cells = {column: text.strip() for column, text in zip(columns, row.cells, strict=False) if column}
    values: dict[str, str] = {}
    faults = []
    if len(row.cells) < len(columns) or any(text.strip() for text in row.cells[len(columns) :]):
        words = {"cells": len(row.cells), "columns": len(columns)}
        text = _("The row has %(cells)d cells, the header has %(columns)d. Is a cell that holds a separator quoted?")
        faults.append(Fault(line=row.line, text=text % words))
    for column, text in cells.items():
        try:
            if text:
                values[column] = _understood(column, text)
        except ValueError as error:
            faults.append(Fault(line=row.line, column=column, text=str(error)))
    if not cells.get(LOGIN) and not cells.get(USER_ID):
        faults.append(Fault(line=row.line, column=LOGIN, text=_("The login is empty.")))
    return AgentLine(line=row.line, cells=cells, values=values), faults


def _doubles(lines: tuple[AgentLine, ...]) -> Iterator[Fault]:
    """Logins are compared without case, as the ticket system does."""
    for column in (LOGIN, USER_ID):
        first: dict[str, int] = {}
        for row in lines:
            text = row.values.get(column, "")
            seen = first.setdefault(text.casefold(), row.line)
            if text and seen != row.line:
                words = {"column": column, "text": text, "line": seen}
                sentence = _("The %(column)s “%(text)s” stands in line %(line)d already.")
                yield Fault(line=row.line, column=column, text=sentence % words)


def _understood(column: str, text: str) -> str:
    """The cell as the export would write it; raises ``ValueError`` with a sentence."""
    if problem := cell_fault(text):
        raise ValueError(problem)
    return READERS[column](text)


def _short_text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(_("Longer than %(most)d characters.") % {"most": LONGEST_TEXT})
    return text


def _user_id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_USER_ID):
        raise ValueError(_("“%(text)s” is not a UserID; it is a whole number from 1 on.") % {"text": text[:40]})
    return str(int(text))


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValueError(_("“%(text)s” is not an e-mail address.") % {"text": text[:40]}) from error
    if len(text) > 254:
        raise ValueError(_("Longer than %(most)d characters.") % {"most": 254})
    return text


def _departed(text: str) -> str:
    for answer, words in ANSWERS.items():
        if text.casefold() in words:
            return answer
    raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})


READERS: Mapping[str, Callable[[str], str]] = {
    LOGIN: _short_text,
    USER_ID: _user_id,
    NAME: _short_text,
    EMAIL: _email,
    DEPARTED: _departed,
    ACCOUNT: str,
}
