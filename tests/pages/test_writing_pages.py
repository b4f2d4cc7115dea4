"""New ticket, add note, and the messages of an order: asked for once, with the outcome on the page."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group

from billing.models import OrderEvent
from billing.tasks import deliver_messages
from portal.roles import ACCOUNT_MANAGER
from tests.pages.pages import inline_parts
from tests.pages.world import HOSTILE, NOW, World
from tickets.models import Ticket
from tickets.outbox_models import OutboxItem
from tickets.tasks import deliver

pytestmark = pytest.mark.django_db
KEY = "6f1c5f5e-5d5b-4a6b-9a39-0c9a4d7f1a11"
NOTE = {"subject": "Called back", "body": "Müller wants it on Monday.", "key": KEY}
TICKET = NOTE | {"queue": "Support", "customer_user": "h.mueller"}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> list[int]:
    """The messages to workers."""
    messages: list[int] = []
    monkeypatch.setattr(deliver, "delay", messages.append)
    monkeypatch.setattr(deliver_messages, "delay", messages.append)
    return messages


def asked() -> list[OutboxItem]:
    return list(OutboxItem.objects.exclude(key__in=["form-note", "form-foreign", "order-note"]))


def test_note_is_asked_for_once_however_often_the_button_is_pressed(world: World) -> None:
    client, path = world.clients["manager"], f"/tickets/{world.ticket.pk}/note/"

    responses = [client.post(path, NOTE) for _ in range(3)]

    (item,) = asked()
    assert {response["Location"] for response in responses} == {f"/tickets/written/{item.pk}/"}
    assert (item.kind, item.ticket, item.customer, item.visible) == ("note", world.ticket, world.customer, False)
    page = client.get(item.get_absolute_url()).content.decode()
    assert "not written yet" in page
    assert item.marker in page
    assert "Called back" in client.get(world.ticket.get_absolute_url()).content.decode()


def test_message_is_sent_when_the_row_is_there(
    world: World, sent: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        world.clients["manager"].post(f"/tickets/{world.ticket.pk}/note/", NOTE)

    assert sent == [world.system.pk]


def test_new_ticket_for_a_customer_begins_with_what_the_latest_ticket_had(world: World) -> None:
    client, path = world.clients["manager"], f"/tickets/new/{world.customer.pk}/"
    Ticket.objects.filter(customer=world.customer).update(customer_user="h.mueller", queue="Vor Ort")

    page = client.get(path).content.decode()
    response = client.post(path, TICKET | {"visible": "on"})

    assert 'value="h.mueller"' in page
    assert 'value="Vor Ort"' in page
    (item,) = asked()
    assert response["Location"] == item.get_absolute_url()
    assert (item.kind, item.title, item.queue, item.customer_user, item.ticket_state, item.visible) == (
        "ticket", "Called back", "Support", "h.mueller", "new", True,
    )  # fmt: skip


def test_key_on_the_page_is_new_each_time(world: World) -> None:
    client, path = world.clients["manager"], f"/tickets/{world.ticket.pk}/note/"

    keys = {re.search(r'name="key" value="([^"]+)"', client.get(path).content.decode())[1] for _ in range(2)}  # type: ignore[index]

    assert len(keys) == 2


def test_customer_is_chosen_among_those_that_the_user_sees(world: World) -> None:
    client = world.clients["manager"]

    page = client.get("/tickets/new/").content.decode()

    assert "Königsbau" in page
    assert "Zebra" not in page
    response = client.get("/tickets/new/", {"customer": world.customer.pk})
    assert response["Location"] == f"/tickets/new/{world.customer.pk}/"
    assert client.get("/tickets/new/", {"customer": world.foreign.pk}).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_stranger_finds_nothing(world: World, method: str) -> None:
    client = world.clients["stranger"]
    paths = [
        f"/tickets/{world.ticket.pk}/note/",
        f"/tickets/new/{world.customer.pk}/",
        f"/tickets/written/{world.note.pk}/" + ("again/" if method == "post" else ""),
    ]

    assert [getattr(client, method)(path, TICKET).status_code for path in paths] == [404] * 3
    assert asked() == []


def test_without_the_permission_nothing_is_written(world: World) -> None:
    Group.objects.get(name=ACCOUNT_MANAGER).permissions.clear()
    client = world.clients["manager"]

    assert client.post(f"/tickets/{world.ticket.pk}/note/", NOTE).status_code == 403
    assert client.post(f"/tickets/new/{world.customer.pk}/", TICKET).status_code == 403
    page = client.get(world.ticket.get_absolute_url()).content.decode()
    assert "/note/" not in page
    assert "Try again" not in client.get(f"/tickets/written/{world.note.pk}/").content.decode()


@pytest.mark.parametrize("key", ["", "x", "1"])
def test_form_without_a_proper_key_writes_nothing(world: World, key: str) -> None:
    response = world.clients["manager"].post(f"/tickets/{world.ticket.pk}/note/", NOTE | {"key": key})

    assert (response.status_code, asked()) == (200, [])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"customer_user": "x@example.com"}, "example"),
        ({"subject": "a\tb"}, "control character"),
        ({"body": ""}, "required"),
    ],
)
def test_what_the_ticket_system_would_refuse_is_said_at_once(world: World, values: dict[str, str], words: str) -> None:
    response = world.clients["manager"].post(f"/tickets/new/{world.customer.pk}/", TICKET | values)

    assert words in response.content.decode()
    assert asked() == []


def test_ticket_without_a_customer_or_an_id_takes_no_note(world: World) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(ticket_id=None)

    assert world.clients["billing"].get(f"/tickets/{world.ticket.pk}/note/").status_code == 404


def test_person_asks_again_for_what_was_refused(world: World) -> None:
    client, path = world.clients["manager"], f"/tickets/written/{world.note.pk}/"
    assert "Try again" in client.get(path).content.decode()

    first = client.post(f"{path}again/", follow=True).content.decode()
    OutboxItem.objects.filter(pk=world.note.pk).update(state="done", outcome="done", tries=1, sent_at=NOW)
    second = client.post(f"{path}again/", follow=True).content.decode()

    assert "looks whether it is there" in first
    assert "written already" in second


def test_message_of_an_order_is_asked_for_again_at_the_order_only(world: World) -> None:
    item = world.message.item

    assert world.clients["billing"].post(f"/tickets/written/{item.pk}/again/").status_code == 404
    page = world.clients["billing"].get(world.order.get_absolute_url()).content.decode()
    assert f"/orders/{world.order.pk}/messages/{world.message.pk}/retry/" in page
    assert HOSTILE not in page
    assert inline_parts(page) == []
    assert "retry/" not in world.clients["manager"].get(world.order.get_absolute_url()).content.decode()


def test_retry_at_the_order_is_written_into_its_history(world: World) -> None:
    client = world.clients["billing"]
    path = f"/orders/{world.order.pk}/messages/{world.message.pk}/retry/"

    first = client.post(path, follow=True).content.decode()
    OutboxItem.objects.filter(pk=world.message.item_id).update(state="done", outcome="done", tries=1, sent_at=NOW)
    second = client.post(path, follow=True).content.decode()

    assert "Noted" in first
    assert "It is written already" in second
    event = world.order.events.get(kind=OrderEvent.Kind.DELIVERED)
    assert event.text == f"Note on ticket {world.ticket.number}: asked for again."
    assert event.user is not None


@pytest.mark.parametrize(("answer", "outcome"), [("yes", "done"), ("no", "unsent"), ("perhaps", "unknown")])
def test_person_says_what_became_of_a_mail(world: World, answer: str, outcome: str) -> None:
    OutboxItem.objects.filter(pk=world.message.item_id).update(
        kind="mail", ticket=None, to="a@kunde.test", outcome="unknown", upstream_article_id="17", tries=1,
        sent_at=NOW,
    )  # fmt: skip
    client = world.clients["billing"]
    assert "The mail was sent" in client.get(world.order.get_absolute_url()).content.decode()

    path = f"/orders/{world.order.pk}/messages/{world.message.pk}/settle/"
    client.post(path, {"sent": answer})

    assert OutboxItem.objects.get(pk=world.message.item_id).outcome == outcome


def test_message_of_another_order_is_not_there(world: World) -> None:
    path = f"/orders/{world.foreign_order.pk}/messages/{world.message.pk}/retry/"

    assert world.clients["billing"].post(path).status_code == 404
