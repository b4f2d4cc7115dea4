from pathlib import Path

import pytest
from pytest_django import Settings

from portal import preparation


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(preparation, "call_command", lambda name, **options: names.append(name))
    return names


def test_folders_are_made_and_everything_is_brought_up_to_date(
    called: list[str], tmp_path: Path, settings: Settings
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    folder = str(tmp_path / "var" / "broker")
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": folder, "data_folder_out": folder}

    preparation.prepare()
    preparation.prepare()

    assert [path.name for path in (tmp_path / "var").iterdir()] == ["broker"]
    assert called == ["migrate", "createcachetable", "collectstatic"] * 2


def test_broker_without_folders_needs_none(called: list[str], tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}

    preparation.prepare()

    assert list((tmp_path / "var").iterdir()) == []


def test_folder_that_cannot_be_made_is_named(called: list[str], tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").touch()
    settings.VAR_DIR = tmp_path / "file" / "var"

    with pytest.raises(NotADirectoryError) as caught:
        preparation.prepare()

    assert caught.value.filename == str(tmp_path / "file" / "var")
    assert called == []
