"""``manage.py upload_out_of_office``: exit codes, one JSON document, and nothing sent that was not meant."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from common.jobs import claim
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator
from outofoffice.management.commands import upload_out_of_office
from outofoffice.models import Sending, Upload
from outofoffice.uploads import upload_file
from tests.commands import run_command
from tests.outofoffice.corpus import EVERYTHING
from tests.outofoffice.support import confirmed, stored, table
from tickets.models import Agent, TicketSystem

pytestmark = pytest.mark.django_db
GOOD = table("c.weber,2026-12-01,2026-12-10,yes", "b.schmidt,,,no")
MIXED = table("c.weber,2026-12-01,2026-12-10,yes", "nobody,,,no")


def run(tmp_path: Path, data: bytes, *options: str) -> tuple[int, str, str]:
    path = tmp_path / "absences.csv"
    path.write_bytes(data)
    return run_command("upload_out_of_office", str(path), "--system", "Helpdesk", *options)


def test_clean_file_is_sent(system: TicketSystem, upstream: DataSet, now: datetime, tmp_path: Path) -> None:
    code, out, err = run(tmp_path, GOOD)

    assert (code, err) == (0, "")
    assert "c.weber 2026-12-01 – 2026-12-10  sent" in out
    assert "set: 1, clear: 1, unchanged: 0, error: 0" in out
    assert stored(upstream)["c.weber"] == ("1", "2026-12-01", "2026-12-10")


def test_same_file_again_is_sent_with_a_warning(system: TicketSystem, now: datetime, tmp_path: Path) -> None:
    run(tmp_path, GOOD)

    code, out, err = run(tmp_path, GOOD)

    assert code == 0
    assert "The very same file was sent before, on 2026-11-26 13:00" in err
    assert "unchanged: 2" in out


def test_dry_run_keeps_and_sends_nothing(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, tmp_path: Path
) -> None:
    code, out, _err = run(tmp_path, GOOD, "--dry-run", "--json")

    document = json.loads(out)
    assert (code, document["complete"], document["sent"], document["dry_run"]) == (0, True, False, True)
    assert document["counts"] == {"set": 1, "clear": 1, "unchanged": 0, "error": 0}
    assert not Upload.objects.exists()
    assert simulator.requests == []


def test_file_with_a_bad_row_is_not_sent_unless_told(
    system: TicketSystem, upstream: DataSet, now: datetime, tmp_path: Path
) -> None:
    code, _out, err = run(tmp_path, MIXED)

    assert (code, stored(upstream)) == (1, {})
    assert "Line 3 UserLogin: No agent of this ticket system has the login “nobody”." in err
    assert "Nothing was sent." in err

    code, out, _err = run(tmp_path, MIXED, "--good-rows", "--json")

    assert code == 1
    assert [row["outcome"] for row in json.loads(out)["rows"]] == ["sent", "not_sent"]
    assert set(stored(upstream)) == {"c.weber"}


def test_failed_sending_is_told_by_the_exit_code(
    system: TicketSystem, simulator: RunningSimulator, now: datetime, tmp_path: Path
) -> None:
    simulator.faults.add("OutOfOffice:drop")

    code, out, _err = run(tmp_path, GOOD, "--json")

    assert code == 1
    assert [row["outcome"] for row in json.loads(out)["rows"]] == ["unknown", "unknown"]


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_file_makes_it_fail_without_a_sentence(
    system: TicketSystem, now: datetime, tmp_path: Path, name: str
) -> None:
    code, out, err = run(tmp_path, EVERYTHING[name], "--dry-run", "--json")

    assert code in (0, 1)
    assert bool(err) == (code == 1)
    if out:
        assert json.loads(out)["complete"] is (code == 0)


def test_sparse_file_of_2_gb_is_refused_by_its_size(system: TicketSystem, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)

    code, out, err = run_command("upload_out_of_office", str(path), "--system", "Helpdesk")

    assert (code, out) == (1, "")
    assert "larger than 1000 kB" in err


def test_wrong_use(system: TicketSystem, tmp_path: Path) -> None:
    path = tmp_path / "absences.csv"
    path.write_bytes(GOOD)

    missing = run_command("upload_out_of_office", str(tmp_path / "none.csv"), "--system", "Helpdesk")
    folder = run_command("upload_out_of_office", str(tmp_path), "--system", "Helpdesk")
    stranger = run_command("upload_out_of_office", str(path), "--system", "Elsewhere")

    assert [missing[0], folder[0], stranger[0]] == [2, 2, 2]
    assert stranger[2] == "There is no active ticket system “Elsewhere”. There is: Helpdesk."


def test_file_that_may_not_be_read_is_wrong_use(
    system: TicketSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert run_command("upload_out_of_office", __file__, "--system", "Helpdesk") == (
        2,
        "",
        f"“{__file__}” cannot be read: Permission denied.",
    )


def test_busy_system_leaves_it_to_the_worker(system: TicketSystem, now: datetime, tmp_path: Path) -> None:
    other = confirmed(system, MIXED, now)
    assert claim(other, now=now)

    code, _out, err = run(tmp_path, GOOD)

    assert (code, "The worker sends it in its turn." in err) == (1, True)
    assert Sending.objects.filter(state="queued").count() == 1


def test_interruption_says_what_stands(
    system: TicketSystem, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("generic_interface.client.Client.set_out_of_office", interrupt)

    code, _out, err = run(tmp_path, GOOD)

    assert (code, err) == (1, "Interrupted. What was sent stays; the upload's page sends the rest again.")
    assert list(Upload.objects.get().rows.values_list("outcome", flat=True)) == ["unknown", "unknown"]


def test_list_that_changes_in_the_same_moment_is_told(
    system: TicketSystem, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upload_and_lose(**values: Any) -> Upload:
        upload = upload_file(**values)
        Agent.objects.filter(login="c.weber").update(departed=True)
        return upload

    monkeypatch.setattr(upload_out_of_office, "upload_file", upload_and_lose)

    code, _out, err = run(tmp_path, GOOD)

    assert (code, "look again" in err) == (1, True)
