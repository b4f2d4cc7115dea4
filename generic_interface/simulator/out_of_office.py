"""OutOfOffice, the operation that Znuny adds: it answers Success and ignores or misreads rows, as it was recorded.

What is stored are the preferences of an agent: ``OutOfOffice`` and, each for ``Start`` and ``End``, year, month, day.
"""

import contextlib
import csv
import re
from collections.abc import Callable

from generic_interface.simulator.model import Agent
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.wire import Json, OperationCrash, OperationError, OperationFault, auth_fail

PARAMETER = "OutOfOfficeEntriesCSVString"
USER_COLUMNS = ("UserEmail", "EMail", "UserLogin", "UserSearch")
OFF = ("", "0", "no")

_LINE_END = re.compile(r"\r\n|\n|\r")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{2})[./](\d{2})[./](\d{4}) \d{2}:\d{2}:\d{2}", re.ASCII)

Row = dict[str, str]


def out_of_office(data: TicketStore, log_in: Callable[[], Viewer | None], parameters: Json) -> Json:
    """The CSV is read before the login is checked, and one agent's umlaut loses the whole file."""
    rows = _read(parameters.get(PARAMETER))
    viewer = log_in()
    if viewer is None:
        raise auth_fail("OutOfOffice")
    if not isinstance(viewer, Agent):
        raise OperationError("OutOfOffice.AuthFail", "OutOfOffice: User needs to be an agent.")
    if not viewer.is_admin:
        raise OperationError("OutOfOffice.AuthFail", "OutOfOffice: User needs to be in group admin.")
    if any(not row.get(column, "").isascii() for row in rows for column in USER_COLUMNS):
        raise OperationCrash
    for row in rows:
        agent = _find(data, row)
        if agent is not None:
            data.preferences.setdefault(agent.user_id, {}).update(_preferences(row))
    return {"Success": 1}


def _read(text: object) -> list[Row]:
    if not text:
        raise OperationFault(f"Parameter {PARAMETER} is missing.")
    content = text if isinstance(text, str) else "ARRAY(0x55d0c0ffee00)"
    if any(ord(character) > 0xFF for character in content):
        raise OperationFault(f"Error while parsing CSV string of parameter {PARAMETER}.")
    table = _table(content)
    if len(table) < 2:
        raise OperationFault(f"CSV in parameter {PARAMETER} does not contain any entries.")
    return [dict(zip(table[0], row, strict=False)) for row in table[1:]]


def _table(text: str) -> list[list[str]]:
    """Rows up to the first that cannot be read; what follows is lost without a word."""
    lines = [f"{line}\n" for line in _LINE_END.split(text) if line and not line.startswith("#")]
    table: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        table.extend(csv.reader(lines, strict=True))
    return table


def _find(data: TicketStore, row: Row) -> Agent | None:
    """The agent that the row means to the server: an address wins, and more than one hit is none."""
    agents = list(data.agents.values())
    address = row.get("UserEmail") or row.get("EMail")
    if address:
        hits = [agent for agent in agents if _like(address, agent.address, wildcards="_%*")]
    elif row.get("UserLogin"):
        hits = [agent for agent in agents if _like(row["UserLogin"], agent.login, wildcards="%*")]
    elif row.get("UserSearch"):
        words = row["UserSearch"].casefold().split()
        hits = [agent for agent in agents if all(word in _searched(agent) for word in words)]
    else:
        return None
    return hits[0] if len(hits) == 1 and hits[0].valid else None


def _searched(agent: Agent) -> str:
    return f"{agent.login} {agent.first_name} {agent.last_name}".casefold()


def _like(pattern: str, text: str, *, wildcards: str) -> bool:
    """As the database compares: without case, with wildcards in what was asked for."""
    signs = {"%": ".*", "*": ".*", "_": "."}
    expression = "".join(signs[sign] if sign in wildcards else re.escape(sign) for sign in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def _preferences(row: Row) -> dict[str, str]:
    enabled = row["OutOfOffice"] if "OutOfOffice" in row else row.get("Enabled", "")
    stored = {"OutOfOffice": "0" if enabled in OFF else "1"}
    for part, columns in (("Start", ("StartDate", "StartTime")), ("End", ("EndDate", "EndTime"))):
        day = _day(row.get(columns[0]) or row.get(columns[1]) or "")
        if day is None:
            break  # after a start that cannot be read the end is not looked at
        stored |= {f"OutOfOffice{part}{unit}": value for unit, value in zip(("Year", "Month", "Day"), day, strict=True)}
    return stored


def _day(text: str) -> tuple[str, str, str] | None:
    """Year, month and day as they stand there, possible or not."""
    if iso := _ISO.search(text):
        return iso[1], iso[2], iso[3]
    if other := _DAY_FIRST.search(text):
        return other[3], other[2], other[1]
    return None
