"""The list of agents from a file: whole or not at all, every fault in its row, twice changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from common.csvfiles import GERMAN, PLAIN, Dialect
from tests.at_once import at_once
from tests.commands import run_command
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.tickets.support import NOW
from tickets.agent_file import COLUMNS, read_agent_file
from tickets.agent_list import AgentImport, export_agents, import_agents
from tickets.models import Agent, SyncRun, TicketSystem

pytestmark = pytest.mark.django_db

HEADER = "login;user_id;name;email;departed;account\n"
DRY_RUN_QUERIES = 5  # savepoint, lock, agents, accounts, release
IMPORT_QUERIES = 9  # and agents again, new agents, changed agents, audit log


@pytest.fixture
def system() -> TicketSystem:
    made: TicketSystem = TicketSystemFactory(name="Helpdesk")
    return made


def take_in(system: TicketSystem, text: str, **options: Any) -> AgentImport:
    return import_agents(system=system, data=text.encode(), now=NOW, **options)


def stored() -> list[tuple[Any, ...]]:
    columns = ("login", "user_id", "name", "email", "departed", "account__username")
    return list(Agent.objects.order_by("login", "user_id").values_list(*columns))


def faults(result: AgentImport) -> list[str]:
    return [str(fault) for fault in result.faults]


def test_agents_are_added_with_all_that_the_file_says(system: TicketSystem) -> None:
    User.objects.create_user("anna")

    result = take_in(system, HEADER + "a.mueller;3;Anna Müller;anna@example.org;nein;anna\nbert;;;;YES;\n")

    assert stored() == [
        ("a.mueller", 3, "Anna Müller", "anna@example.org", False, "anna"),
        ("bert", None, "", "", True, None),
    ]
    assert (result.written, [row.effect for row in result.rows]) == (True, ["new", "new"])


def test_german_header_in_any_order_is_understood(system: TicketSystem) -> None:
    take_in(
        system, "E-Mail-Adresse,Vollständiger Name,Benutzer-ID,Benutzername,Ausgeschieden\na@example.org,Ä,3,anna,ja\n"
    )

    assert stored() == [("anna", 3, "Ä", "a@example.org", True, None)]


def test_login_alone_is_enough(system: TicketSystem) -> None:
    take_in(system, "login\nanna\nbert\n")

    assert stored() == [("anna", None, "", "", False, None), ("bert", None, "", "", False, None)]


def test_other_columns_are_named_and_ignored(system: TicketSystem) -> None:
    result = take_in(system, "login;Abteilung;;Telefon\nanna;Support;;0\n")

    assert (result.ignored, stored()) == (("Abteilung", "Telefon"), [("anna", None, "", "", False, None)])


def test_known_agent_is_found_without_case_and_keeps_its_spelling(system: TicketSystem) -> None:
    AgentFactory(system=system, login="Anna.M", user_id=None, name="Anna")

    result = take_in(system, HEADER + "ANNA.m;3;Anna Müller;;;\n")

    assert stored() == [("Anna.M", 3, "Anna Müller", "", False, None)]
    assert result.rows[0].changes == {"user_id": ("", "3"), "name": ("Anna", "Anna Müller")}


def test_empty_cell_leaves_the_value_as_it_is(system: TicketSystem) -> None:
    account = User.objects.create_user("anna")
    AgentFactory(system=system, login="a", user_id=3, name="N", email="a@example.org", departed=True, account=account)
    before = stored()

    result = take_in(system, HEADER + "a;;;;;\n")

    assert (stored(), [row.effect for row in result.rows], result.written) == (before, ["unchanged"], False)


def test_agent_that_is_not_in_the_file_stays(system: TicketSystem) -> None:
    AgentFactory(system=system, login="old", user_id=3)

    take_in(system, "login\nnew\n")

    assert [row[0] for row in stored()] == ["new", "old"]


def test_agents_of_other_systems_are_others(system: TicketSystem) -> None:
    AgentFactory(login="anna", user_id=3, name="Other")

    take_in(system, HEADER + "anna;3;Mine;;;\n")

    assert sorted(row[2] for row in stored()) == ["Mine", "Other"]


def test_import_twice_changes_nothing(system: TicketSystem) -> None:
    text = HEADER + "anna;3;Anna;a@example.org;no;\n"
    take_in(system, text)
    before = stored()

    again = take_in(system, text)

    assert (again.written, stored()) == (False, before)


def test_dry_run_says_the_same_and_writes_nothing(system: TicketSystem) -> None:
    AgentFactory(system=system, login="bert", user_id=4, name="")
    text = HEADER + "anna;3;Anna;;;\nbert;4;Bert;;;\n"

    looked = take_in(system, text, dry_run=True)
    before = stored()
    done = take_in(system, text, seen=looked.seen)

    assert (looked.rows, looked.written, before) == (done.rows, False, [("bert", 4, "", "", False, None)])
    assert [row[2] for row in stored()] == ["Anna", "Bert"]


def test_list_that_changed_since_it_was_looked_at_is_not_written(system: TicketSystem) -> None:
    text = HEADER + "anna;3;Anna;;;\n"
    looked = take_in(system, text, dry_run=True)
    AgentFactory(system=system, login="anna", user_id=3, name="Somebody else")

    result = take_in(system, text, seen=looked.seen)

    assert (result.written, stored()) == (False, [("anna", 3, "Somebody else", "", False, None)])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (";3;;;;", "Line 2, column login: The login is empty, and no agent is known by the UserID 3."),
        (";;Anna;;;", "Line 2, column login: The login is empty."),
        ("a;;;;;\nA;;;;;", "Line 3, column login: The login “A” stands in line 2 already."),
        ("a;3;;;;\n\nb;03;;;;", "Line 4, column user_id: The user_id “3” stands in line 2 already."),
        ("a;4;;;;", "Line 2, column user_id: The UserID 4 belongs to the login “Taken”."),
        (
            "taken;5;;;;",
            "Line 2, column user_id: The login “Taken” has the UserID 4. If that is wrong, change it at the agent.",
        ),
        ("taken;;;;;\n;4;;;;", "Line 3: Line 2 is about this agent already."),
        ("a;0;;;;", "Line 2, column user_id: “0” is not a UserID; it is a whole number from 1 on."),
        ("a;2147483648;;;;", "Line 2, column user_id: “2147483648” is not a UserID; it is a whole number from 1 on."),
        ("a;٣;;;;", "Line 2, column user_id: “٣” is not a UserID; it is a whole number from 1 on."),
        ("a;=1+1;;;;", "Line 2, column user_id: “=1+1” is not a UserID; it is a whole number from 1 on."),
        ("a;;;nobody;;", "Line 2, column email: “nobody” is not an e-mail address."),
        (
            f"a;;;a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20};;",
            "Line 2, column email: Longer than 254 characters.",
        ),
        ("a;;;;perhaps;", "Line 2, column departed: “perhaps” is neither yes nor no."),
        ("a;;;;;ghost", "Line 2, column account: There is no account “ghost” in the portal."),
        (f"{'a' * 201};;;;;", "Line 2, column login: Longer than 200 characters."),
        (f"a;;{'n' * 201};;;", "Line 2, column name: Longer than 200 characters."),
        (f"a;;{'n' * 501};;;", "Line 2, column name: The cell holds 501 characters, more than 500."),
        (
            'a;;"one\ntwo";;;',
            "Line 2, column name: The cell holds a line break or another character that cannot be seen.",
        ),
        (
            "a;;",
            "Line 2: The row has 3 cells, the header has 6. Is a cell that holds a separator quoted?",
        ),
        (
            "a;;;;;;x",
            "Line 2: The row has 7 cells, the header has 6. Is a cell that holds a separator quoted?",
        ),
    ],
)
def test_fault_names_line_and_column_and_nothing_is_written(system: TicketSystem, rows: str, sentence: str) -> None:
    AgentFactory(system=system, login="Taken", user_id=4)
    before = stored()

    result = take_in(system, f"{HEADER}{rows}\n")

    assert (faults(result), stored()) == ([sentence], before)


def test_one_fault_keeps_all_rows_out(system: TicketSystem) -> None:
    result = take_in(system, HEADER + "anna;;;;;\nbert;x;;;;\ncleo;;;;maybe;\n")

    assert [fault.line for fault in result.faults] == [3, 4]
    assert [row.effect for row in result.rows] == ["new", "refused", "refused"]
    assert stored() == []


def test_further_empty_cells_do_no_harm(system: TicketSystem) -> None:
    assert faults(take_in(system, "login;name\nanna;Anna;;;\n")) == []


def test_agent_known_by_its_user_id_gets_its_login(system: TicketSystem) -> None:
    AgentFactory(system=system, login=None, user_id=3)

    result = take_in(system, HEADER + "anna;3;;;;\n")

    assert stored() == [("anna", 3, "", "", False, None)]
    assert result.rows[0].changes == {"login": ("", "anna")}


def test_agent_known_by_its_user_id_alone_may_be_named(system: TicketSystem) -> None:
    AgentFactory(system=system, login=None, user_id=3)

    take_in(system, HEADER + ";3;Anna;;;\n")

    assert stored() == [(None, 3, "Anna", "", False, None)]


def test_login_and_user_id_that_were_two_agents_become_one(system: TicketSystem) -> None:
    account = User.objects.create_user("anna")
    named = AgentFactory(system=system, login="anna", user_id=None)
    numbered = AgentFactory(system=system, login=None, user_id=3, account=account)
    owned = TicketFactory(system=system, owner=named)
    entry = TimeEntryFactory(ticket=owned, agent=numbered)

    result = take_in(system, HEADER + "Anna;3;Anna Müller;;;\n")

    entry.refresh_from_db()
    owned.refresh_from_db()
    assert stored() == [("anna", 3, "Anna Müller", "", False, "anna")]
    assert entry.agent == owned.owner == Agent.objects.get()
    assert (result.rows[0].joins, len(result.changed)) == (True, 1)


def test_readings_of_an_agent_that_becomes_one_with_another_stay(system: TicketSystem) -> None:
    named = AgentFactory(system=system, login="anna", user_id=None)
    numbered = AgentFactory(system=system, login=None, user_id=3)
    TimeEntryFactory(ticket=TicketFactory(system=system), agent=numbered)
    SyncRunFactory(system=system, agent=named)

    take_in(system, HEADER + "anna;3;;;;\n")

    assert SyncRun.objects.get().agent == Agent.objects.get()


@pytest.mark.parametrize("rows", [1, 3, 120])
def test_import_costs_the_same_for_few_and_for_many(
    system: TicketSystem, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    User.objects.create_user("anna")
    for number in range(rows):
        AgentFactory(system=system, login=f"old{number}", user_id=number + 1, name="")
    lines = [f"{kind}{number};;Name;;;anna\n" for kind in ("old", "new") for number in range(rows)]

    with django_assert_num_queries(DRY_RUN_QUERIES):
        take_in(system, HEADER + "".join(lines), dry_run=True)
    with django_assert_num_queries(IMPORT_QUERIES):
        result = take_in(system, HEADER + "".join(lines))

    assert (len(result.added), len(result.changed)) == (rows, rows)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_list_taken_in_at_once_by_several_is_written_once() -> None:
    system = TicketSystemFactory(name="Helpdesk")
    text = HEADER + "".join(f"agent{number};{number + 1};;;;\n" for number in range(200))

    results = at_once(lambda number: take_in(system, text), workers=4)

    assert sorted(result.written for result in results) == [False, False, False, True]
    assert Agent.objects.count() == 200


@pytest.mark.parametrize("dialect", [PLAIN, GERMAN])
def test_export_is_taken_in_again_without_a_change(system: TicketSystem, dialect: Dialect) -> None:
    account = User.objects.create_user("anna@portal")
    AgentFactory(system=system, login="=1+1", user_id=1, name="=cmd|' /C calc'!A0", email="a@example.org")
    AgentFactory(system=system, login="'=anna", user_id=2, name='Größe; "5", so', account=account, departed=True)
    AgentFactory(system=system, login="-b@example.org", user_id=None, name="＋x")
    AgentFactory(system=system, login=None, user_id=7)
    AgentFactory()

    data = export_agents(system, dialect)
    result = import_agents(system=system, data=data, now=NOW)

    assert (faults(result), [row.effect for row in result.rows]) == ([], ["unchanged"] * 4)
    assert b"'=1+1" in data


def test_export_holds_the_columns_of_the_import(system: TicketSystem) -> None:
    AgentFactory(system=system, login="anna", user_id=3, name="Anna", departed=True)

    assert export_agents(system, PLAIN).decode() == "login,user_id,name,email,departed,account\r\nanna,3,Anna,,yes,\r\n"


@given(st.text(st.sampled_from(";,\t\r\n\"'=\0ab3äß\ufeff@."), max_size=80), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_any_text_below_the_header_is_read_or_refused_in_words(text: str, encoding: str) -> None:
    file = read_agent_file((",".join(COLUMNS) + "\n" + text).encode(encoding))

    assert file.lines or file.faults
    assert all(fault.text for fault in file.faults)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "agents.csv"
    path.write_text(HEADER + "anna;3;Anna;;;\n", encoding="utf-8")
    return path


def test_command_takes_a_file_in(system: TicketSystem, listed: Path) -> None:
    code, out, err = run_command("agents", "import", str(listed), "--system", "Helpdesk")

    assert (code, out, err) == (0, "Helpdesk: 1 new, 0 changed, 0 unchanged.\n", "")
    assert stored() == [("anna", 3, "Anna", "", False, None)]


def test_command_shows_what_it_would_do(system: TicketSystem, listed: Path) -> None:
    code, out, err = run_command("agents", "import", str(listed), "--system", "Helpdesk", "--dry-run")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Line 2: anna: new",
        "Helpdesk: 1 new, 0 changed, 0 unchanged.",
        "Dry run: nothing was written.",
    ]
    assert stored() == []


def test_command_gives_one_document(system: TicketSystem, listed: Path) -> None:
    AgentFactory(system=system, login="anna", user_id=3, name="")

    code, out, err = run_command("agents", "import", str(listed), "--system", "Helpdesk", "--json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "system": "Helpdesk",
        "dry_run": False,
        "written": True,
        "new": 0,
        "changed": 1,
        "unchanged": 0,
        "refused": 0,
        "ignored_columns": [],
        "errors": [],
        "rows": [{"line": 2, "login": "anna", "effect": "changed", "changes": {"name": ["", "Anna"]}}],
    }


def test_command_with_a_file_that_has_faults_ends_with_1(system: TicketSystem, tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text("login;user_id;Tel\nanna;x;1\n", encoding="utf-8")

    code, out, err = run_command("agents", "import", str(path), "--system", "Helpdesk")
    document = run_command("agents", "import", str(path), "--system", "Helpdesk", "--json")

    sentence = "Line 2, column user_id: “x” is not a UserID; it is a whole number from 1 on."
    assert (code, err) == (1, f"{sentence}\nHelpdesk: nothing was imported. Faults in the file: 1.\n")
    assert out == "Columns that are ignored: Tel.\n"
    assert (document[0], document[2], json.loads(document[1])["errors"]) == (
        1,
        "",
        [{"line": 2, "column": "user_id", "text": "“x” is not a UserID; it is a whole number from 1 on."}],
    )
    assert stored() == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["import", "nothing.csv", "--system", "Helpdesk"],
            "The file nothing.csv cannot be read: No such file or directory.",
        ),
        (["import", ".", "--system", "Helpdesk"], "The file . cannot be read: Is a directory."),
        (["import", "{file}", "--system", "X"], "There is no ticket system “X”. See manage.py ticket_system list."),
        (["list", "--system", "X"], "There is no ticket system “X”. See manage.py ticket_system list."),
    ],
)
def test_command_that_cannot_begin_is_wrong_use(
    system: TicketSystem, listed: Path, arguments: list[str], sentence: str
) -> None:
    filled = [each.format(file=listed) for each in arguments]

    assert run_command("agents", *filled) == (2, "", sentence)


def test_command_lists_agents(system: TicketSystem) -> None:
    account = User.objects.create_user("anna")
    AgentFactory(system=system, login="anna", user_id=3, name="Anna", account=account)
    AgentFactory(system=system, login=None, user_id=4, departed=True)
    AgentFactory(login="other")

    code, out, _ = run_command("agents", "list", "--system", "Helpdesk")
    document = json.loads(run_command("agents", "list", "--system", "Helpdesk", "--json")[1])

    assert (code, out) == (0, "Helpdesk: anna, UserID 3, Anna, account anna\nHelpdesk: UserID 4 (departed)\n")
    assert document[0] == {
        "system": "Helpdesk",
        "login": "anna",
        "user_id": 3,
        "name": "Anna",
        "email": "",
        "departed": False,
        "account": "anna",
    }
    assert len(document) == 2


def test_command_lists_agents_of_all_systems(system: TicketSystem) -> None:
    AgentFactory(login="other")

    assert len(json.loads(run_command("agents", "list", "--json")[1])) == 1
    assert run_command("agents", "list", "--system", "Helpdesk") == (0, "No agent is known yet.\n", "")


def test_command_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("agents", "--help")

    assert end.value.code == 0
    assert "Example: manage.py agents import" in " ".join(capsys.readouterr().out.split())
