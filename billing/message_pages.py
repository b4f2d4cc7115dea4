"""What the page of an order shows of the notes and the mail that it asked the ticket system for."""

from dataclasses import dataclass

from billing.message_models import OrderMessage
from billing.messages import name_of, outcome_of
from billing.models import Order
from tickets.outbox_models import OutboxItem


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """One message; ``tone`` is that of its mark: good, bad, warn or none while it waits."""

    message: OrderMessage
    name: str
    tone: str
    outcome: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessages:
    """The mail and every note that is not written yet, and how many notes are."""

    lines: list[ShownMessage]
    notes_written: int

    def __bool__(self) -> bool:
        return bool(self.lines or self.notes_written)


def messages_of(order: Order) -> ShownMessages:
    """One query, however many tickets the order has."""
    found = OrderMessage.objects.filter(order=order).select_related("ticket", "item").defer("item__content")
    ordered = sorted(found, key=lambda message: (message.ticket is not None, message.pk))
    written = [each for each in ordered if each.ticket and each.item.outcome == OutboxItem.Outcome.DONE]
    return ShownMessages(
        lines=[_shown(message) for message in ordered if message not in written], notes_written=len(written)
    )


def _shown(message: OrderMessage) -> ShownMessage:
    item = message.item
    return ShownMessage(
        message=message,
        name=name_of(message),
        tone=tone_of(item),
        outcome=outcome_of(item),
        text=item.outcome_text,
    )


def tone_of(item: OutboxItem) -> str:
    """How the outcome is marked."""
    if item.outcome == OutboxItem.Outcome.DONE:
        return "good"
    if item.outcome == OutboxItem.Outcome.WAITING:
        return ""
    return "warn" if item.in_doubt else "bad"
