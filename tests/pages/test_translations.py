"""The German catalogue is whole, compiled, and holds every string of the sources."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

from tests.architecture import FLOORS

MESSAGES = settings.BASE_DIR / "locale" / "de" / "LC_MESSAGES"
SOURCES = (*FLOORS, "templates")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="de")


def entries(messages: Catalog) -> dict[str, list[str]]:
    """Texts by message; the forms of the plural by the one of the singular."""
    return {forms(message.id)[0]: forms(message.string) for message in messages if message.id}


def forms(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, tuple | list) else [str(value)]


def test_no_german_text_is_missing_or_doubtful() -> None:
    messages = catalogue(MESSAGES / "django.po")

    empty = [message.id for message in messages if message.id and not all(forms(message.string))]
    doubtful = [message.id for message in messages if message.id and message.fuzzy]

    assert (empty, doubtful) == ([], [])


def test_german_texts_fill_in_the_same_values() -> None:
    wrong = []
    for message in catalogue(MESSAGES / "django.po"):
        if message.id:
            pairs = zip(forms(message.id), forms(message.string), strict=True)  # both languages have two forms
            wrong += [
                text for source, text in pairs if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(source))
            ]

    assert wrong == []


def test_german_texts_are_written_with_german_quotation_marks() -> None:
    texts = [text for message in catalogue(MESSAGES / "django.po") for text in forms(message.string) if message.id]

    assert [text for text in texts if "”" in text or text.count("„") != text.count("“")] == []


def test_compiled_catalogue_says_the_same() -> None:
    with (MESSAGES / "django.mo").open("rb") as file:
        compiled = read_mo(file)

    assert entries(compiled) == entries(catalogue(MESSAGES / "django.po"))


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="collecting messages needs xgettext of GNU gettext")
def test_every_string_of_the_sources_is_in_the_catalogue(tmp_path: Path) -> None:
    for name in (*SOURCES, "locale"):
        shutil.copytree(settings.BASE_DIR / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-obsolete", "--no-location"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)

    found = set(entries(catalogue(tmp_path / "locale" / "de" / "LC_MESSAGES" / "django.po")))
    assert found == set(entries(catalogue(MESSAGES / "django.po")))
