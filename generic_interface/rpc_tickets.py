"""TicketCreate and TicketUpdate of the Generic Interface, made of the methods of ``rpc.pl``.

Each is several calls. What cannot be written is refused before the first; where a later one fails, the error says what
is stored and ``maybe_done`` is set. Nothing is repeated.
"""

from collections.abc import Mapping

from generic_interface.errors import AccessDenied, BadAnswer, InterfaceError, WrongRequest
from generic_interface.rpc import TICKETS, Rpc
from generic_interface.rpc_articles import check_articles, write_article
from generic_interface.rpc_values import Argument, Value

CREATED_WITH = frozenset(
    {"Title", "Queue", "QueueID", "State", "StateID", "Priority", "PriorityID", "Type", "TypeID", "Lock"}
    | {"CustomerID", "CustomerUser", "OwnerID"}
)
CHANGED_BY = {"State": "TicketStateSet", "Queue": "TicketQueueSet", "Title": "TicketTitleUpdate"}


def create_ticket(rpc: Rpc, parameters: Mapping[str, object]) -> dict[str, object]:
    """``Ticket`` with its CustomerID, ``Article`` and ``Attachment``; returns TicketID, TicketNumber and ArticleID.

    Raises ``WrongRequest`` before sending for what ``rpc.pl`` cannot write, dynamic fields among it.
    """
    ticket, article, attachments = _parts(parameters)
    unknown = set(ticket) - CREATED_WITH
    if unknown:
        raise WrongRequest(f"rpc.pl cannot create a ticket with {', '.join(sorted(unknown))}.")
    if not ticket.get("CustomerID"):
        raise WrongRequest("rpc.pl looks no customer up: a new ticket needs the CustomerID besides the customer user.")
    if article is not None:
        check_articles(rpc)
    fields: dict[str, Argument] = {name: str(value) for name, value in ticket.items()}
    defaults: dict[str, Argument] = {"Lock": "unlock", "OwnerID": rpc.user_id}
    ticket_id = rpc.write(TICKETS, "TicketCreate", {**defaults, **fields, "UserID": rpc.user_id})
    answer: dict[str, object] = {"TicketID": ticket_id}
    try:
        answer["TicketNumber"] = _number(rpc, ticket_id)
        if article is not None:
            answer["ArticleID"] = write_article(rpc, ticket_id, article, attachments)
    except InterfaceError as error:
        raise BadAnswer(
            f"Ticket {ticket_id} was created; whether all that belongs to it is stored is not known: {error}"
        ) from None
    return answer


def update_ticket(rpc: Rpc, parameters: Mapping[str, object]) -> dict[str, object]:
    """``Article`` and changes of ``Ticket`` (state, queue, title) of the ticket ``TicketID``; returns ids and number.

    Raises ``WrongRequest`` before sending for what ``rpc.pl`` cannot write, ``AccessDenied`` where it shows no ticket.
    """
    ticket_id = str(parameters["TicketID"])
    ticket, article, attachments = _parts(parameters)
    unknown = set(ticket) - set(CHANGED_BY)
    if unknown:
        raise WrongRequest(f"rpc.pl changes no {', '.join(sorted(unknown))} of a ticket.")
    answer: dict[str, object] = {"TicketID": ticket_id, "TicketNumber": _number(rpc, ticket_id)}
    if article is not None:
        answer["ArticleID"] = write_article(rpc, ticket_id, article, attachments)
    for name, value in ticket.items():
        try:
            rpc.write(TICKETS, CHANGED_BY[name], {"TicketID": ticket_id, name: str(value), "UserID": rpc.user_id})
        except InterfaceError as error:
            raise BadAnswer(f"The {name} of ticket {ticket_id} is not known to be changed: {error}") from None
    return answer


def _number(rpc: Rpc, ticket_id: str) -> Value:
    """Asked before anything is written on a ticket that should be there."""
    try:
        values = rpc.ask(TICKETS, "TicketNumberLookup", {"TicketID": ticket_id})
    except InterfaceError as error:
        error.maybe_done = False
        raise
    if not values:
        raise AccessDenied("TicketNumberLookup.AccessDenied", f"rpc.pl shows no ticket {ticket_id}")
    return values[0]


def _parts(
    parameters: Mapping[str, object],
) -> tuple[Mapping[str, object], Mapping[str, object] | None, list[Mapping[str, object]]]:
    if parameters.get("DynamicField"):
        raise WrongRequest("rpc.pl sets no dynamic fields.")
    ticket, article, attachments = parameters.get("Ticket"), parameters.get("Article"), parameters.get("Attachment")
    files = [each for each in attachments if isinstance(each, Mapping)] if isinstance(attachments, list) else []
    return (
        ticket if isinstance(ticket, Mapping) else {},
        article if isinstance(article, Mapping) else None,
        files,
    )
