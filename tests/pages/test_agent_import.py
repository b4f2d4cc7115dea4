"""The list of agents as a file in the set-up pages: looked at first, written only when all of it is clean."""

import io
import re
import zipfile
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories.tickets import AgentFactory, TicketSystemFactory
from tests.pages.pages import inline_parts
from tests.pages.world import World, signed_in
from tickets.agent_forms import as_content
from tickets.models import Agent

PAGE = "/admin/tickets/agent/import/"
HEADER = "login;user_id;name;email;departed;account\n"
QUERIES = 12


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["admin"]


def stored() -> list[tuple[Any, ...]]:
    columns = ("pk", "system", "login", "user_id", "name", "email", "departed", "account")
    return list(Agent.objects.order_by("pk").values_list(*columns))


def upload(client: Client, world: World, data: bytes | str, name: str = "agents.csv", **options: Any) -> Any:
    content = data.encode() if isinstance(data, str) else data
    return client.post(PAGE, {"system": world.system.pk, "file": SimpleUploadedFile(name, content)}, **options)


def hidden_fields(html: str) -> dict[str, str]:
    """Of the form that confirms."""
    return dict(re.findall(r'<input type="hidden" name="(system|content|seen)" value="([^"]*)">', html))


def flat(response: Any) -> str:
    return unescape(" ".join(response.content.decode().split()))


def workbook() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def test_file_is_looked_at_first_and_written_on_confirmation(world: World, client: Client) -> None:
    AgentFactory(system=world.system, login="bert", user_id=41, name="Old")
    before = stored()

    looked = upload(client, world, HEADER + "anna;40;Anna Müller;;;\nBERT;41;Bert;;;\n")
    unwritten = stored()
    done = client.post(PAGE, hidden_fields(looked.content.decode()))

    assert "Nothing is imported yet. Check what will happen." in flat(looked)
    assert "1 new, 1 changed, 0 unchanged." in flat(looked)
    assert "before: Old" in flat(looked)
    assert unwritten == before
    assert (done.status_code, done["Location"]) == (302, "/admin/tickets/agent/")
    assert [str(message) for message in get_messages(done.wsgi_request)] == ["1 new, 1 changed, 0 unchanged."]
    assert list(Agent.objects.filter(user_id__in=[40, 41]).order_by("user_id").values_list("login", "name")) == [
        ("anna", "Anna Müller"),
        ("bert", "Bert"),
    ]


def test_import_stands_in_the_history_of_each_agent(world: World, client: Client) -> None:
    agent = AgentFactory(system=world.system, login="bert", name="Old")

    client.post(PAGE, hidden_fields(upload(client, world, "login,name\nanna,Anna\nbert,Bert\n").content.decode()))

    entries = LogEntry.objects.order_by("action_flag").values_list("object_id", "action_flag", "user__username")
    assert list(entries) == [(str(Agent.objects.get(login="anna").pk), 1, "dora"), (str(agent.pk), 2, "dora")]
    assert "Imported from CSV." in flat(client.get(f"/admin/tickets/agent/{agent.pk}/history/"))


def test_fault_stands_in_its_row_and_nothing_can_be_confirmed(world: World, client: Client) -> None:
    before = stored()

    response = upload(client, world, HEADER + "anna;x;;;;\nbert;;;;;\n")

    html = flat(response)
    assert "Nothing was imported: there is 1 fault in the file." in html
    assert '<th scope="row">2</th>' in html
    assert '<td> x <ul class="errorlist"> <li>“x” is not a UserID; it is a whole number from 1 on.</li>' in html
    assert "bert" not in html
    assert hidden_fields(response.content.decode()) == {}
    assert stored() == before


def test_list_that_changed_meanwhile_is_shown_again(world: World, client: Client) -> None:
    agent = AgentFactory(system=world.system, login="bert", name="Old")
    fields = hidden_fields(upload(client, world, "login,name\nbert,Bert\n").content.decode())
    Agent.objects.filter(pk=agent.pk).update(name="Older")

    response = client.post(PAGE, fields)

    agent.refresh_from_db()
    assert "The list has changed since you looked at it. Nothing was imported; look again." in flat(response)
    assert agent.name == "Older"
    assert client.post(PAGE, hidden_fields(response.content.decode())).status_code == 302


def test_login_that_was_taken_meanwhile_is_a_fault_at_confirmation(world: World, client: Client) -> None:
    fields = hidden_fields(upload(client, world, HEADER + "anna;40;;;;\n").content.decode())
    AgentFactory(system=world.system, login="bert", user_id=40)
    before = stored()

    response = client.post(PAGE, fields)

    assert "The UserID 40 belongs to the login “bert”." in flat(response)
    assert stored() == before


def test_list_that_holds_it_all_already_offers_nothing(world: World, client: Client) -> None:
    AgentFactory(system=world.system, login="bert", name="Bert")

    html = upload(client, world, "login,name\nbert,Bert\n").content.decode()

    assert "There is nothing to import." in html
    assert hidden_fields(html) == {}


def test_pressing_the_button_twice_writes_once(world: World, client: Client) -> None:
    fields = hidden_fields(upload(client, world, "login\nanna\n").content.decode())

    first, second = client.post(PAGE, fields), client.post(PAGE, fields)

    assert (first.status_code, second.status_code) == (302, 200)
    assert Agent.objects.filter(login="anna").count() == 1


def test_largest_file_comes_back_whole(world: World, client: Client) -> None:
    rows = "".join(f"agent{number:04};;{'ä' * 94}\n" for number in range(4990))
    data = f"login;user_id;name\n{rows}".encode()

    fields = hidden_fields(upload(client, world, data).content.decode())
    response = client.post(PAGE, fields)

    assert 990_000 < len(data) <= 1_000_000
    assert response.status_code == 302
    assert Agent.objects.filter(name="ä" * 94).count() == 4990


def test_preview_is_cut_and_says_so(world: World, client: Client) -> None:
    html = upload(client, world, "login\n" + "".join(f"somebody{number}\n" for number in range(203))).content.decode()

    assert "3 more rows are not shown." in html
    assert html.count('<th scope="row">') == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_preview_costs_the_same_for_few_and_for_many(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    with django_assert_num_queries(QUERIES):
        upload(client, world, "login\n" + "".join(f"somebody{number}\n" for number in range(rows)))


HOSTILE_FILES = {
    "empty": b"",
    "byte order mark only": b"\xef\xbb\xbf",
    "blank lines": b"\n\r\n  \n",
    "separators only": b";;;\n;;;\n",
    "header only": HEADER.encode(),
    "separator line only": b"sep=;\n",
    "utf-16 with mark": (HEADER + "anna;;;;;\n").encode("utf-16"),
    "utf-16 without mark": (HEADER + "anna;;;;;\n").encode("utf-16-le"),
    "utf-32": (HEADER + "anna;;;;;\n").encode("utf-32"),
    "nul": b"login\nan\0na\n",
    "nul in the header": b"lo\0gin\nanna\n",
    "unclosed quote": b'login\n"anna\nbert\n',
    "text behind a quote": b'login\n"anna"x\n',
    "quote that swallows the file": b'login;"user_id\nanna;1\n' * 3,
    "header twice": b"login;login\nanna;bert\n",
    "header twice in two languages": b"login;Benutzername\nanna;bert\n",
    "two tables": b"login;name\nanna;Anna\nlogin;user_id;name\nbert;1;Bert\n",
    "no header": b"anna;3;Anna;;;\nbert;4;Bert;;;\n",
    "login column missing": b"user_id;name\n3;Anna\n",
    "header with a typing error": b"lgoin;name\nanna;Anna\n",
    "huge cell": b"login;name\nanna;" + b"x" * 501 + b"\n",
    "cell beyond the reader": b'login;name\nanna;"' + b"x" * 200_000 + b'"\n',
    "one endless line": b"x" * 999_999,
    "too large": b"login\n" + b"x\n" * 500_000,
    "too many rows": b"login\n" + b"".join(b"a%d\n" % number for number in range(5001)),
    "too many columns": b"login" + b";x" * 50 + b"\nanna" + b";" * 50 + b"\n",
    "row too short": b"login;name;email\nanna;Anna\n",
    "row too long": b"login;name\nanna;Anna;a@example.org\n",
    "separator in an unquoted cell": b"login,name\nanna,Mueller, Anna\n",
    "workbook renamed": workbook(),
    "old workbook renamed": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600,
    "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "html": b"<html><script>alert(1)</script></html>",
    "json": b'[{"login": "anna"}]',
    "bytes of no encoding": b"login\nann\x81\n",
    "two encodings mixed": "login;name\nanna;Änne\n".encode() + b"bert;\xc4nne\n",
    "utf-8 cut in a letter": "login;name\nanna;Änne\nbert;Ä".encode()[:-1],
    "login twice": b"login\nanna\nbert\nANNA\n",
    "login that differs in folding only": "login\nstrauß\nSTRAUSS\n".encode(),
    "user id twice": b"login;user_id\nanna;3\nbert;3\n",
    "user id of another login": b"login;user_id\nanna;77\n",
    "user id as a formula": b"login;user_id\nanna;=1+1\n",
    "user id as a decimal": b"login;user_id\nanna;3.0\n",
    "user id negative": b"login;user_id\nanna;-3\n",
    "user id in other digits": "login;user_id\nanna;٣\n".encode(),
    "user id too large": b"login;user_id\nanna;99999999999999999999\n",
    "login empty": b"login;name\n;Anna\n",
    "login of blanks": "login;name\n \u00a0 ;Anna\n".encode(),
    "login too long": b"login\n" + b"x" * 201 + b"\n",
    "login with a line break": b'login\n"an\nna"\n',
    "login with an escape": b"login\nan\x1bna\n",
    "account unknown": b"login;account\nanna;ghost\n",
    "account as an injection": b"login;account\nanna;' OR 1=1 --\n",
    "departed is neither": b"login;departed\nanna;perhaps\n",
    "e-mail is none": b"login;email\nanna;anna at example\n",
    "e-mail with a header": b'login;email\nanna;"a@example.org\nBcc: b@example.org"\n',
    "clean rows before a bad one": HEADER.encode() + b"a;;;;;\nb;;;;;\nc;;;;;\nd;x;;;;\n",
}


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_hostile_file_is_refused_in_words_and_writes_nothing(world: World, client: Client, name: str) -> None:
    AgentFactory(system=world.system, login="taken", user_id=77)
    before, data = stored(), HOSTILE_FILES[name]

    looked = upload(client, world, data)
    confirmed = client.post(PAGE, {"system": world.system.pk, "content": as_content(data), "seen": "x" * 64})

    assert (looked.status_code, confirmed.status_code) == (200, 200)
    assert 'role="alert"' in looked.content.decode()
    assert 'class="errorlist' in looked.content.decode()
    assert hidden_fields(looked.content.decode()) == {}
    assert stored() == before


def test_hostile_text_is_shown_and_never_runs(world: World, client: Client) -> None:
    hostile = '"=1+1 <svg onload=alert(1)> ""x"" & \'y\'"'

    html = upload(client, world, f"login;name;{hostile}\nanna;{hostile};\nbert;{hostile};\n").content.decode()

    assert "<svg onload=" not in html
    assert html.count("&lt;svg onload=alert(1)&gt;") == 3
    assert inline_parts(html) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose a file."),
        ({"content": "not base64 §"}, "The file did not come back whole. Choose it again."),
        ({"content": "AAA"}, "The file did not come back whole. Choose it again."),
        ({"content": "AAAA\0"}, "Null characters are not allowed."),
        ({"content": as_content(b"login\nanna\n"), "system": "999"}, "Select a valid choice."),
        ({"content": as_content(b"login\nanna\n"), "system": "x"}, "Select a valid choice."),
        ({"content": as_content(b"login\nanna\n"), "seen": "forged"}, "The list has changed since you looked at it."),
    ],
)
def test_form_that_was_tampered_with_writes_nothing(
    world: World, client: Client, fields: dict[str, str], sentence: str
) -> None:
    before = stored()

    response = client.post(PAGE, {"system": world.system.pk} | fields)

    assert (response.status_code, stored()) == (200, before)
    assert sentence in flat(response)


@pytest.mark.parametrize("language", ["en", "de"])
def test_template_and_export_fit_the_import(world: World, client: Client, language: str) -> None:
    AgentFactory(system=world.system, login="=1+1", user_id=88, name="@SUM(A1)", email="a@example.org", departed=True)
    AgentFactory(system=world.system, login=None, user_id=89, account=User.objects.get(username="anna"))
    before, accepts = stored(), {"accept-language": language}

    template = client.get(f"{PAGE}template/", headers=accepts)
    export = client.get(f"/admin/tickets/agent/export/{world.system.pk}/", headers=accepts)
    again = upload(client, world, export.content)

    assert template.content.decode("utf-8-sig").strip().replace(";", ",") == "login,user_id,name,email,departed,account"
    assert (template["Content-Type"], template["X-Content-Type-Options"]) == ("text/csv; charset=utf-8", "nosniff")
    assert "Helpdesk" in export["Content-Disposition"]
    assert b"'=1+1" in export.content
    assert "There is nothing to import." in again.content.decode()
    assert stored() == before


def test_page_leads_to_template_and_exports_of_all_systems(world: World, client: Client) -> None:
    other = TicketSystemFactory(name="Second")

    html = client.get(PAGE).content.decode()
    listed = client.get("/admin/tickets/agent/").content.decode()

    assert f'href="{PAGE}template/"' in html
    assert f'href="/admin/tickets/agent/export/{world.system.pk}/"' in html
    assert f'href="/admin/tickets/agent/export/{other.pk}/"' in html
    assert f'href="{PAGE}"' in listed
    assert inline_parts(html) == []


def test_export_of_no_system_is_not_there(client: Client) -> None:
    assert client.get("/admin/tickets/agent/export/999/").status_code == 404


@pytest.mark.parametrize("codenames", [["view_agent"], ["view_agent", "change_agent"], ["add_agent"]])
def test_import_and_files_are_for_those_who_may_change_agents(world: World, codenames: list[str]) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client, before = signed_in(user), stored()

    asked = [
        client.get(path).status_code
        for path in (PAGE, f"{PAGE}template/", f"/admin/tickets/agent/export/{world.system.pk}/")
    ]
    sent = upload(client, world, "login\nanna\n").status_code

    assert (asked, sent, stored()) == ([403, 403, 403], 403, before)


@pytest.mark.parametrize("role", ["anonymous", "manager", "billing"])
def test_other_roles_do_not_reach_the_import(world: World, role: str) -> None:
    before = stored()

    response = upload(world.clients[role], world, "login\nanna\n")

    assert (response.status_code in (302, 403), stored()) == (True, before)


def test_import_without_its_token_is_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="dora"))

    assert upload(client, world, "login\nanna\n").status_code == 403


def test_agent_is_given_an_account_and_found_by_it(world: World, client: Client) -> None:
    agent = AgentFactory(system=world.system, login="bert", user_id=41, name="Bert")
    anna = User.objects.get(username="anna")
    fields = {"system": world.system.pk, "login": "bert", "user_id": "41", "name": "Bert", "account": anna.pk}

    client.post(f"/admin/tickets/agent/{agent.pk}/change/", fields)

    with_account = client.get("/admin/tickets/agent/?with_account=yes").content.decode()
    without = client.get("/admin/tickets/agent/?with_account=no").content.decode()
    assert Agent.objects.get(account=anna) == agent
    assert (">Bert<" in with_account, ">Bert<" in without) == (True, False)
    assert (">Zebra agent<" in with_account, ">Zebra agent<" in without) == (False, True)
    assert ">Bert<" in client.get("/admin/tickets/agent/?with_account=perhaps", follow=True).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"login": "BERT"}, "An agent of this ticket system has this login already."),
        ({"login": ""}, "Enter the login, the UserID or both."),
        ({"user_id": "41", "login": "x"}, "already exists"),
    ],
)
def test_agent_that_cannot_be_is_refused(world: World, client: Client, fields: dict[str, str], sentence: str) -> None:
    AgentFactory(system=world.system, login="bert", user_id=41)
    before = stored()

    response = client.post("/admin/tickets/agent/add/", {"system": world.system.pk} | fields)

    assert sentence in flat(response)
    assert stored() == before


def test_agent_that_is_saved_again_is_not_its_own_double(world: World, client: Client) -> None:
    agent = AgentFactory(system=world.system, login="bert", user_id=41)
    fields = {"system": world.system.pk, "login": "Bert", "user_id": "41", "name": "Bert"}

    assert client.post(f"/admin/tickets/agent/{agent.pk}/change/", fields).status_code == 302
