"""The checklist of a new portal: what is done is asked of the database, and who may do the rest."""

from django.contrib.auth.models import User
from django.test import Client

from billing.handover import record_export
from portal.models import HiddenPart
from portal.roles import ADMINISTRATOR, BILLING
from tests.billing.scenes import issue
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import NOW, World, account, signed_in
from tickets.models import TicketSystem


def done(client: Client) -> list[bool]:
    return [task.done for task in client.get("/").context["checklist"].tasks]


def test_administrator_is_led_to_where_it_is_done(db: None) -> None:
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    tasks = client.get("/").context["checklist"].tasks

    assert [task.url for task in tasks] == [
        "/admin/tickets/ticketsystem/add/",
        "/admin/tickets/ticketsystem/",
        "/admin/tickets/agent/",
        "/tickets/readings/",
        "/admin/billing/agreement/",
        "/orders/",
        "/orders/",
    ]
    assert all(client.get(task.url).status_code == 200 for task in tasks)
    assert done(client) == [False] * 7


def test_a_lone_ticket_system_is_checked_without_being_chosen(db: None) -> None:
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))
    first = TicketSystemFactory()

    assert client.get("/").context["checklist"].tasks[1].url == f"/admin/tickets/ticketsystem/{first.pk}/check/"

    TicketSystemFactory()
    assert client.get("/").context["checklist"].tasks[1].url == "/admin/tickets/ticketsystem/"


def test_nothing_is_said_to_be_done_while_first_steps_are_open(db: None) -> None:
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    assert "Nothing needs you." not in client.get("/").content.decode()

    client.post("/first-steps/hide/")
    assert "Nothing needs you." in client.get("/").content.decode()


def test_others_are_told_who_does_it(db: None) -> None:
    client = signed_in(account("clara", BILLING))

    tasks = client.get("/").context["checklist"].tasks

    assert [bool(task.url) for task in tasks] == [False, False, False, True, False, True, True]
    assert "An administrator does this." in client.get("/").content.decode()


def test_each_step_is_done_when_the_database_says_so(db: None) -> None:
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))
    run = SyncRunFactory(failed=True)
    assert done(client) == [True, False, False, False, False, False, False]

    TicketSystem.objects.update(checked_at=NOW)
    AgentFactory(system=run.system)
    assert done(client) == [True, True, True, False, False, False, False]

    SyncRunFactory(system=run.system, complete_run=True)
    assert done(client) == [True, True, True, True, False, False, False]


def test_list_is_gone_when_all_is_done(world: World) -> None:
    client = world.clients["admin"]
    AgentFactory(system=world.system)
    assert done(client) == [True] * 6 + [False]

    record_export("kivitendo", issue(NOW), b"kept", "kept.csv", None, NOW)

    assert client.get("/").context["checklist"] is None
    assert "First steps" not in client.get("/").content.decode()


def test_account_managers_have_no_list(world: World) -> None:
    assert world.clients["manager"].get("/").context["checklist"] is None


def test_list_is_hidden_from_one_person_and_shown_again(world: World) -> None:
    client = world.clients["admin"]

    for _time in range(2):
        client.post("/first-steps/hide/")
    hidden, other = client.get("/").content.decode(), world.clients["billing"].get("/").content.decode()
    assert HiddenPart.objects.get().user == User.objects.get(username="dora")
    client.post("/first-steps/hide/", {"show": "1"})

    assert "Hide the first steps" not in hidden
    assert "Show the first steps, 1 of them open" in hidden
    assert "Hide the first steps" in other
    assert "Hide the first steps" in client.get("/").content.decode()
