"""Files of others are the ones that the note beside them names."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"
FOLDERS = [VENDOR, settings.BASE_DIR / "billing" / "fonts"]
ROW = re.compile(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_of_others_have_the_noted_hashes(folder: Path) -> None:
    noted = dict(ROW.findall((folder / "README.md").read_text(encoding="utf-8")))

    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "README.md"]
    files = {str(path.relative_to(folder)): path for path in found}

    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == noted


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    sprite = (VENDOR / "bootstrap-icons" / "sprite.svg").read_text(encoding="utf-8")
    sources = [*(settings.BASE_DIR / "templates").rglob("*.html"), *(settings.BASE_DIR / "billing").glob("tables.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)

    used = set(re.findall(r'{% icon "([^"]+)" %}', text)) | set(re.findall(r'badge\("[^"]*", "([^"]+)"', text))

    assert used <= set(re.findall(r'<symbol id="([^"]+)"', sprite))
