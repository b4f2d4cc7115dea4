import json
from pathlib import Path

import pytest

from scripts import coverage_gates
from scripts.coverage_gates import main, required, shortfalls


def file(
    percent: float, *, lines: list[int] | None = None, branches: list[list[int]] | None = None
) -> dict[str, object]:
    return {
        "summary": {"percent_covered": percent},
        "missing_lines": lines or [],
        "missing_branches": branches or [],
    }


@pytest.fixture
def few_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_gates, "HEART", ("billing/ledger.py",))
    monkeypatch.setattr(coverage_gates, "EXCEPTIONS", {})


@pytest.mark.parametrize(
    ("name", "percent"),
    [
        ("generic_interface/client.py", 100),
        ("generic_interface/simulator/server.py", 95),
        ("billing/ledger.py", 100),
        ("billing/views.py", 95),
    ],
)
def test_gate_of_a_module(name: str, percent: float) -> None:
    assert required(name) == percent


@pytest.mark.usefixtures("few_patterns")
def test_heart_below_full_coverage_is_named_with_the_places() -> None:
    report = {"files": {"billing/ledger.py": file(99.4, lines=[7, 9], branches=[[3, 5]])}}

    assert shortfalls(report) == ["billing/ledger.py: 99.4 % of 100 %, missing lines 7, 9; missing branches 3->5"]


@pytest.mark.usefixtures("few_patterns")
def test_other_module_passes_at_its_floor() -> None:
    report = {"files": {"billing/ledger.py": file(100), "billing/views.py": file(95.0)}}

    assert shortfalls(report) == []


@pytest.mark.usefixtures("few_patterns")
def test_pattern_without_module_is_named() -> None:
    assert shortfalls({"files": {}}) == ["billing/ledger.py: no such module, take it out of coverage_gates.py"]


@pytest.mark.usefixtures("few_patterns")
@pytest.mark.parametrize(("percent", "code"), [(100, 0), (90, 1)])
def test_exit_code_tells_whether_a_gate_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], percent: float, code: int
) -> None:
    path = tmp_path / "coverage.json"
    report = {"files": {"billing/ledger.py": file(percent)}, "totals": {"percent_covered": 97.0}}
    path.write_text(json.dumps(report))

    assert main(str(path)) == code
    assert f"coverage: 97.0 % in total, {code} modules below" in capsys.readouterr().out
