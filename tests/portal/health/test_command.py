"""The command health: all checks or some, for scripts and containers."""

import json

import pytest

from portal.health.findings import Finding, State
from portal.management.commands import health
from tests.commands import run_command


def finding(name: str, about: str, state: State) -> Finding:
    advice = "" if state == State.GOOD else "Look."
    return Finding(
        name=name, about=about, label=f"{name} {about}".strip(), state=state, text="Found.", meaning="", advice=advice
    )


@pytest.fixture(autouse=True)
def findings(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        finding("database", "", State.GOOD),
        finding("worker", "network", State.BAD),
        finding("worker", "ledger", State.WARN),
        finding("beat", "", State.GOOD),
    ]
    monkeypatch.setattr(health, "examine", lambda now: found)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([], 1),
        (["database"], 0),
        (["worker"], 1),
        (["worker=ledger"], 0),
        (["worker=network"], 1),
        (["beat", "worker=ledger"], 0),
        (["nothing"], 2),
    ],
)
def test_exit_code_tells_whether_the_named_parts_work(names: list[str], code: int) -> None:
    assert run_command("health", *names)[0] == code


def test_what_does_not_work_stands_on_standard_error_with_what_to_do() -> None:
    _code, out, err = run_command("health")

    assert out.splitlines() == [
        "database: well. Found.",
        "worker ledger: needs a look. Found.",
        "  Look.",
        "beat: well. Found.",
    ]
    assert err.splitlines() == ["worker network: does not work. Found.", "  Look."]


def test_part_cannot_be_well_where_the_database_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "examine", lambda now: [finding("database", "", State.BAD)])

    assert run_command("health", "beat")[0] == 1


def test_document_is_all_that_is_printed() -> None:
    code, out, _err = run_command("health", "worker=ledger", "--json")

    assert code == 0
    assert json.loads(out) == {
        "ok": True,
        "checks": [{"name": "worker", "about": "ledger", "state": "warn", "text": "Found.", "advice": "Look."}],
    }
