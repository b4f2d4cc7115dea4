"""The table of faults in docs/reliability.md and the tests say the same."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
HEADING = "## Faults of the ticket system"
ROWS = [f"F{number}" for number in range(1, 42)]
NO_READING = {"F40", "F41"}


@dataclass(frozen=True)
class Row:
    name: str
    portal: str
    tests: tuple[str, ...]
    reason: str


def table() -> list[Row]:
    section = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| F")]
    return [
        Row(name.strip(), portal, tuple(re.findall(r"`(test_\w+)`", tests)), tests.partition("none: ")[2])
        for name, _happens, portal, tests in cells
    ]


def functions(folder: Path) -> Iterator[ast.FunctionDef]:
    for path in folder.rglob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node


def is_expected_to_fail(function: ast.FunctionDef) -> bool:
    return any("xfail" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_every_fault_stands_in_the_table_once_and_in_order() -> None:
    assert [row.name for row in table()] == ROWS


def test_every_fault_of_reading_is_covered_and_every_other_has_its_reason() -> None:
    uncovered = {row.name for row in table() if not row.tests}

    assert uncovered == NO_READING
    assert all(row.reason for row in table() if row.name in uncovered)


def test_every_test_in_the_table_exists() -> None:
    names = {function.name for function in functions(TESTS)}

    assert [name for row in table() for name in row.tests if name not in names] == []


def rows_of(function: ast.FunctionDef) -> list[str]:
    """F7 of test_f07_what, none for a test of something else."""
    return [f"F{int(digits)}" for digits in re.findall(r"_f(\d\d)(?=_)", function.name)]


def test_every_fault_of_reading_has_a_test_here_that_tells_its_promise() -> None:
    found = [function for function in functions(TESTS / "faults") if rows_of(function)]
    named = {row.name: row.tests for row in table()}

    assert [function.name for function in found if not ast.get_docstring(function)] == []
    assert {row for function in found for row in rows_of(function)} == set(ROWS) - NO_READING
    for row in set(ROWS) - NO_READING:
        assert {function.name for function in found if row in rows_of(function)} & set(named[row])


def test_what_is_not_held_yet_is_said_in_the_table() -> None:
    failing = [function for function in functions(TESTS / "faults") if is_expected_to_fail(function)]
    open_rows = {row for function in failing for row in rows_of(function)}

    assert {row.name for row in table() if "Not held yet" in row.portal} == open_rows
