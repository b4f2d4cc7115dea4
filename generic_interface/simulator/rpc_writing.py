"""``TicketObject`` over ``rpc.pl``, the writing half. What lacks something is refused with nothing, as on the real one.

A mail that cannot be signed or encrypted is answered with nothing as well, but its article is stored.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import STATES, Agent, Attachment, Ticket
from generic_interface.simulator.rpc_people import Values, agent_of

IDS_OF_LOCK, IDS_OF_PRIORITY = {"1", "2"}, {"1", "2", "3", "4", "5"}
ARTICLE_NEEDS = ("ArticleType", "SenderType", "HistoryType", "HistoryComment")
MAIL_NEEDS = ("From", "Body", "Charset", "MimeType", "ArticleType", "SenderType")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail that left; ``arguments`` as they were given."""

    ticket_id: str
    article_id: int
    arguments: Values


def ticket_create(data: DataSet, arguments: Values) -> list[object]:
    owner, queue, state = _agent(data, arguments, "OwnerID"), _queue(data, arguments), _state(arguments)
    locked = arguments.get("Lock") in ("lock", "unlock") or str(arguments.get("LockID")) in IDS_OF_LOCK
    ranked = bool(arguments.get("Priority")) or str(arguments.get("PriorityID")) in IDS_OF_PRIORITY
    if owner is None or _agent(data, arguments, "UserID") is None or not (queue and state and locked and ranked):
        return []
    ticket_id = data.create(
        title=str(arguments.get("Title", "")),
        customer=str(arguments["CustomerID"]) if arguments.get("CustomerID") else None,
        customer_user=str(arguments.get("CustomerUser", "")),
        queue=queue,
        agent=owner.login,
        state=state,
    )
    return [ticket_id]


def article_create(data: DataSet, arguments: Values) -> list[object]:
    ticket, agent = _ticket(data, arguments), _agent(data, arguments, "UserID")
    typed = arguments.get("ContentType") or (arguments.get("Charset") and arguments.get("MimeType"))
    if ticket is None or agent is None or not typed or not all(arguments.get(name) for name in ARTICLE_NEEDS):
        return []
    return [_add(data, ticket, agent, arguments)]


def article_send(data: DataSet, arguments: Values, *, mails: list[SentMail], keys: Collection[str]) -> list[object]:
    """``keys`` are those that the ticket system can sign and encrypt with."""
    ticket, agent = _ticket(data, arguments), _agent(data, arguments, "UserID")
    if ticket is None or agent is None or not all(arguments.get(name) for name in MAIL_NEEDS):
        return []
    article_id = _add(data, ticket, agent, arguments)
    for name in ("Sign", "Crypt"):
        key = arguments.get(name)
        if isinstance(key, dict) and key.get("Key") not in keys:
            return []
    mails.append(SentMail(ticket_id=ticket.ticket_id, article_id=article_id, arguments=arguments))
    return [article_id]


def ticket_account_time(data: DataSet, arguments: Values) -> list[object]:
    ticket, agent = _ticket(data, arguments), _agent(data, arguments, "UserID")
    if ticket is None or agent is None or not arguments.get("ArticleID"):
        return []
    article_id = int(str(arguments["ArticleID"]))
    data.book(ticket.ticket_id, str(arguments["TimeUnit"]), agent=agent.login, article_id=article_id)
    return [1]


def ticket_change(data: DataSet, name: str, arguments: Values) -> list[object]:
    """State, queue or title."""
    ticket, agent = _ticket(data, arguments), _agent(data, arguments, "UserID")
    value = str(arguments.get(name))
    known = {"State": STATES, "Queue": data.queues, "Title": {value}}[name]
    if ticket is None or agent is None or value not in known:
        return []
    if name == "State":
        data.close(ticket.ticket_id, agent=agent.login, state=value)
    elif name == "Queue":
        data.move(ticket.ticket_id, value, agent=agent.login)
    else:
        data.rename(ticket.ticket_id, value, agent=agent.login)
    return [1]


def _add(data: DataSet, ticket: Ticket, agent: Agent, arguments: Values) -> int:
    kind = str(arguments["ArticleType"])
    files = arguments.get("Attachment")
    attachments = tuple(_attachment(each) for each in files) if isinstance(files, list) else ()
    return data.add_article(
        ticket.ticket_id,
        agent=agent.login,
        subject=str(arguments.get("Subject", "")),
        body=str(arguments.get("Body", "")),
        visible=kind.endswith("external"),
        attachments=attachments,
    )


def _attachment(given: dict[str, str]) -> Attachment:
    return Attachment(
        filename=given["Filename"], content_type=given["ContentType"], content=base64.b64decode(given["Content"])
    )


def _ticket(data: DataSet, arguments: Values) -> Ticket | None:
    return data.tickets.get(str(arguments.get("TicketID")))


def _agent(data: DataSet, arguments: Values, name: str) -> Agent | None:
    return agent_of(data, arguments.get(name))


def _queue(data: DataSet, arguments: Values) -> str | None:
    wanted = str(arguments.get("QueueID"))
    names = {str(queue.queue_id): queue.name for queue in data.queues.values()} | {name: name for name in data.queues}
    return names.get(str(arguments["Queue"]) if arguments.get("Queue") else wanted)


def _state(arguments: Values) -> str | None:
    names = {str(state.state_id): name for name, state in STATES.items()} | {name: name for name in STATES}
    return names.get(str(arguments["State"]) if arguments.get("State") else str(arguments.get("StateID")))
