"""The life of an order, and what else people do on pages: each step leaves its rows."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from audit.models import AuditRow
from billing.models import Order
from billing.order_events import write_events
from billing.units import convert_units, plan_conversion
from common.months import Month
from outofoffice.uploads import upload_file
from portal.tasks import seal_audit_log
from registration.system_steps import keep_texts, retire
from tests.audit.conftest import Rows
from tests.pages.conftest import built_world, now, world  # noqa: F401 - fixtures
from tests.pages.pages import MACHINES, addresses
from tests.pages.world import NOW, World
from tickets.models import TicketSystem
from tickets.outbox import ask_again, put
from tickets.outbox_models import OutboxItem
from tickets.sync import start_sync

pytestmark = pytest.mark.slow

Steps = Callable[[Callable[[], object]], list[AuditRow]]


@pytest.fixture
def step(new_rows: Rows) -> Steps:
    """Do it, and say which rows that has left."""

    def done(action: Callable[[], object]) -> list[AuditRow]:
        before = len(new_rows())
        action()
        return new_rows()[before:]

    return done


def confirmed(client: Client, what: str, order: Order) -> object:
    """First looked at, then done."""
    path = f"/orders/{what}/"
    seen = client.post(path, {"order": order.pk}).context["selection"].fingerprint
    return client.post(path, {"order": order.pk, "seen": seen})


def actions(rows: list[AuditRow]) -> list[tuple[str, str]]:
    return [(row.action, row.actor) for row in rows]


def test_order_is_drafted_approved_returned_issued_and_voided(world: World, step: Steps) -> None:  # noqa: F811
    client, order = world.clients["billing"], world.order

    approved = step(lambda: confirmed(client, "approve", order))
    returned = step(lambda: client.post(f"/orders/{order.pk}/return/", {"reason": "look\r\nagain"}))
    commented = step(lambda: client.post(f"/orders/{order.pk}/comment/", {"text": "so\u202eon"}))
    again = step(lambda: confirmed(client, "approve", order))
    issued = step(lambda: confirmed(client, "issue", order))
    voided = step(lambda: client.post(f"/orders/{order.pk}/void/", {"reason": "wrong"}))

    assert actions(approved) == actions(again) == [("order.approved", "clara")]
    assert actions(returned) == [("order.returned", "clara")]
    assert returned[0].text == r"look\u000d\u000aagain" or returned[0].text == r"look\u000aagain"
    assert actions(commented) == [("order.commented", "clara")]
    assert actions(issued)[0] == ("order.issued", "clara")
    assert actions(voided)[0] == ("order.voided", "clara")
    for row in (*approved, *returned, *issued[:1], *voided[:1]):
        assert (row.object_type, row.object_key, row.object_name) == ("billing.order", str(order.pk), order.number)
        assert row.source.startswith("request ")


def test_every_event_of_an_order_stands_in_the_log_as_well(world: World) -> None:  # noqa: F811
    events = list(Order.objects.get(pk=world.order.pk).events.values_list("kind", flat=True))
    rows = AuditRow.objects.filter(object_type="billing.order", object_key=world.order.pk).order_by("pk")

    assert [row.action for row in rows] == [f"order.{kind}" for kind in events] == ["order.drafted"]


def test_no_events_are_no_statement(world: World, django_assert_num_queries: object) -> None:  # noqa: F811
    with django_assert_num_queries(0):  # type: ignore[operator]
        write_events([])


def test_run_is_started_and_stopped(world: World, step: Steps) -> None:  # noqa: F811
    client = world.clients["billing"]

    started = step(lambda: client.post("/orders/runs/start/", {"period": "2026-09"}))
    run = started[0].object_key
    cancelled = step(lambda: client.post(f"/orders/runs/{run}/cancel/"))

    assert actions(started)[0] == ("run.started", "clara")
    assert actions(cancelled) == [("run.cancelled", "clara")]


def test_month_is_closed_and_opened(world: World, step: Steps) -> None:  # noqa: F811
    closed = step(lambda: call_command("close_month", "2026-01", stdout=StringIO()))
    opened = step(lambda: call_command("close_month", "2026-01", "--reopen", "--reason", "late", stdout=StringIO()))

    assert [row.action for row in (*closed, *opened)] == ["month.closed", "month.reopened"]
    assert {row.actor_kind for row in (*closed, *opened)} == {"command"}
    assert opened[0].text == "late"


def test_minutes_of_a_unit(world: World, step: Steps) -> None:  # noqa: F811
    system = TicketSystem.objects.get(pk=world.system.pk)
    user = User.objects.get(username="dora")
    expected = plan_conversion(system, system.minutes_per_unit * 2).fingerprint

    rows = step(
        lambda: convert_units(system=system, minutes_per_unit=system.minutes_per_unit * 2, user=user, expected=expected)
    )

    assert actions(rows) == [("units.converted", "dora")]
    ((name, before, after),) = rows[0].changes
    assert (name, Decimal(after)) == ("minutes_per_unit", Decimal(before) * 2)


def test_losses_are_accepted_once(world: World, step: Steps) -> None:  # noqa: F811
    user = User.objects.get(username="clara")

    def accept(why: str) -> None:
        start_sync(system=world.system, month=Month.parse("2026-08"), user=user, losses_accepted=why)

    rows = step(lambda: accept("restored"))
    again = step(lambda: accept("restored, too"))
    plain = step(lambda: start_sync(system=world.system, month=Month.parse("2026-07"), user=user))

    assert actions(rows) == actions(again) == [("losses.accepted", "clara")]
    assert rows[0].text == "2026-08: restored"
    assert plain == []


def test_article_is_written_asked_for_again_and_settled(world: World, step: Steps) -> None:  # noqa: F811
    user = User.objects.get(username="clara")
    item = {"kind": "note", "system": world.system, "customer": world.customer, "ticket": world.ticket}

    def ask() -> None:
        put([OutboxItem(**item, key="once", subject="Subject", body=".", started_by=user)])

    written, twice = step(ask), step(ask)
    again = step(lambda: ask_again(world.note))
    client = world.clients["billing"]
    OutboxItem.objects.filter(order_message=world.message).update(
        state="failed", outcome="unknown", upstream_article_id="7", tries=1, sent_at=NOW
    )
    path = f"/orders/{world.order.pk}/messages/{world.message.pk}/settle/"
    settled = step(lambda: client.post(path, {"sent": "yes"}))

    assert actions(written) == [("ticket_system.written", "clara")]
    assert twice == []
    assert [row.action for row in again] == ["ticket_system.asked_again"]
    assert "ticket_system.settled" in [row.action for row in settled]


def test_absences(world: World, step: Steps) -> None:  # noqa: F811
    data = b"UserLogin,StartDate,EndDate,Enabled\na,,,no"

    rows = step(lambda: upload_file(system=world.system, data=data, file_name="a.csv", now=NOW))

    assert [(row.action, row.object_type) for row in rows] == [("absences.uploaded", "outofoffice.upload")]


def test_registered_system_is_edited_and_retired(world: World, step: Steps) -> None:  # noqa: F811
    user, pk = User.objects.get(username="dora"), world.registered.pk
    texts = {"kept_type": "test", "kept_description": "", "user": user, "now": NOW}

    edited = step(lambda: keep_texts(pk, **texts))  # type: ignore[arg-type]
    unchanged = step(lambda: keep_texts(pk, **texts))  # type: ignore[arg-type]
    retired = step(lambda: retire(pk, user=user, now=NOW))

    assert actions(edited) == [("registered_system.edited", "dora")]
    assert unchanged == []
    assert actions(retired) == [("registered_system.retired", "dora")]
    assert retired[0].changes == [["state", "conflict", "retired"]]


def test_every_post_without_its_token_leaves_a_row(world: World, step: Steps) -> None:  # noqa: F811
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="dora"))

    for address in addresses(world):
        if address.posts and address.name not in MACHINES:
            rows = step(lambda path=address.path: client.post(path))  # type: ignore[misc]
            assert [(row.action, row.object_key) for row in rows] == [("access.refused", address.name)], address


def test_reading_every_page_leaves_nothing_but_downloads_and_refusals(world: World, step: Steps) -> None:  # noqa: F811
    client = world.clients["admin"]
    paths = [address.path for address in addresses(world) if not address.posts and address.name != "account_logout"]

    rows = step(lambda: [client.get(path) for path in paths])

    assert {row.action for row in rows} <= {"file.downloaded", "access.refused", "access.not_found"}


def test_rows_are_sealed_by_the_task(world: World) -> None:  # noqa: F811
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        seal_audit_log()

    assert not AuditRow.objects.filter(position=None).exists()
    assert timezone.now() == NOW
