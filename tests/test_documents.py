"""The documents: what they lead to is there, and the first page leads to all of them."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from portal.help.documents import anchor_of

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PICTURES_BYTES = 25_000_000


def links_of(document: Path) -> list[str]:
    return LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8")))


def headings_of(document: Path) -> set[str]:
    lines = FENCE.sub("", document.read_text(encoding="utf-8")).splitlines()
    return {anchor_of(line.lstrip("#").strip().replace("`", "")) for line in lines if line.startswith("#")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    dead = []
    for link in links_of(document):
        if link.startswith(("https://", "http://")):
            continue
        name, _sign, anchor = unquote(link).partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in headings_of(target)):
            dead.append(link)

    assert dead == []


def test_first_page_leads_to_every_document() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        reached.add(document)
        found = [(document.parent / link.partition("#")[0]).resolve() for link in links_of(document)]
        waiting += [each for each in found if each.suffix == ".md" and each.exists() and each not in reached]

    assert sorted(path.name for path in (ROOT / "docs").glob("*.md") if path not in reached) == []


def test_pictures_stay_light() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "screenshots").iterdir()) < PICTURES_BYTES
