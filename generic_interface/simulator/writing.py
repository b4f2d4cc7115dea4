"""TicketCreate and TicketUpdate: what is refused, what is stored, and what is stored although the answer says failure.

Time is booked to the caller at the present time; a customer user's goes to root. Nothing is idempotent. A mail is put
into ``store.mails`` unless its signature or encryption fails: then the article stays, the time is not booked and the
answer is an HTTP 500, as it was recorded.
"""

import base64
import re
from typing import Any

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import STATES, Agent, Attachment, CustomerUser, SentMail
from generic_interface.simulator.search import may_see
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import DYNAMIC_FIELDS
from generic_interface.simulator.wire import Flavour, Json, OperationError, OperationFault, is_true, missing

ROOT = "root@localhost"
LARGEST_TIME = 10**8
MAIL_FAILED = "Article could not be created, please contact the system administrator"
DROPDOWNS = {"Leistungsart": ("remote", "onsite", "travel")}

_TIME = re.compile(r"\d+(?:[.,]\d+)?", re.ASCII)
_ADDRESS = re.compile(r"[^\s@<>,]+@(?!example\.[a-z]{2,3}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


def ticket_create(data: DataSet, viewer: Viewer, parameters: Json, flavour: Flavour) -> Json:
    """Answer ``{"ArticleID", "TicketID", "TicketNumber"}``; an article id is text for customer users."""
    operation = "TicketCreate"
    ticket = parameters.get("Ticket")
    if not isinstance(ticket, dict) or not ticket:
        raise _missing_or_invalid(operation, "Ticket")
    _check_new_ticket(data, viewer, ticket)
    articles = _articles(parameters.get("Article"), operation, flavour)
    fields = _dynamic_fields(parameters.get("DynamicField"), operation)
    user = _customer_user(data, ticket["CustomerUser"])
    author = _author(data, viewer)
    ticket_id = data.create(
        title=str(ticket["Title"]),
        customer=(user.customer_number if user else None) or ticket.get("CustomerID"),
        customer_user=user.login if user else str(ticket["CustomerUser"]),
        queue=str(ticket["Queue"]),
        state=str(ticket["State"]),
        agent=author.login,
        dynamic_fields=fields,
    )
    written = [_write_article(data, ticket_id, author, article, parameters) for article in articles]
    return _answer(data, viewer, ticket_id, written)


def ticket_update(data: DataSet, viewer: Viewer, parameters: Json, flavour: Flavour) -> Json:
    """Several ids change the first ticket alone. With nothing in it, it succeeds; ``Ticket: {}`` is an error."""
    operation = "TicketUpdate"
    asked = str(parameters.get("TicketID") or "")
    if not asked:
        raise OperationError(
            f"{operation}.MissingParameter", f"{operation}: TicketID or TicketNumber parameter is required!"
        )
    ticket_id = asked.partition(",")[0].strip()
    found = data.tickets.get(ticket_id)
    if found is None or not may_see(viewer, found):
        raise OperationError(f"{operation}.AccessDenied", f"{operation}: User does not have access to the ticket!")
    changes = parameters.get("Ticket")
    if changes is not None and (not isinstance(changes, dict) or not changes):
        raise OperationError(f"{operation}.InvalidParameter", f"{operation}: Ticket parameter is not valid!")
    _check_changes(data, changes or {})
    articles = _articles(parameters["Article"], operation, flavour) if "Article" in parameters else []
    fields = _dynamic_fields(parameters.get("DynamicField"), operation)
    author = _author(data, viewer)
    _change(data, ticket_id, changes or {}, author)
    found.dynamic_fields |= fields
    written = [_write_article(data, ticket_id, author, article, parameters) for article in articles]
    return _answer(data, viewer, ticket_id, written) | {"TicketID": asked}


def _answer(data: DataSet, viewer: Viewer, ticket_id: str, articles: list[int]) -> Json:
    answer: Json = {"TicketID": ticket_id, "TicketNumber": data.ticket(ticket_id).number}
    if len(articles) > 1:
        answer["ArticleID"] = articles
    elif articles:
        answer["ArticleID"] = articles[0] if isinstance(viewer, Agent) else str(articles[0])
    return answer


def _author(data: DataSet, viewer: Viewer) -> Agent:
    return viewer if isinstance(viewer, Agent) else data.agents[ROOT]


def _missing_or_invalid(operation: str, name: str) -> OperationError:
    return OperationError(f"{operation}.MissingParameter", f"{operation}: {name} parameter is missing or not valid!")


def _invalid(operation: str, name: str) -> OperationError:
    return OperationError(f"{operation}.InvalidParameter", f"{operation}: {name} parameter is invalid!")


def _check_new_ticket(data: DataSet, viewer: Viewer, ticket: Json) -> None:
    operation = "TicketCreate"
    for name in ("Title", "CustomerUser"):
        if not is_true(ticket.get(name)):
            raise missing(operation, f"Ticket->{name}")
    for name in ("Queue", "State", "Priority"):
        if not is_true(ticket.get(name)):
            text = f"{operation}: Ticket->{name}ID or Ticket->{name} parameter is required!"
            raise OperationError(f"{operation}.MissingParameter", text)
    if _customer_user(data, ticket["CustomerUser"]) is None and not _ADDRESS.fullmatch(str(ticket["CustomerUser"])):
        raise _invalid(operation, "Ticket->CustomerUser")
    if ticket["Queue"] not in data.queues:
        raise _invalid(operation, "Ticket->QueueID or Ticket->Queue")
    if ticket["State"] not in STATES:
        raise _invalid(operation, "Ticket->StateID or Ticket->State")
    if isinstance(viewer, Agent) and data.queues[ticket["Queue"]].group_id not in viewer.groups:
        raise OperationError(f"{operation}.AccessDenied", f"{operation}: Can not create tickets in this Queue!")


def _check_changes(data: DataSet, changes: Json) -> None:
    operation = "TicketUpdate"
    if "Queue" in changes and changes["Queue"] not in data.queues:
        raise _invalid(operation, "Ticket->QueueID or Ticket->Queue")
    if "State" in changes and changes["State"] not in STATES:
        raise _invalid(operation, "Ticket->StateID or Ticket->State")
    if "Owner" in changes and changes["Owner"] not in data.agents:
        raise _invalid(operation, "Ticket->OwnerID or Ticket->Owner")


def _change(data: DataSet, ticket_id: str, changes: Json, author: Agent) -> None:
    if "Title" in changes:
        data.rename(ticket_id, str(changes["Title"]), agent=author.login)
    if "Queue" in changes and data.ticket(ticket_id).queue.name != changes["Queue"]:
        data.move(ticket_id, str(changes["Queue"]), agent=author.login)
    if "Owner" in changes:
        data.give(ticket_id, str(changes["Owner"]), agent=author.login)
    if "State" in changes and data.ticket(ticket_id).state.name != changes["State"]:
        data.close(ticket_id, state=str(changes["State"]), agent=author.login)


def _customer_user(data: DataSet, login: object) -> CustomerUser | None:
    return data.customer_users.get(str(login))


def _articles(value: Any, operation: str, flavour: Flavour) -> list[Json]:
    """One article, or on main a list of them; every one is checked before anything is stored."""
    articles = value if isinstance(value, list) and flavour is Flavour.MAIN else [value]
    if not articles or not all(isinstance(article, dict) and article for article in articles):
        raise _missing_or_invalid(operation, "Article")
    for article in articles:
        for name in ("Subject", "Body"):
            if not is_true(article.get(name)):
                raise missing(operation, f"Article->{name}")
        if not is_true(article.get("ContentType")) and not (article.get("MimeType") and article.get("Charset")):
            text = "Article->ContentType or Ticket->MimeType and Article->Charset parameters are required!"
            raise OperationError(f"{operation}.MissingParameter", f"{operation}: {text}")
        if is_true(article.get("TimeUnit")) and not _TIME.fullmatch(str(article["TimeUnit"]).strip()):
            raise _invalid(operation, "Article->TimeUnit")
        if is_true(article.get("ArticleSend")) and not _are_addresses(article.get("To")):
            text = "Article->To parameter must be a valid email address when Article->ArticleSend is set!"
            raise OperationError("TicketCreate.InvalidParameter", f"TicketCreate: {text}")
    return articles


def _are_addresses(value: object) -> bool:
    recipients = [part.strip() for part in str(value or "").split(",")]
    return all(_ADDRESS.fullmatch(part.rpartition("<")[2].rstrip(">")) for part in recipients)


def _dynamic_fields(value: Any, operation: str) -> dict[str, str | int]:
    entries = value if isinstance(value, list) else [value] if value else []
    for entry in entries:
        if entry.get("Name") not in DYNAMIC_FIELDS:
            raise _invalid(operation, "DynamicField->Name")
        if entry["Name"] in DROPDOWNS and entry.get("Value") not in DROPDOWNS[entry["Name"]]:
            raise _invalid(operation, "DynamicField->Value")
    return {entry["Name"]: entry["Value"] for entry in entries}


def _write_article(data: DataSet, ticket_id: str, author: Agent, article: Json, parameters: Json) -> int:
    ticket = data.ticket(ticket_id)
    is_mail = is_true(article.get("ArticleSend"))
    subject = str(article["Subject"])
    article_id = data.note(
        ticket_id,
        agent=author.login,
        subject=f"[Ticket#{ticket.number}] {subject}" if is_mail else subject,
        body=_stored(str(article["Body"])) + ("\n\nIhr Support-Team" if is_mail else ""),
        visible=is_true(article.get("IsVisibleForCustomer", 1)),
        channel=1 if is_mail else 3,
        recipients=(str(article.get("To", "")), str(article.get("Cc", "")), str(article.get("Bcc", ""))),
        attachments=_attachments(parameters.get("Attachment")),
    )
    if is_mail:
        _send(data, ticket_id, article_id, article)
    _book(data, ticket_id, article_id, author, article)
    return article_id


def _stored(text: str) -> str:
    """As a database of three-byte UTF-8 keeps it."""
    return "".join("\ufffd" if ord(sign) > 0xFFFF else sign for sign in text)


def _attachments(value: Any) -> tuple[Attachment, ...]:
    entries = value if isinstance(value, list) else [value] if value else []
    return tuple(
        Attachment(
            filename=entry["Filename"],
            content_type=entry["ContentType"],
            content=base64.b64decode(entry["Content"]),
        )
        for entry in entries
    )


def _send(data: DataSet, ticket_id: str, article_id: int, article: Json) -> None:
    for name in ("Sign", "Crypt"):
        key = article.get(name) or {}
        if key and (key.get("Type") not in ("PGP", "SMIME") or key.get("Key") not in data.mail_keys):
            raise OperationFault(MAIL_FAILED)
    data.mails.append(
        SentMail(
            ticket_id=ticket_id,
            article_id=article_id,
            to=str(article["To"]),
            cc=str(article.get("Cc", "")),
            bcc=str(article.get("Bcc", "")),
            subject=data.article(ticket_id, article_id).subject,
            sign=article.get("Sign") or {},
            crypt=article.get("Crypt") or {},
        )
    )


def _book(data: DataSet, ticket_id: str, article_id: int, author: Agent, article: Json) -> None:
    text = str(article.get("TimeUnit") or "").strip().replace(",", ".")
    if not text or float(text) == 0 or float(text) >= LARGEST_TIME:
        return  # success all the same
    data.book(ticket_id, text, agent=author.login, article_id=article_id)
