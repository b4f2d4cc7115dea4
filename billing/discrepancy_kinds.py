"""One discrepancy between an order that has left draft and the mirror, and what it says to a person."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.differences import CHANGED, GONE, OF_OTHER_CUSTOMER, ON_OTHER_TICKET
from billing.models import Order, OrderPosition
from tickets.models import Customer, Ticket, TimeEntry


class Kind(TextChoices):
    """In this order: of several kinds that one entry has, the first one carries its minutes at stake."""

    GONE = "gone", gettext_lazy("vanished")
    MOVED_CUSTOMER = "moved_customer", gettext_lazy("of another customer")
    CHANGED = "changed", gettext_lazy("other minutes")
    MOVED_TICKET = "moved_ticket", gettext_lazy("on another ticket")
    LATE = "late", gettext_lazy("booked late")
    NEGATIVE_LATE = "negative_late", gettext_lazy("correction booked late")


BILLED_KINDS = {
    Kind.GONE: GONE,
    Kind.MOVED_CUSTOMER: OF_OTHER_CUSTOMER,
    Kind.CHANGED: CHANGED,
    Kind.MOVED_TICKET: ON_OTHER_TICKET,
}
"""Those of entries that stand in an order, each with the condition on their allocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One entry that disagrees with one position in one way. What is to be given back is negative.

    ``allocation`` (primary key) and ``kind`` name it for good; time that came late has no allocation, there ``entry``
    does. An entry with several kinds stands here once for each, its minutes at stake with the first of them only. An
    amount is rounded for the whole position, so the first discrepancy of a position carries it and the others have
    ``None``. So both can be added up.
    """

    kind: Kind
    allocation: int | None
    position: OrderPosition
    entry: TimeEntry
    minutes_billed: Decimal
    minutes_now: Decimal
    """What the order would hold of the entry today: nothing of what is gone or belongs to another customer."""
    minutes_at_stake: Decimal
    money_at_stake: Decimal | None
    """Amount of the position with the minutes as they are now, by its own frozen rule, less its amount."""
    visible: frozenset[int] | None
    """Customers, by primary key, whom the asking user may see; ``None``: all."""

    @property
    def order(self) -> Order:
        return self.position.order

    @property
    def ticket(self) -> Ticket:
        """The ticket that was billed."""
        if self.position.ticket is None:
            raise ValueError(f"Position {self.position} bills no ticket.")
        return self.position.ticket

    @property
    def customer(self) -> Customer:
        """The customer who was billed."""
        return self.order.customer

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def ticket_now(self) -> Ticket | None:
        """``None`` where it is another one than was billed, and of a customer whom the asking user may not see."""
        ticket = self.entry.ticket
        return ticket if ticket.pk == self.position.ticket_id or self._sees(ticket) else None

    @property
    def customer_now(self) -> Customer | None:
        """``None`` where there is none, or where the asking user may not see it."""
        return self.entry.ticket.customer if self._sees(self.entry.ticket) else None

    @property
    def opens_ticket(self) -> bool:
        """Whether the asking user may open the page of the ticket that was billed."""
        return self._sees(self.ticket)

    @property
    def sentence(self) -> str:
        """What has happened, for a person."""
        match self.kind:
            case Kind.GONE:
                return _("The time entry is gone from the ticket system.")
            case Kind.CHANGED:
                return _("The time entry has other minutes than it was billed with.")
            case Kind.MOVED_CUSTOMER:
                return self._whose()
            case Kind.MOVED_TICKET if self.ticket_now is None:
                return _("The time entry stands on another ticket by now.")
            case Kind.MOVED_TICKET:
                return _("The time entry stands on ticket %(number)s by now.") % {"number": self.entry.ticket.number}
            case Kind.LATE:
                return _("The time entry stands in no order: it came too late for this one.")
            case Kind.NEGATIVE_LATE:
                return _("The correction stands in no order: it came too late for this one.")

    def _whose(self) -> str:
        if self.entry.ticket.customer_id is None:
            return _("The ticket of the time entry has no customer any more.")
        if self.customer_now is None:
            return _("The ticket of the time entry belongs to another customer by now.")
        text = _("The ticket of the time entry belongs to %(customer)s by now.")
        return text % {"customer": self.customer_now}

    def _sees(self, ticket: Ticket) -> bool:
        return self.visible is None or ticket.customer_id in self.visible
