"""What docs/api.md shows is run as it stands there, against a server that listens."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from billing.models import Agreement
from portal.api.scopes import Scope
from tests.api.asking import Asker
from tests.api.paths import SCOPE_OF, names_in_use
from tests.pages.world import World, build

GUIDE = (Path(__file__).resolve().parent.parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^curl .*$", GUIDE, re.MULTILINE)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def world(transactional_db: None, now: None) -> World:
    """Committed, for the threads of the server see nothing else."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})  # tests with COMMIT flush it away
    return build()


@pytest.mark.slow
def test_examples_of_the_guide_work(live_server: Any, world: World, asking: dict[str, Asker]) -> None:
    environment = {"PORTAL": live_server.url, "TOKEN": asking["billing"].token, "PATH": "/usr/bin:/bin"}

    def run(*command: str) -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    answers = [run("sh", "-c", command) for command in COMMANDS]
    lines = [run(sys.executable, "-c", program).splitlines() for program in PROGRAMS]

    assert [set(json.loads(answer)) & {"items", "sentence"} for answer in answers[:-1]] == [
        {"sentence"},
        *([{"items"}] * (len(COMMANDS) - 2)),
    ]
    assert answers[-1] == "200\n"
    assert [len(each) for each in lines] == [4]


def test_guide_names_every_scope() -> None:
    assert [scope for scope in Scope if f"| `{scope.value}`" not in GUIDE] == []
    assert SCOPE_OF.keys() == names_in_use() - {"status"}
