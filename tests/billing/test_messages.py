"""What an issue writes into the ticket system: once, with an outcome that the order tells."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.agreement_copies import copy_agreement
from billing.issuing import issue_orders, void_order
from billing.message_models import OrderMessage
from billing.message_pages import messages_of
from billing.messages import _record, prepare_messages, record_outcomes, send_again, settle_mail, systems_of
from billing.models import Agreement, Export, Order, OrderEvent
from billing.orders import OrdersRefused
from billing.tasks import deliver_messages
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, QUEUES
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.at_once import at_once
from tests.billing.scenes import NOW, bill, issue, read_completely, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, connected
from tests.tickets.outbox import written
from tickets.models import Customer, Ticket, TicketSystem
from tickets.outbox_models import OutboxItem

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
MAIL: dict[str, Any] = {
    "mail_statement": True,
    "statement_to": "Kunde <kunde@kunde10001.test>\nchef@kunde10001.test",
    "statement_queue": "Support",
}
SIGNED = {"statement_sign": "smime", "statement_sign_key": "3b630c80"}


@pytest.fixture
def upstream() -> DataSet:
    morning = datetime(2026, 11, 26, 9)
    return DataSet(agents=AGENTS, queues=QUEUES, customers=CUSTOMERS, customer_users=CUSTOMER_USERS, now=morning)


@pytest.fixture
def simulator(upstream: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(upstream) as running:
        yield running


@pytest.fixture
def helpdesk(db: None, simulator: RunningSimulator) -> TicketSystem:
    system = connected(simulator, name="Helpdesk")
    read_completely(system)
    return system


def customer_with(system: TicketSystem, number: str = "10001", **terms: Any) -> Customer:
    customer: Customer = CustomerFactory(system=system, customer_id=number)
    AgreementFactory(customer=customer, **terms)
    return customer


def both_know(customer: Customer, upstream: DataSet, *minutes: int) -> list[Ticket]:
    """Closed tickets with so many minutes, mirrored with the ids that the ticket system gave them."""
    ids = [upstream.create(title="Printer", customer=customer.customer_id) for _ in minutes]
    return [ticket_of(customer, each, ticket_id=ident) for each, ident in zip(minutes, ids, strict=True)]


def issued(customer: Customer, upstream: DataSet, *minutes: int) -> Order:
    both_know(customer, upstream, *(minutes or (30, 45)))
    bill()
    issue()
    return Order.objects.get(customer=customer)


def told(order: Order) -> list[str]:
    return list(order.events.filter(kind=OrderEvent.Kind.DELIVERED).order_by("pk").values_list("text", flat=True))


def outcomes(order: Order) -> list[str]:
    return sorted(order.messages.values_list("item__outcome", flat=True))


def test_nothing_is_written_as_long_as_nobody_asks(helpdesk: TicketSystem, upstream: DataSet) -> None:
    order = issued(customer_with(helpdesk), upstream)

    assert not OutboxItem.objects.exists()
    assert not messages_of(order)
    assert systems_of([order]) == []


def test_each_ticket_of_an_issued_order_gets_one_internal_note(helpdesk: TicketSystem, upstream: DataSet) -> None:
    order = issued(customer_with(helpdesk, note_on_issue=True, message_language="en"), upstream)
    assert systems_of([order]) == [helpdesk.pk]

    for _ in range(3):
        deliver_messages(helpdesk.pk)

    articles = [article for ticket in upstream.tickets.values() for article in ticket.articles]
    assert [article.subject for article in articles] == [f"Billed in order {order.document_number}."] * 2
    assert {article.visible for article in articles} == {False}
    assert told(order) == ["Notes written on 2 tickets."]
    shown = messages_of(order)
    assert (shown.notes_written, shown.lines) == (2, [])


def test_statement_is_mailed_from_a_closed_ticket_of_its_own(helpdesk: TicketSystem, upstream: DataSet) -> None:
    order = issued(customer_with(helpdesk, message_language="en", **MAIL), upstream)
    assert [line.tone for line in messages_of(order).lines] == [""]

    deliver_messages(helpdesk.pk)

    (sent,) = upstream.mails
    assert sent.to == "Kunde <kunde@kunde10001.test>, chef@kunde10001.test"
    ticket = upstream.ticket(sent.ticket_id)
    attachment = ticket.articles[0].attachments[0]
    kept = Export.objects.get(format="pdf")
    assert (attachment.content, attachment.filename) == (bytes(kept.content), kept.file_name)
    assert (ticket.state.name, ticket.customer_user, ticket.customer_number) == (
        "closed successful", "kunde@kunde10001.test", "10001",
    )  # fmt: skip
    assert ticket.articles[0].subject.endswith(f"Work statement {order.document_number}")
    number = ticket.number
    assert told(order) == [f"Work statement by mail: handed to the ticket system for mailing, ticket {number}."]
    (line,) = messages_of(order).lines
    assert (line.tone, line.name) == ("good", "Work statement by mail")


def test_messages_come_and_go_with_the_issue(helpdesk: TicketSystem, upstream: DataSet) -> None:
    """A second issue is refused, and an issue that fails leaves nothing behind."""
    customer = customer_with(helpdesk, note_on_issue=True, **MAIL)
    order = issued(customer, upstream)
    count = OutboxItem.objects.count()

    with pytest.raises(OrdersRefused):
        issue_orders([order], user=None, now=LATER)
    with pytest.raises(IntegrityError), transaction.atomic():
        prepare_messages([order], user=None, now=LATER)

    assert (count, OutboxItem.objects.count(), OrderMessage.objects.count()) == (3, 3, 3)


@pytest.mark.parametrize("fault", ["drop", "http_500", "lost", "lost_500"])
def test_fault_in_the_middle_writes_nothing_twice_and_the_order_says_what_is_known(
    helpdesk: TicketSystem, simulator: RunningSimulator, upstream: DataSet, fault: str
) -> None:
    order = issued(customer_with(helpdesk, note_on_issue=True, **MAIL), upstream)
    simulator.faults.add(f"TicketCreate:{fault}:1", f"TicketUpdate:{fault}:1")

    deliver_messages(helpdesk.pk)
    first = outcomes(order)
    OutboxItem.objects.filter(look_at__isnull=False).update(look_at=None)
    OutboxItem.objects.update(sent_at=NOW - timedelta(days=30))
    deliver_messages(helpdesk.pk)

    assert first == (["done"] * 3 if fault in ("drop", "http_500") else ["done", "unknown", "unknown"])
    assert outcomes(order) == ["done"] * 3
    assert sorted(written(upstream, item) for item in OutboxItem.objects.all()) == [(0, 1, 0), (0, 1, 0), (1, 1, 1)]
    assert len(told(order)) >= 2


def test_failed_signature_is_told_and_sent_again_from_the_same_ticket(
    helpdesk: TicketSystem, upstream: DataSet
) -> None:
    order = issued(customer_with(helpdesk, **MAIL, **SIGNED), upstream)
    deliver_messages(helpdesk.pk)
    (line,) = messages_of(order).lines
    assert (line.tone, upstream.mails) == ("bad", [])
    assert "nothing was mailed" in line.text

    upstream.mail_keys.add("3b630c80")
    send_again(order.messages.get(), user=None, now=timezone.now())
    with pytest.raises(OrdersRefused):
        deliver_messages(helpdesk.pk) or send_again(order.messages.get(), user=None, now=timezone.now())

    assert written(upstream, order.messages.get().item) == (1, 2, 1)
    assert [text.partition(".")[0] for text in told(order)] == [
        "Work statement by mail: stored, but not mailed",
        "Work statement by mail: asked for again",
        "Work statement by mail: handed to the ticket system for mailing, ticket "
        + order.messages.get().item.upstream_number,
    ]


@pytest.mark.parametrize("was_sent", [True, False])
def test_person_settles_what_became_of_a_signed_mail(
    helpdesk: TicketSystem, simulator: RunningSimulator, upstream: DataSet, was_sent: bool
) -> None:
    upstream.mail_keys.add("3b630c80")
    order = issued(customer_with(helpdesk, **MAIL, **SIGNED), upstream)
    simulator.faults.add("TicketCreate:drop:1")
    deliver_messages(helpdesk.pk)
    (line,) = messages_of(order).lines
    assert (line.tone, line.message.item.waits_for_person) == ("warn", True)
    with pytest.raises(OrdersRefused):
        send_again(line.message, user=None, now=timezone.now())

    settle_mail(line.message, was_sent=was_sent, user=None, now=timezone.now())
    with pytest.raises(OrdersRefused):
        settle_mail(line.message, was_sent=was_sent, user=None, now=timezone.now())
    deliver_messages(helpdesk.pk)

    assert outcomes(order) == ["done"]
    assert len(upstream.mails) == (1 if was_sent else 2)  # the person was wrong, or the stand-in had mailed it
    assert len(told(order)) == (2 if was_sent else 3)


def test_outcomes_are_recorded_once(helpdesk: TicketSystem, upstream: DataSet) -> None:
    order = issued(customer_with(helpdesk, note_on_issue=True), upstream)
    seen_before = list(OrderMessage.objects.select_related("order", "ticket", "item"))
    deliver_messages(helpdesk.pk)

    _record(seen_before)  # another worker, that had looked in the same moment

    assert record_outcomes() == 0
    assert len(told(order)) == 1


def test_one_note_that_fails_is_told_beside_those_that_were_written(helpdesk: TicketSystem, upstream: DataSet) -> None:
    customer = customer_with(helpdesk, note_on_issue=True)
    first, *_others = both_know(customer, upstream, 10, 20, 30)
    bill()
    issue()
    order = Order.objects.get()
    upstream.delete(str(first.ticket_id))

    deliver_messages(helpdesk.pk)

    texts = told(order)
    assert texts[0] == "Notes written on 2 tickets."
    assert texts[1].startswith(f"Note on ticket {first.number}: not written.")
    assert [line.tone for line in messages_of(order).lines] == ["bad"]


def test_void_order_writes_nothing_more(helpdesk: TicketSystem, upstream: DataSet) -> None:
    order = issued(customer_with(helpdesk, note_on_issue=True, **MAIL), upstream)

    void_order(order, reason="wrong", user=None, now=LATER)
    deliver_messages(helpdesk.pk)

    assert outcomes(order) == ["refused"] * 3
    assert upstream.mails == []
    order.refresh_from_db()
    for act in (send_again, lambda message, **more: settle_mail(message, was_sent=False, **more)):
        with pytest.raises(OrdersRefused, match="void"):
            act(order.messages.select_related("order")[0], user=None, now=timezone.now())


def test_issue_with_many_tickets_takes_the_same_number_of_statements(
    helpdesk: TicketSystem, upstream: DataSet, django_assert_max_num_queries: Any
) -> None:
    for number in ("10001", "1000", "0042"):
        both_know(customer_with(helpdesk, number, note_on_issue=True), upstream, *range(1, 21))
    bill()

    with django_assert_max_num_queries(40):
        issue()

    assert OutboxItem.objects.count() == 60


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"statement_to": ""}, "statement_to"),
        ({"statement_to": "x@example.com"}, "statement_to"),
        ({"statement_queue": ""}, "statement_queue"),
        ({"statement_customer_user": "x@example.com"}, "statement_to"),
        ({"statement_sign": "smime"}, "statement_sign_key"),
        ({"statement_crypt_key": "ABC"}, "statement_crypt_key"),
        ({"is_default": True, "customer": None}, "mail_statement"),
    ],
)
def test_agreement_that_could_not_be_mailed_says_why(
    helpdesk: TicketSystem, values: dict[str, Any], field: str
) -> None:
    agreement = customer_with(helpdesk, **MAIL).agreements.get()
    for name, value in values.items():
        setattr(agreement, name, value)

    with pytest.raises(ValidationError) as caught:
        agreement.clean()

    assert field in caught.value.message_dict


@pytest.mark.parametrize(
    "values",
    [
        {"statement_to": ""},
        {"statement_queue": ""},
        {"statement_sign": "smime"},
        {"statement_crypt_key": "ABC"},
    ],
)
def test_database_refuses_such_an_agreement(helpdesk: TicketSystem, values: dict[str, Any]) -> None:
    customer_with(helpdesk, **MAIL)

    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.filter(mail_statement=True).update(**values)


def test_copied_agreement_keeps_what_is_written(helpdesk: TicketSystem) -> None:
    agreement = customer_with(helpdesk, note_on_issue=True, **MAIL, **SIGNED).agreements.get()

    copy = copy_agreement(agreement, Month(2027, 1))

    assert (copy.note_on_issue, copy.statement_to, copy.statement_sign_key) == (True, MAIL["statement_to"], "3b630c80")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_eight_workers_and_eight_clicks_write_once(helpdesk: TicketSystem, upstream: DataSet) -> None:
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    order = issued(customer_with(helpdesk, note_on_issue=True, **MAIL), upstream)

    def press(number: int) -> None:
        with suppress(OrdersRefused):
            send_again(order.messages.select_related("order").order_by("pk")[number % 3], user=None, now=timezone.now())
        deliver_messages(helpdesk.pk)

    at_once(press, workers=8)
    deliver_messages(helpdesk.pk)

    assert outcomes(order) == ["done"] * 3
    assert sorted(written(upstream, item) for item in OutboxItem.objects.all()) == [(0, 1, 0), (0, 1, 0), (1, 1, 1)]
    assert sum(text.startswith("Notes written on") for text in told(order)) <= 2
