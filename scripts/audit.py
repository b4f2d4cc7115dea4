"""``make audit``: looks up every locked package among the published vulnerabilities. Needs the network.

Exit code 0 says that all of them were looked up and nothing is known against any. pip-audit alone ends with 0 when it
could look up none, so what it says is counted here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
OSV_URL = "https://api.osv.dev/v1/query"
EXPORT = ("uv", "export", "--frozen", "--all-extras", "--all-groups", "--no-emit-project", "--quiet")
SECONDS = 900


def main(arguments: Sequence[str] | None = None) -> int:
    """0 nothing known against any package, 1 something is known or not all could be looked up."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--osv-url", default=OSV_URL, help="where vulnerabilities are asked for")
    parser.add_argument("--requirements", type=Path, help="a file with pinned and hashed packages instead of uv.lock")
    options = parser.parse_args(arguments)
    text = options.requirements.read_text(encoding="utf-8") if options.requirements else locked_requirements()
    code, sentences = verdict(expected_packages(text), *run_pip_audit(text, osv_url=options.osv_url))
    print(*sentences, sep="\n", file=sys.stderr if code else sys.stdout)
    return code


def locked_requirements() -> str:
    """All packages of ``uv.lock`` with versions and hashes, those of the developers among them."""
    command = [sys.executable, "-m", *EXPORT]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def expected_packages(text: str) -> dict[str, str]:
    """Name and version of what is installed on this kind of machine. Raises ``ValueError`` for what is not pinned."""
    found = {}
    for line in text.splitlines():
        if line.startswith(("#", " ", "-")) or not line.strip():
            continue
        wanted = Requirement(line.rstrip("\\ "))
        pins = [pin.version for pin in wanted.specifier if pin.operator == "=="]
        if len(pins) != 1:
            raise ValueError(f"{wanted} is not pinned to one version.")
        if wanted.marker is None or wanted.marker.evaluate():
            found[wanted.name] = pins[0]
    return found


def run_pip_audit(text: str, *, osv_url: str) -> tuple[str, str]:
    """What pip-audit prints on standard output and error; its exit code says less than these."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(text, encoding="utf-8")
        options = ["--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
        command = [sys.executable, "-m", "pip_audit", *options, "-s", "osv", "--osv-url", osv_url, "-r", str(file)]
        quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS, env=quiet)
    return done.stdout, done.stderr


def verdict(expected: dict[str, str], output: str, complaint: str) -> tuple[int, list[str]]:
    """Exit code and what to print, from what was expected and what pip-audit said."""
    try:
        audited, known = _read(json.loads(output))
    except (ValueError, KeyError, TypeError):
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        return 1, [
            f"NOT AUDITED: none of {len(expected)} packages could be looked up, so nothing is known about them.",
            f"pip-audit: {last[:300]}",
            "Run this where the service that lists vulnerabilities can be reached.",
        ]
    sentences = [f"VULNERABLE: {name}" for name in known]
    missing = sorted(name for name, version in expected.items() if audited.get(name) != version)
    if missing or not expected:
        count = len(expected) - len(missing)
        sentences.append(f"NOT AUDITED: only {count} of {len(expected)} packages were looked up.")
        sentences += [f"  without an answer: {', '.join(missing)}"] if missing else []
    if sentences:
        return 1, sentences
    return 0, [f"All {len(expected)} locked packages were looked up; no vulnerability is known of any."]


def _read(document: Any) -> tuple[dict[str, str], list[str]]:
    """What was looked up, and what is known against it."""
    rows = [row for row in document["dependencies"] if "skip_reason" not in row]
    known = [
        f"{row['name']} {row['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for row in rows
        for flaw in row["vulns"]
    ]
    return {row["name"]: row["version"] for row in rows}, known


if __name__ == "__main__":
    sys.exit(main())
