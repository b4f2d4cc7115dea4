"""The data set: everything that alters tickets. Each change writes the history lines that the real system writes."""

from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from generic_interface.simulator.model import (
    STATES,
    Agent,
    Article,
    Attachment,
    Entry,
    HistoryLine,
    Ticket,
)
from generic_interface.simulator.months import epoch
from generic_interface.simulator.store import TicketStore

DEFAULT_AGENT = "anna.mueller"


class DataSet(TicketStore):
    """``at`` is a naive local time and defaults to ``now``; ``agent`` is a login."""

    def create(
        self,
        *,
        title: str,
        customer: str | None,
        queue: str = "Support",
        agent: str = DEFAULT_AGENT,
        at: datetime | None = None,
        state: str = "new",
        customer_user: str | None = None,
        number: str | None = None,
        dynamic_fields: dict[str, str | int] | None = None,
    ) -> str:
        """Create a ticket owned by ``agent`` and return its id; the customer user defaults to the customer's first."""
        with self.lock:
            moment, owner = self._moment(at), self.agents[agent]
            if customer is not None and customer_user is None:
                customer_user = self.customer_user_of(customer).login
            ticket = Ticket(
                ticket_id=str(self.next_ticket_id),
                number=number or self._number(moment.date()),
                title=title,
                queue=self.queues[queue],
                state=STATES[state],
                owner=owner,
                customer_number=customer,
                customer_user=customer_user,
                created=moment,
                created_by=owner.user_id,
                changed=moment,
                changed_by=owner.user_id,
                closed=moment if STATES[state].state_type == "closed" else None,
                dynamic_fields=dynamic_fields or {},
            )
            self.next_ticket_id += 1
            self.tickets[ticket.ticket_id] = ticket
            name = f"%%{ticket.number}%%{queue}%%3 normal%%{state}%%{ticket.ticket_id}"
            self._write(ticket, "NewTicket", name, moment, owner)
            if customer is not None:
                self._write_customer(ticket, moment, owner)
            return ticket.ticket_id

    def note(
        self,
        ticket_id: str,
        *,
        at: datetime | None = None,
        agent: str = DEFAULT_AGENT,
        subject: str = "",
        body: str = "",
        visible: bool = True,
        attachments: tuple[Attachment, ...] = (),
        channel: int = 1,
        recipients: tuple[str, str, str] = ("", "", ""),
    ) -> int:
        """Add an article and return its id; the API books time only together with one."""
        with self.lock:
            ticket, moment, author = self.ticket(ticket_id), self._moment(at), self.agents[agent]
            article_id = self._add_article(
                ticket,
                moment,
                author,
                subject=subject,
                body=body,
                visible=visible,
                attachments=attachments,
                channel=channel,
                recipients=recipients,
            )
            self._write(ticket, "Misc", "Reset of unlock time.", moment, author)
            return article_id

    def add_article(
        self,
        ticket_id: str,
        *,
        subject: str,
        body: str,
        at: datetime | None = None,
        agent: str = DEFAULT_AGENT,
        visible: bool = True,
        attachments: tuple[Attachment, ...] = (),
    ) -> int:
        """Add an article with this text and return its id."""
        with self.lock:
            return self._add_article(
                self.ticket(ticket_id),
                self._moment(at),
                self.agents[agent],
                subject=subject,
                body=body,
                visible=visible,
                attachments=attachments,
            )

    def book(
        self,
        ticket_id: str,
        units: Decimal | int | str,
        *,
        at: datetime | None = None,
        agent: str = DEFAULT_AGENT,
        article_id: int | None = None,
        visible: bool = True,
    ) -> Entry:
        """Book time units, with a new note unless ``article_id`` is given; the history keeps the units as typed."""
        with self.lock:
            ticket, moment, author = self.ticket(ticket_id), self._moment(at), self.agents[agent]
            if article_id is None:
                article_id = self.note(ticket_id, at=moment, agent=agent, visible=visible)
            entry = Entry(
                ticket_id=ticket_id,
                user_id=author.user_id,
                booked=moment,
                units=Decimal(units).quantize(Decimal("0.01"), rounding=ROUND_DOWN),
                article_id=article_id,
            )
            ticket.entries.append(entry)
            name = f"%%{units}%%{plain(ticket.units())}"
            self._write(ticket, "TimeAccounting", name, moment, author, article_id)
            return entry

    def close(
        self,
        ticket_id: str,
        *,
        at: datetime | None = None,
        agent: str = DEFAULT_AGENT,
        state: str = "closed successful",
    ) -> None:
        with self.lock:
            self._set_state(self.ticket(ticket_id), state, self._moment(at), self.agents[agent])

    def reopen(self, ticket_id: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT) -> None:
        with self.lock:
            self._set_state(self.ticket(ticket_id), "open", self._moment(at), self.agents[agent])

    def move(self, ticket_id: str, queue: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT) -> None:
        with self.lock:
            ticket, old, new = self.ticket(ticket_id), self.ticket(ticket_id).queue, self.queues[queue]
            ticket.queue = new
            name = f"%%{new.name}%%{new.queue_id}%%{old.name}%%{old.queue_id}"
            self._write(ticket, "Move", name, self._moment(at), self.agents[agent])

    def give(self, ticket_id: str, owner: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT) -> None:
        with self.lock:
            ticket = self.ticket(ticket_id)
            ticket.owner = self.agents[owner]
            self._write(
                ticket, "OwnerUpdate", f"%%{owner}%%{ticket.owner.user_id}", self._moment(at), self.agents[agent]
            )

    def merge(self, main_id: str, away_id: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT) -> None:
        """Merge ``away_id`` into ``main_id``: articles, bookings and their history lines go to the main ticket."""
        with self.lock:
            main, away = self.ticket(main_id), self.ticket(away_id)
            moment, author = self._moment(at), self.agents[agent]
            main.articles += away.articles
            main.entries += [replace(entry, ticket_id=main_id) for entry in away.entries]
            main.history += [line for line in away.history if line.article_id]
            away.articles, away.entries = [], []
            away.history = [line for line in away.history if not line.article_id]
            body = f"Merged Ticket {away.number} to {main.number}."
            self._add_article(away, moment, author, subject="Ticket Merged", body=body)
            name = f"%%{away.number}%%{away_id}%%{main.number}%%{main_id}"
            self._write(away, "Merged", name, moment, author)
            self._write(main, "Merged", name, moment, author)
            self._write(main, "TicketLinkAdd", f"%%{away.number}%%{away_id}%%{main_id}", moment, author)
            self._set_state(away, "merged", moment, author)

    def delete(self, ticket_id: str) -> None:
        """Delete the ticket for good; its bookings are gone from every later answer."""
        with self.lock:
            self.ticket(ticket_id)
            del self.tickets[ticket_id]

    def change_customer(
        self, ticket_id: str, customer: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT
    ) -> None:
        with self.lock:
            ticket = self.ticket(ticket_id)
            ticket.customer_number, ticket.customer_user = customer, self.customer_user_of(customer).login
            self._write_customer(ticket, self._moment(at), self.agents[agent])

    def rename(self, ticket_id: str, title: str, *, at: datetime | None = None, agent: str = DEFAULT_AGENT) -> None:
        with self.lock:
            ticket = self.ticket(ticket_id)
            name, ticket.title = f"%%{ticket.title}%%{title}", title
            self._write(ticket, "TitleUpdate", name, self._moment(at), self.agents[agent])

    def _moment(self, at: datetime | None) -> datetime:
        self.now = max(self.now, at or self.now)
        return at or self.now

    def _number(self, day: date) -> str:
        self.numbers_of_day[day] += 1
        return f"{day:%Y%m%d}10{self.numbers_of_day[day]:06d}"

    def _write(self, ticket: Ticket, kind: str, name: str, at: datetime, agent: Agent, article_id: int = 0) -> None:
        ticket.history.append(
            HistoryLine(
                at=at,
                user_id=agent.user_id,
                kind=kind,
                name=name,
                article_id=article_id,
                queue_id=ticket.queue.queue_id,
                state_id=ticket.state.state_id,
                owner_id=ticket.owner.user_id,
            )
        )
        if at >= ticket.changed:
            ticket.changed, ticket.changed_by = at, agent.user_id

    def _write_customer(self, ticket: Ticket, at: datetime, agent: Agent) -> None:
        name = f"%%CustomerID={ticket.customer_number};CustomerUser={ticket.customer_user};"
        self._write(ticket, "CustomerUpdate", name, at, agent)

    def _set_state(self, ticket: Ticket, state: str, at: datetime, agent: Agent) -> None:
        old, ticket.state = ticket.state, STATES[state]
        if ticket.state.state_type == "closed":
            ticket.closed = at
        self._write(ticket, "StateUpdate", f"%%{old.name}%%{state}%%", at, agent)
        self._write(ticket, "SetPendingTime", "%%00-00-00 00:00", at, agent)

    def _add_article(
        self,
        ticket: Ticket,
        at: datetime,
        agent: Agent,
        *,
        subject: str = "",
        body: str = "",
        visible: bool = True,
        attachments: tuple[Attachment, ...] = (),
        channel: int = 1,
        recipients: tuple[str, str, str] = ("", "", ""),
    ) -> int:
        article = Article(
            article_id=self.next_article_id,
            at=at,
            user_id=agent.user_id,
            sender=f"{agent.login} <{agent.login}@beispiel.test>",
            subject=subject or ticket.title,
            body=body or "Bearbeitung: geprüft, Lösung eingespielt.\nGrüße",
            visible=visible,
            attachments=attachments,
            channel=channel,
            recipients=recipients,
        )
        self.next_article_id += 1
        ticket.articles.append(article)
        ticket.unlock_timeout = epoch(at)
        self._write(ticket, "AddNote", "%%Note", at, agent, article.article_id)
        return article.article_id


def plain(units: Decimal) -> str:
    """Units as the history shows a running total: no trailing zeros, no exponent."""
    text = f"{units:.2f}"
    return text.rstrip("0").rstrip(".") or "0"
