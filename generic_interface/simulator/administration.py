"""What happens to a ticket system besides the agents' work: rights, renamed agents, the archive, deleted articles,
hands in its database, and a backup that is put back.
"""

from collections import Counter
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from generic_interface.simulator.model import Article, Entry, HistoryLine, Ticket
from generic_interface.simulator.store import TicketStore, UnknownName


def set_rights(
    data: TicketStore, login: str, *, queues: Collection[str] | None = None, may_read_times: bool | None = None
) -> None:
    """The queues that the agent may read from now on, and whether it may call TimeAccountingGet; None changes nothing.

    Queues of one group cannot be told apart.
    """
    with data.lock:
        agent = data.agents[login]
        if queues is not None:
            agent = replace(agent, groups=frozenset(data.queues[name].group_id for name in queues))
        if may_read_times is not None:
            agent = replace(agent, may_read_times=may_read_times)
        data.agents[login] = agent


def rename_agent(data: TicketStore, old: str, new: str) -> None:
    """Bookings stay with the UserID; questions about the old login find nothing from now on."""
    with data.lock:
        renamed = replace(data.agents.pop(old), login=new)
        data.agents[new] = renamed
        for ticket in data.tickets.values():
            if ticket.owner.user_id == renamed.user_id:
                ticket.owner = renamed


def archive(data: TicketStore, ticket_id: str) -> None:
    data.ticket(ticket_id).archived = True


@dataclass(frozen=True, slots=True)
class DeletedArticle:
    ticket_id: str
    article: Article
    entries: tuple[Entry, ...]
    history: tuple[HistoryLine, ...]


def delete_article(data: TicketStore, article_id: int) -> DeletedArticle:
    """Delete an article with its time and its history lines, as the real system does; the ticket's dates stay."""
    with data.lock:
        for ticket in data.tickets.values():
            for article in ticket.articles:
                if article.article_id == article_id:
                    return _without(ticket, article)
    raise UnknownName(f"The data set holds no article {article_id}.")


def _without(ticket: Ticket, article: Article) -> DeletedArticle:
    def its(thing: Entry | HistoryLine) -> bool:
        return thing.article_id == article.article_id

    deleted = DeletedArticle(
        ticket.ticket_id, article, tuple(filter(its, ticket.entries)), tuple(filter(its, ticket.history))
    )
    ticket.articles.remove(article)
    ticket.entries[:] = [entry for entry in ticket.entries if not its(entry)]
    ticket.history[:] = [line for line in ticket.history if not its(line)]
    return deleted


def undelete_article(data: TicketStore, deleted: DeletedArticle) -> None:
    """Put it back with the times it had, as OTOBO does."""
    with data.lock:
        ticket = data.ticket(deleted.ticket_id)
        ticket.articles.append(deleted.article)
        ticket.entries += deleted.entries
        ticket.history += deleted.history


def rewrite_units(data: TicketStore, entry: Entry, units: Decimal | int | str) -> None:
    """Alter a booking in the database table of accounted time; the line in the history stays as it was written."""
    with data.lock:
        entries = data.ticket(entry.ticket_id).entries
        entries[entries.index(entry)] = replace(entry, units=Decimal(units))


@dataclass(frozen=True, slots=True)
class Backup:
    tickets: dict[str, Ticket]
    next_ticket_id: int
    next_article_id: int
    numbers_of_day: Counter[date]


def back_up(data: TicketStore) -> Backup:
    with data.lock:
        return Backup(deepcopy(data.tickets), data.next_ticket_id, data.next_article_id, Counter(data.numbers_of_day))


def restore(data: TicketStore, backup: Backup) -> None:
    """Everything since the backup is lost, and ids and numbers given since then are given again."""
    with data.lock:
        data.tickets = deepcopy(backup.tickets)
        data.next_ticket_id, data.next_article_id = backup.next_ticket_id, backup.next_article_id
        data.numbers_of_day = Counter(backup.numbers_of_day)
