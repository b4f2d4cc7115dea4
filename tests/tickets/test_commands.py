"""``ticket_system``, ``sync`` and ``check_connection`` as scripts and people use them."""

import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from common import jobs
from common.money import plain
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator
from tests.commands import Terminal, run_command
from tests.factories.tickets import AgentFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.tickets.support import NOW, OCTOBER, present, truth
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.snapshot import MonthSnapshot
from tickets.sync import start_sync
from tickets.windows import read_window

pytestmark = pytest.mark.django_db
NEW = ["--name", "Help desk", "--url", "https://help.example.org/otrs", "--preset", "billing_portal"]
NEW += ["--login", "portal-api", "--time-zone", "Europe/Berlin", "--minutes-per-unit", "1"]


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_SYSTEM_PASSWORD", "secret")


def test_ticket_system_is_added(password: None) -> None:
    code, out, _ = run_command(
        "ticket_system", "add", *NEW, "--time-source", "both", "--agent", "anna", "--agent", "Anna"
    )

    system = TicketSystem.objects.get()
    assert (code, system.name, system.base_url) == (0, "Help desk", "https://help.example.org/otrs")
    assert (system.login, system.password, system.preset) == ("portal-api", "secret", "billing_portal")
    assert (system.time_zone, system.minutes_per_unit, system.time_source) == ("Europe/Berlin", Decimal(1), "both")
    assert list(Agent.objects.values_list("login", flat=True)) == ["Anna"]
    assert out == ("Ticket system “Help desk” added, agents: 1.\nNow try: manage.py check_connection 'Help desk'\n")


def test_ticket_system_over_soap_is_added(password: None) -> None:
    code, _, _ = run_command("ticket_system", "add", *NEW, "--transport", "soap")

    assert (code, TicketSystem.objects.get().transport) == (0, "soap")


def test_ticket_system_that_sends_logins_in_headers_cannot_change_to_soap(password: None) -> None:
    TicketSystemFactory(name="Help desk", authentication="header")

    code, _, err = run_command("ticket_system", "add", "--name", "Help desk", "--update", "--transport", "soap")

    assert (code, TicketSystem.objects.get().transport) == (2, "rest")
    assert "Choose authentication by session or with each request body." in err


def test_ticket_system_is_changed_in_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    system = TicketSystemFactory(name="Help desk", password="old")
    AgentFactory(system=system, login="anna")
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)

    code, out, _ = run_command(
        "ticket_system",
        "add",
        "--name",
        "Help desk",
        "--update",
        "--time-zone",
        "UTC",
        "--agent",
        "ANNA",
        "--agent",
        "b",
    )

    changed = TicketSystem.objects.get()
    assert (code, changed.time_zone, changed.login, changed.password) == (0, "UTC", system.login, "old")
    assert list(Agent.objects.order_by("login").values_list("login", flat=True)) == ["anna", "b"]
    assert out.startswith("Ticket system “Help desk” changed, new agents: 1.")


def test_password_is_changed_from_the_environment(password: None) -> None:
    TicketSystemFactory(name="Help desk", password="old")

    run_command("ticket_system", "add", "--name", "Help desk", "--update")

    assert TicketSystem.objects.get().password == "secret"


def test_password_is_asked_for_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("tickets.management.commands.ticket_system.getpass", lambda prompt: "typed")

    run_command("ticket_system", "add", *NEW)

    assert TicketSystem.objects.get().password == "typed"


def test_password_that_nobody_gives_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    code, _out, text = run_command("ticket_system", "add", *NEW)

    assert (code, text.startswith("The password is missing. Set TICKET_SYSTEM_PASSWORD")) == (2, True)
    assert not TicketSystem.objects.exists()


def test_ticket_system_of_a_known_name_is_not_overwritten(password: None) -> None:
    TicketSystemFactory(name="Help desk")

    assert run_command("ticket_system", "add", *NEW) == (
        2,
        "",
        "There is a ticket system “Help desk” already. Add --update to change it.",
    )


def test_new_ticket_system_needs_its_settings(password: None) -> None:
    assert run_command("ticket_system", "add", "--name", "Help desk", "--update", "--login", "x") == (
        2,
        "",
        "A new ticket system needs --url, --preset, --time-zone, --minutes-per-unit as well.",
    )


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--time-zone", "Berlin", "time_zone"),
        ("--url", "help", "base_url"),
        ("--url", "https://user:secret@help.example.org/otrs", "base_url"),
        ("--minutes-per-unit", "0", "minutes_per_unit"),
    ],
)
def test_setting_that_makes_no_sense_is_wrong_use(password: None, option: str, value: str, field: str) -> None:
    code, _out, text = run_command("ticket_system", "add", *NEW, option, value)

    assert (code, text.startswith(f"{field}: ")) == (2, True)
    assert not TicketSystem.objects.exists()


def test_short_host_name_is_good_enough(password: None) -> None:
    run_command("ticket_system", "add", *NEW, "--url", "http://help/otrs")

    assert TicketSystem.objects.get().base_url == "http://help/otrs"


def test_stored_password_is_not_sent_to_a_new_address_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    TicketSystemFactory(name="Help desk", base_url="https://help.example.org/otrs")
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    code, _out, text = run_command(
        "ticket_system", "add", "--name", "Help desk", "--update", "--url", "https://elsewhere.example.org/otrs"
    )

    assert (code, text.startswith("The password is missing.")) == (2, True)
    assert TicketSystem.objects.get().base_url == "https://help.example.org/otrs"


def test_system_is_switched_off_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    TicketSystemFactory(name="Help desk")
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)

    run_command("ticket_system", "add", "--name", "Help desk", "--update", "--no-active")
    switched_off = TicketSystem.objects.get().active
    run_command("ticket_system", "add", "--name", "Help desk", "--update", "--active")

    assert (switched_off, TicketSystem.objects.get().active) == (False, True)


def test_minutes_per_unit_stay_once_entries_are_mirrored() -> None:
    system = TicketSystemFactory(name="Help desk")
    TimeEntryFactory(ticket=TicketFactory(system=system))
    change = ("ticket_system", "add", "--name", "Help desk", "--update")

    code, _out, text = run_command(*change, "--minutes-per-unit", "15")
    source = run_command(*change, "--minutes-per-unit", "1", "--time-source", "both")[0]

    system.refresh_from_db()
    assert (code, source, system.minutes_per_unit, system.time_source) == (2, 0, 1, "both")
    assert text == (
        "minutes_per_unit: Time entries of this ticket system are mirrored already, counted with 1.00 minutes per time "
        "unit. To change it, choose “Change the minutes per time unit” at the ticket system's set-up, or use manage.py "
        "convert_units: what is not billed yet is counted anew."
    )


def test_minutes_per_unit_may_change_while_nothing_is_mirrored() -> None:
    system = TicketSystemFactory(name="Help desk")

    run_command("ticket_system", "add", "--name", "Help desk", "--update", "--minutes-per-unit", "15")

    system.refresh_from_db()
    assert system.minutes_per_unit == 15


@pytest.mark.parametrize("value", ["one", "NaN", "Infinity"])
def test_minutes_that_are_no_number_are_wrong_use(password: None, value: str) -> None:
    _code, _out, text = run_command("ticket_system", "add", *NEW, "--minutes-per-unit", value)

    assert "--minutes-per-unit" in text


def test_ticket_systems_are_listed() -> None:
    TicketSystemFactory(name="A")
    TicketSystemFactory(name="B", active=False, time_zone="UTC")

    _, out, _ = run_command("ticket_system", "list")

    assert out.splitlines() == [
        "A: http://127.0.0.1:9/otrs rest billing_portal Europe/Berlin",
        "B (not active): http://127.0.0.1:9/otrs rest billing_portal UTC",
    ]


def test_empty_list_says_what_to_do() -> None:
    _, out, _ = run_command("ticket_system", "list")

    assert out == "No ticket system is connected. See manage.py ticket_system --help.\n"


def test_ticket_systems_are_listed_for_scripts() -> None:
    TicketSystemFactory(name="A")

    _, out, _ = run_command("ticket_system", "list", "--json")

    assert json.loads(out) == [
        {
            "name": "A",
            "url": "http://127.0.0.1:9/otrs",
            "transport": "rest",
            "preset": "billing_portal",
            "login": "portal-api",
            "time_zone": "Europe/Berlin",
            "minutes_per_unit": "1.00",
            "time_source": "history",
            "rpc_url": "",
            "active": True,
        }
    ]


def test_sync_reads_the_previous_month_of_all_active_systems(system: TicketSystem, small_data: DataSet) -> None:
    TicketSystemFactory(active=False)

    code, out, err = run_command("sync", "--json")

    document = json.loads(out)
    one = document["systems"][0]
    assert (code, err) == (0, "")
    assert (document["period"], document["complete"], document["errors"]) == ("2026-10", True, [])
    assert (document["tickets"], document["entries"], document["requests"]) == (6, 12, 5)
    assert document["minutes"] == one["minutes"] == plain(small_data.minutes_booked_in((2026, 10)))
    assert (one["system"], one["state"], one["notes"]) == (system.name, "done", [])
    assert Decimal(document["seconds"]) > 0


def test_sync_tells_a_person_what_it_did(system: TicketSystem) -> None:
    code, out, err = run_command("sync", "--system", system.name, "--period", "2026-10")

    assert (code, err) == (0, "")
    assert out.startswith(f"{system.name} 2026-10: done. 6 tickets closed, 12 entries with ")


def test_bar_names_the_system_that_is_read(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    run_command("sync")

    assert f"] 100% {system.name}: Reading tickets" in terminal.getvalue()
    assert terminal.getvalue().endswith(" \r")


def test_sync_of_a_system_that_fails_ends_with_1(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("TicketGet:http_500")
    other = TicketSystemFactory(name="Zzz", base_url=simulator.base_url, login=simulator.login, password="wrong")

    code, out, err = run_command("sync", "--period", "2026-10", "--json")

    document = json.loads(out)
    assert (code, err, document["complete"]) == (1, "", False)
    assert [each["state"] for each in document["systems"]] == ["failed", "failed"]
    assert [error.partition(":")[0] for error in document["errors"]] == [system.name, other.name]


def test_sync_that_fails_tells_why(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("TicketGet:http_500")

    code, out, err = run_command("sync")

    assert (code, out.startswith(f"{system.name} 2026-10: failed.")) == (1, True)
    assert err.strip() == SyncRun.objects.get().error


def test_system_whose_password_cannot_be_decrypted_fails_alone(system: TicketSystem) -> None:
    other = TicketSystemFactory(name="A")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_ticketsystem SET password = 'garbage' WHERE id = %s", [other.pk])

    code, out, _ = run_command("sync", "--json")

    states = {each["system"]: each["state"] for each in json.loads(out)["systems"]}
    assert (code, states) == (1, {"A": "failed", system.name: "done"})


def test_sync_that_is_busy_ends_with_1(system: TicketSystem) -> None:
    jobs.claim(start_sync(system=system, month=OCTOBER), now=NOW)

    code, out, _ = run_command("sync", "--json")

    document = json.loads(out)
    assert (code, document["complete"], document["minutes"]) == (1, False, "0")
    assert document["errors"] == [f"{system.name}: This sync has ended already, or another worker is at it."]


def test_sync_that_is_interrupted_can_be_started_again(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tickets.sync.read_month", Mock(side_effect=KeyboardInterrupt))
        assert run_command("sync") == (1, "", "Interrupted. Nothing was changed.")

    assert SyncRun.objects.get().state == "failed"
    assert run_command("sync")[0] == 0


def test_sync_prints_notes(system: TicketSystem, small_data: DataSet) -> None:
    run_command("sync")
    small_data.delete(small_data.closed_in((2026, 10))[0])

    code, out, _ = run_command("sync", "--accept-losses")

    assert (code, "is neither found nor shown any more" in out) == (0, True)


def test_losses_are_accepted_on_demand(system: TicketSystem, small_data: DataSet) -> None:
    run_command("sync")
    for ticket_id in small_data.closed_in((2026, 10)):
        small_data.delete(ticket_id)
    small_data.create(title="Neu", customer="K0001")

    assert run_command("sync")[0] == 1
    assert run_command("sync", "--accept-losses")[0] == 0


def test_agents_are_read_one_by_one(system: TicketSystem, small_data: DataSet) -> None:
    for login in ("anna.mueller", "b.schmidt", "c.weber"):
        AgentFactory(system=system, login=login, login_only=True)

    code, out, _ = run_command("sync", "--agent", "anna.mueller", "--agent", "B.SCHMIDT", "--json")

    document = json.loads(out)
    expected = [truth(small_data, OCTOBER, login) for login in ("anna.mueller", "b.schmidt")]
    assert (code, document["complete"], document["period"]) == (0, True, "2026-10")
    assert [(each["agent"], each["entries"]) for each in document["systems"]] == [
        ("anna.mueller", len(expected[0])),
        ("b.schmidt", len(expected[1])),
    ]
    assert Decimal(document["minutes"]) == sum(row[2] for rows in expected for row in rows)
    assert present() == sorted(expected[0] + expected[1])


def test_month_names_no_agent(system: TicketSystem) -> None:
    _, out, _ = run_command("sync", "--json")

    assert [each["agent"] for each in json.loads(out)["systems"]] == [None]


def test_all_agents_are_read_and_told_to_a_person(system: TicketSystem) -> None:
    for login in ("anna.mueller", "b.schmidt"):
        AgentFactory(system=system, login=login, login_only=True)
    AgentFactory(id_only=True, system=system)

    code, out, err = run_command("sync", "--all-agents", "--period", "2026-10")

    assert (code, err) == (0, "")
    assert [line.partition(" entries")[0] for line in out.splitlines()] == [
        f"{system.name} 2026-10, agent anna.mueller: done. 4",
        f"{system.name} 2026-10, agent b.schmidt: done. 2",
    ]


def test_ticket_system_that_refuses_two_agents_alike_is_not_asked_for_a_third(
    system: TicketSystem, simulator: RunningSimulator
) -> None:
    for number in range(4):
        AgentFactory(system=system, login=f"agent{number}")
    simulator.faults.add("SessionCreate:auth_fail")

    code, out, _ = run_command("sync", "--all-agents", "--json")

    document = json.loads(out)
    assert (code, len(document["systems"])) == (1, 4)
    assert {each["state"] for each in document["systems"]} == {"failed"}
    assert simulator.operations() == ["SessionCreate"] * 2


def test_agents_that_fail_for_reasons_of_their_own_are_all_asked(
    system: TicketSystem, simulator: RunningSimulator
) -> None:
    for login in ("anna.mueller", "b.schmidt", "c.weber"):
        AgentFactory(system=system, login=login, login_only=True)
    run_command("sync", "--all-agents")
    simulator.faults.add("TimeAccountingGet:empty:4")
    simulator.faults.add("TimeAccountingGet:empty:5")

    _, out, _ = run_command("sync", "--all-agents", "--json")

    states = [each["state"] for each in json.loads(out)["systems"]]
    assert states == ["failed", "failed", "done", "done"]  # the fourth is root@localhost, whom the tickets have shown


def test_agents_read_before_an_interruption_are_kept(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    for login in ("anna.mueller", "b.schmidt"):
        AgentFactory(system=system, login=login, login_only=True)

    def interrupted(*args: Any, agent: Agent, **options: Any) -> MonthSnapshot:
        if agent.login == "b.schmidt":
            raise KeyboardInterrupt
        return read_window(*args, agent=agent, **options)

    monkeypatch.setattr("tickets.sync.read_window", interrupted)

    assert run_command("sync", "--all-agents") == (1, "", "Interrupted. What had been read by then is kept.")
    assert len(present()) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--agent", "x", "--agent", "anna"], "There is no agent with the login “x”. See manage.py agents list."),
        (["--system", "Z", "--all-agents"], "No agent with a login is known. Add them with manage.py agents import."),
    ],
)
def test_agents_that_are_not_known_are_wrong_use(arguments: list[str], text: str) -> None:
    AgentFactory(login="anna")
    TicketSystemFactory(name="Z")

    assert run_command("sync", *arguments) == (2, "", text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--period", "10/2026"], "“10/2026” is not a month; write it as YYYY-MM, for example 2026-10."),
        (["--system", "X"], "There is no ticket system “X”. See manage.py ticket_system list."),
        ([], "There is no active ticket system. Connect one with manage.py ticket_system add."),
    ],
)
def test_sync_of_nothing_is_wrong_use(arguments: list[str], text: str) -> None:
    assert run_command("sync", *arguments) == (2, "", text)


def test_connection_that_works_is_told(system: TicketSystem, small_data: DataSet) -> None:
    code, out, _ = run_command("check_connection", system.name)

    assert (code, [line[:5] for line in out.splitlines()]) == (0, ["ok   "] * 11)


def test_connection_that_does_not_work_ends_with_1(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("TicketGet:html")

    code, out, _ = run_command("check_connection", system.name)

    assert code == 1
    assert "FAIL  TicketGet: " in out
    assert "        → Check the base URL (it ends before /nph-genericinterface.pl)" in out


def test_operation_that_is_not_needed_does_no_harm(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("TimeAccountingGet:no_permission")

    code, out, _ = run_command("check_connection", system.name)

    assert code == 0
    assert "(no)  TimeAccountingGet: " in out
    assert "Not needed with the chosen source of time." in out


def test_connection_of_an_unknown_system_is_wrong_use() -> None:
    assert run_command("check_connection", "X") == (
        2,
        "",
        "There is no ticket system “X”. See manage.py ticket_system list.",
    )


@pytest.mark.parametrize("name", ["ticket_system", "sync", "check_connection"])
def test_help_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command(name, "--help")

    assert end.value.code == 0
    assert f"Example: manage.py {name}" in " ".join(capsys.readouterr().out.split())
