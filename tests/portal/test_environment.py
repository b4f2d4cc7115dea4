import base64
import stat
from pathlib import Path

import pytest

from portal.environment import main


def test_first_start_writes_new_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(tmp_path)

    values = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if line[0] != "#")
    assert code == 0
    assert len(values["SECRET_KEY"]) >= 50
    assert len(base64.urlsafe_b64decode(values["FIELD_ENCRYPTION_KEYS"])) == 32
    assert values["HTTPS"] == "off"
    assert (tmp_path / "var").is_dir()
    assert capsys.readouterr().out == "Wrote .env with new keys.\n"


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    main(tmp_path)

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_keys_differ_from_start_to_start(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    main(tmp_path / "a")
    main(tmp_path / "b")

    assert (tmp_path / "a/.env").read_text() != (tmp_path / "b/.env").read_text()


def test_existing_file_is_never_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=mine\nexport FIELD_ENCRYPTION_KEYS=mine\n")

    code = main(tmp_path)

    assert code == 0
    assert (tmp_path / ".env").read_text() == "SECRET_KEY=mine\nexport FIELD_ENCRYPTION_KEYS=mine\n"
    assert capsys.readouterr().out == ""


def test_file_without_keys_is_refused_with_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.delenv("FIELD_ENCRYPTION_KEYS")
    (tmp_path / ".env").write_text("HTTPS=on\n")

    code = main(tmp_path)

    assert code == 1
    assert "lacks SECRET_KEY and FIELD_ENCRYPTION_KEYS" in capsys.readouterr().err


def test_keys_of_the_environment_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", "from the environment")
    (tmp_path / ".env").write_text("HTTPS=on\n")

    assert main(tmp_path) == 0


def test_folder_that_cannot_be_written_gives_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "var").write_text("a file where the folder belongs")

    code = main(tmp_path)

    error = capsys.readouterr().err
    assert code == 1
    assert error == f"Cannot set up {tmp_path}: File exists. Copy the project to a folder of your own.\n"
