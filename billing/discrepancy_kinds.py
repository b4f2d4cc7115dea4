"""One discrepancy between an order that has left draft and the mirror, and what it says to a person."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.models import Order, OrderPosition
from billing.settlement_models import Choice, Kind
from tickets.models import Customer, Ticket, TimeEntry


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
    facts: str
    """What a settlement rests on; see ``billing.settlements.facts_of``."""
    position: OrderPosition
    entry: TimeEntry
    minutes_billed: Decimal
    minutes_now: Decimal
    """What the order would hold of the entry today: nothing of what is gone or belongs to another customer."""
    minutes_at_stake: Decimal
    money_at_stake: Decimal | None
    """What all that is open of the position comes to by its own frozen rule; see ``billing.credits``."""
    visible: frozenset[int] | None
    """Customers, by primary key, whom the asking user may see; ``None``: all."""

    @property
    def key(self) -> str:
        """Names it in forms and commands: ``12-gone`` by its claim, ``e34`` by its entry."""
        return f"e{self.entry.pk}" if self.allocation is None else f"{self.allocation}-{self.kind.value}"

    @property
    def choices(self) -> tuple[Choice, ...]:
        """How it can be settled; not at all while its order is not issued, since a run still puts that right."""
        if self.order.state not in (Order.State.ISSUED, Order.State.EXPORTED):
            return ()
        match self.kind:
            case Kind.LATE | Kind.NEGATIVE_LATE:
                return (Choice.NEXT_ORDER, Choice.SUPPLEMENT, Choice.NOT_BILLABLE)
            case Kind.GONE | Kind.CHANGED if self.minutes_at_stake < 0:
                return (Choice.CREDIT, Choice.ACCEPT)
            case Kind.CHANGED if self.minutes_at_stake > 0:
                return (Choice.NEXT_ORDER, Choice.ACCEPT)
        return (Choice.ACCEPT,)

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
