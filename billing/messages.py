"""What an order says to the ticket system when it is issued: a note on each of its tickets, the work statement by mail.

Where the agreement wants it, the issue itself puts them into the outbox, in its own transaction; so a second issue, a
second click or a second message cannot make a second note or mail. What became of them stands in the order's history.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.message_models import OrderMessage
from billing.models import Order, OrderEvent, OrderPosition
from billing.orders import OrdersRefused, record
from billing.statement_files import CONTENT_TYPE, statement_file
from common.jobs import Job
from common.months import Month
from common.templatetags.formats import month_label
from generic_interface.mailing import bare_address
from tickets.models import AnyUser, Ticket
from tickets.outbox import ask_again, settle
from tickets.outbox_models import OutboxItem

STATE_OF_STATEMENT_TICKET = "closed successful"
ENDED = (Job.State.DONE, Job.State.FAILED)


def prepare_messages(orders: Sequence[Order], *, user: AnyUser | None, now: datetime) -> list[OrderMessage]:
    """Put what the agreements of these orders want into the outbox; they have been issued in this transaction."""
    wanted = _notes([order for order in orders if order.agreement.note_on_issue])
    wanted += [_statement(order, user=user, now=now) for order in orders if order.agreement.mail_statement]
    for message in wanted:
        message.item.started_by_id = user.pk if user else None
    OutboxItem.objects.bulk_create([message.item for message in wanted])
    return OrderMessage.objects.bulk_create(wanted)


def systems_of(orders: Iterable[Order]) -> list[int]:
    """The ticket systems, by key, that have something to hear of these orders."""
    found = OrderMessage.objects.filter(order__in=list(orders), item__state=Job.State.QUEUED)
    return sorted(set(found.order_by().values_list("item__system", flat=True)))


def _notes(orders: Sequence[Order]) -> list[OrderMessage]:
    """Two queries, however many orders and tickets there are."""
    by_key = {order.pk: order for order in orders}
    of_orders = OrderPosition.objects.filter(order__in=by_key, ticket__isnull=False).order_by("order", "ticket")
    pairs = list(of_orders.values_list("order", "ticket").distinct())
    tickets = Ticket.objects.in_bulk({ticket for _order, ticket in pairs})
    return [_note(by_key[order], tickets[ticket]) for order, ticket in pairs]


def _note(order: Order, ticket: Ticket) -> OrderMessage:
    with translation.override(order.agreement.message_language):
        text = _("Billed in order %(number)s.") % {"number": order.document_number}
    return OrderMessage(order=order, ticket=ticket, item=_item(order, f"note-{ticket.pk}", text, text, ticket=ticket))


def _statement(order: Order, *, user: AnyUser | None, now: datetime) -> OrderMessage:
    terms = order.agreement
    file = statement_file(order, language=terms.message_language, user=user, now=now)
    with translation.override(terms.message_language):
        title = _("Work statement %(number)s") % {"number": order.document_number}
        text = _("Attached is the work statement %(number)s for %(month)s.")
        body = text % {"number": order.document_number, "month": month_label(Month.of(order.month))}
    item = _item(
        order,
        "statement",
        title,
        body,
        kind=OutboxItem.Kind.MAIL,
        title=title,
        queue=terms.statement_queue,
        ticket_state=STATE_OF_STATEMENT_TICKET,
        customer_user=terms.statement_customer_user or bare_address(terms.recipients[0]),
        to=terms.statement_to,
        sign=terms.statement_sign,
        sign_key=terms.statement_sign_key,
        crypt=terms.statement_crypt,
        crypt_key=terms.statement_crypt_key,
        visible=True,
        file_name=file.file_name,
        content_type=CONTENT_TYPE,
        content=file.content,
    )
    return OrderMessage(order=order, item=item)


def _item(order: Order, what: str, subject: str, body: str, **values: object) -> OutboxItem:
    given = {"kind": OutboxItem.Kind.NOTE, "system": order.customer.system, "customer": order.customer}
    return OutboxItem(**given | {"key": f"order-{order.pk}-{what}", "subject": subject, "body": body} | values)


def withdraw_messages(order: Order, *, now: datetime) -> None:
    """What nobody has begun to write of an order that is void now is not written any more."""
    text = _("The order was voided before this was written.")
    waiting = OutboxItem.objects.filter(
        order_message__order=order, state=Job.State.QUEUED, outcome=OutboxItem.Outcome.WAITING
    )
    waiting.update(
        state=Job.State.FAILED, outcome=OutboxItem.Outcome.REFUSED, outcome_text=text, error=text, finished_at=now
    )


@transaction.atomic
def send_again(message: OrderMessage, *, user: AnyUser | None, now: datetime) -> None:
    """Have it written if it is not there; raises ``OrdersRefused`` where it is, or where a person has to look first."""
    if message.order.state == Order.State.VOID:
        raise OrdersRefused([_("The order is void; nothing more is written of it.")])
    if not ask_again(message.item):
        raise OrdersRefused([_("It is written already, being written, or somebody has to look at the mail first.")])
    text = _("%(what)s: asked for again.") % {"what": name_of(message)}
    record([message.order], OrderEvent.Kind.DELIVERED, user=user, now=now, text=text)


@transaction.atomic
def settle_mail(message: OrderMessage, *, was_sent: bool, user: AnyUser | None, now: datetime) -> None:
    """Write down what a person saw of a mail in doubt; one that did not leave is sent. Raises ``OrdersRefused``."""
    if not was_sent and message.order.state == Order.State.VOID:
        raise OrdersRefused([_("The order is void; nothing more is written of it.")])
    if not settle(message.item, was_sent=was_sent, now=now):
        raise OrdersRefused([_("That is settled already.")])
    text = _("%(what)s: was mailed, as a person has seen.") if was_sent else _("%(what)s: was not mailed; it is sent.")
    text = text % {"what": name_of(message)}
    OrderMessage.objects.filter(pk=message.pk).update(told_at=now)
    record([message.order], OrderEvent.Kind.DELIVERED, user=user, now=now, text=text)


def name_of(message: OrderMessage) -> str:
    """As the page and the history call it."""
    if message.ticket is None:
        return _("Work statement by mail")
    return _("Note on ticket %(number)s") % {"number": message.ticket.number}


def record_outcomes() -> int:
    """Write into the histories what became of messages since; called twice, it writes once. Returns how many."""
    ended = Q(told_at__isnull=True) | Q(told_at__lt=F("item__finished_at"))
    found = OrderMessage.objects.filter(ended, item__state__in=ENDED, item__finished_at__isnull=False)
    by_order: defaultdict[int, list[OrderMessage]] = defaultdict(list)
    for message in found.select_related("order", "ticket", "item").defer("item__content"):
        by_order[message.order_id].append(message)
    for messages in by_order.values():
        _record(messages)
    return sum(map(len, by_order.values()))


@transaction.atomic
def _record(messages: Sequence[OrderMessage]) -> None:
    """One event for all the notes of an order that were written, one for each thing that was not."""
    mine = []
    for message in messages:
        same = OrderMessage.objects.filter(pk=message.pk, told_at=message.told_at)
        if same.update(told_at=message.item.finished_at):
            mine.append(message)
    notes = [message for message in mine if message.ticket and message.item.outcome == OutboxItem.Outcome.DONE]
    if notes:
        text = ngettext("Note written on %(count)d ticket.", "Notes written on %(count)d tickets.", len(notes))
        _tell(notes[-1], text % {"count": len(notes)})
    for message in mine:
        if message not in notes:
            _tell(message, f"{name_of(message)}: {outcome_of(message.item)} {message.item.outcome_text}".strip())


def outcome_of(item: OutboxItem) -> str:
    """In words."""
    if item.kind == OutboxItem.Kind.MAIL and item.outcome == OutboxItem.Outcome.DONE:
        return _("handed to the ticket system for mailing, ticket %(number)s.") % {"number": item.upstream_number}
    return f"{item.get_outcome_display()}."


def _tell(message: OrderMessage, text: str) -> None:
    ended = message.item.finished_at or message.item.created_at
    record([message.order], OrderEvent.Kind.DELIVERED, user=None, now=ended, text=text)
