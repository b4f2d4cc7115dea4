"""The audit of the locked packages tells clean, vulnerable and not looked up apart; all are pinned with hashes."""

import json
import re
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scripts.audit import ROOT, expected_packages, locked_requirements, main, verdict

EXPECTED = {"celery": "5.7.0", "django": "5.2.19"}
HASH = "--hash=sha256:" + 64 * "0"
REQUIREMENTS = f"""# made for the test
celery==5.7.0 \\
    {HASH}
    # via portal
colorama==0.4.6 ; sys_platform == 'win32' \\
    {HASH}
django==5.2.19 \\
    {HASH}
"""
FLAW = {
    "id": "PYSEC-2026-1",
    "summary": "Says too much",
    "affected": [
        {
            "package": {"name": "django", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.2.20"}]}],
        }
    ],
}


def report(*rows: dict[str, Any]) -> str:
    return json.dumps({"dependencies": rows, "fixes": []})


def row(name: str, version: str, *flaws: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": list(flaws)}


def test_all_looked_up_and_nothing_known_is_clean() -> None:
    code, sentences = verdict(EXPECTED, report(row("celery", "5.7.0"), row("django", "5.2.19")), "")

    assert (code, sentences) == (0, ["All 2 locked packages were looked up; no vulnerability is known of any."])


def test_known_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    flaw = {"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"], "aliases": [], "description": ""}
    other = {"id": "PYSEC-2026-2", "fix_versions": [], "aliases": [], "description": ""}

    code, sentences = verdict(EXPECTED, report(row("celery", "5.7.0"), row("django", "5.2.19", flaw, other)), "")

    assert code == 1
    assert sentences == [
        "VULNERABLE: django 5.2.19: PYSEC-2026-1, mended in 5.2.20",
        "VULNERABLE: django 5.2.19: PYSEC-2026-2, mended in no version yet",
    ]


@pytest.mark.parametrize(
    "second",
    [{"name": "django", "skip_reason": "not found"}, row("django", "5.2.18"), row("flask", "1")],
    ids=["skipped", "other version", "other package"],
)
def test_package_that_was_not_looked_up_fails_the_audit(second: dict[str, Any]) -> None:
    code, sentences = verdict(EXPECTED, report(row("celery", "5.7.0"), second), "")

    assert code == 1
    assert sentences == ["NOT AUDITED: only 1 of 2 packages were looked up.", "  without an answer: django"]


def test_audit_of_nothing_is_no_audit() -> None:
    assert verdict({}, report(), "")[0] == 1


@pytest.mark.parametrize(
    ("output", "complaint", "last"),
    [
        ("", "Traceback\nConnectionError: refused\n", "ConnectionError: refused"),
        ("no JSON", "", "it said nothing"),
        ("{}", "", "it said nothing"),
        ('{"dependencies": [{}]}', "", "it said nothing"),
        ("[]", "", "it said nothing"),
    ],
)
def test_service_that_does_not_answer_leaves_all_unaudited(output: str, complaint: str, last: str) -> None:
    code, sentences = verdict(EXPECTED, output, complaint)

    assert code == 1
    assert sentences[0].startswith("NOT AUDITED: none of 2 packages could be looked up")
    assert sentences[1] == f"pip-audit: {last}"


def test_packages_of_other_systems_are_not_expected() -> None:
    assert expected_packages(REQUIREMENTS) == EXPECTED


def test_package_without_a_version_is_told() -> None:
    with pytest.raises(ValueError, match=r"django>=5 is not pinned"):
        expected_packages("django>=5\n")


def test_every_locked_package_has_a_hash_for_every_file() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    foreign = [package for package in packages if "virtual" not in package["source"]]

    assert len(foreign) > 50
    assert [package["name"] for package in foreign if "registry" not in package["source"]] == []
    for package in foreign:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]) for file in files), package["name"]


def test_every_direct_package_says_from_which_version_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [
        *project["dependencies"],
        *(name for names in project["optional-dependencies"].values() for name in names),
    ]

    assert [text for text in direct if ">=" not in text] == []


@pytest.fixture
def service() -> Iterator[tuple[str, dict[str, Any]]]:
    """A service that lists vulnerabilities: its address, and what it answers for each package."""
    answers: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = answers.get(asked["package"]["name"], {})
            body = json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", answers
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_pip_audit_itself_is_understood(
    service: tuple[str, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, answers = service
    file = tmp_path / "requirements.txt"
    file.write_text(REQUIREMENTS, encoding="utf-8")
    asked = ["--osv-url", url, "--requirements", str(file)]

    assert main(asked) == 0
    assert capsys.readouterr().out == "All 2 locked packages were looked up; no vulnerability is known of any.\n"

    answers["django"] = {"vulns": [FLAW]}
    assert main(asked) == 1
    assert capsys.readouterr().err == "VULNERABLE: django 5.2.19: PYSEC-2026-1, mended in 5.2.20\n"

    answers["django"] = None
    assert main(asked) == 1
    assert "NOT AUDITED: none of 2 packages" in capsys.readouterr().err


@pytest.mark.slow
def test_all_packages_of_the_lock_file_are_asked_for() -> None:
    text = locked_requirements()
    found = expected_packages(text)

    assert {"django", "celery", "requests", "psycopg", "sentry-sdk", "pytest"} <= set(found)
    assert len(re.findall(r"^[a-z0-9]\S+==", text, re.MULTILINE)) <= text.count("--hash=sha256:")
