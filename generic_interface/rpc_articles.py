"""Articles over ``rpc.pl``: notes, mails and the time on them, as OTRS 3 to 5 take them. OTRS 6 has no such method.

What is to be written comes in the shape of the Generic Interface (``Article``, ``Attachment``), so that whoever writes
need not know which way it takes. Nothing here is repeated.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence

from generic_interface.errors import BadAnswer, InterfaceError, WrongRequest
from generic_interface.rpc import TICKETS, Rpc
from generic_interface.rpc_values import Argument, NoValue, Value, pairs

QUEUES = "QueueObject"
CHARSET = "utf-8"
KEY_PARTS = ("Type", "SubType", "Key")
"""Of ``Sign`` and ``Crypt``: PGP with Inline or Detached, or SMIME."""


def check_articles(rpc: Rpc) -> None:
    """Raises ``BadAnswer`` where the ticket system has no method for articles. Stores nothing: no ticket is named."""
    rpc.ask(TICKETS, "ArticleCreate", {"UserID": rpc.user_id})


def write_article(
    rpc: Rpc, ticket_id: str, article: Mapping[str, object], attachments: Sequence[Mapping[str, object]] = ()
) -> str:
    """Store the article, mail it where it says ``ArticleSend``, book its ``TimeUnit``; returns the ArticleID.

    The time is booked to the acting agent at the present time. Raises ``InterfaceError``; ``maybe_done`` says whether
    a part may be stored.
    """
    write = send_article if article.get("ArticleSend") else create_article
    article_id = write(rpc, ticket_id, article, attachments)
    units = article.get("TimeUnit")
    if units is not None:
        _book(rpc, ticket_id, article_id, str(units))
    return article_id


def create_article(
    rpc: Rpc, ticket_id: str, article: Mapping[str, object], attachments: Sequence[Mapping[str, object]] = ()
) -> str:
    """A note, internal unless ``IsVisibleForCustomer``; returns the ArticleID."""
    kind = "note-external" if article.get("IsVisibleForCustomer") else "note-internal"
    arguments = _common(rpc, ticket_id, article, attachments, kind=kind)
    return rpc.write(TICKETS, "ArticleCreate", arguments | {"HistoryType": "AddNote", "HistoryComment": "%%Note"})


def send_article(
    rpc: Rpc, ticket_id: str, article: Mapping[str, object], attachments: Sequence[Mapping[str, object]] = ()
) -> str:
    """A mail ``To``, ``Cc`` and ``Bcc``, with ``Sign`` and ``Crypt``; returns the ArticleID.

    ``From`` is the address of the ticket's queue unless given. The ticket system stores the article before it sends
    the mail, and answers nothing where the mail failed.
    """
    recipients: dict[str, Argument] = {name: str(article[name]) for name in ("To", "Cc", "Bcc") if article.get(name)}
    if not recipients:
        raise WrongRequest("A mail needs a recipient.")
    keys: dict[str, Argument] = {name: _key(name, article[name]) for name in ("Sign", "Crypt") if article.get(name)}
    arguments = _common(rpc, ticket_id, article, attachments, kind="email-external")
    sender = str(article.get("From") or _queue_address(rpc, ticket_id))
    history: dict[str, Argument] = {"HistoryType": "SendAnswer", "HistoryComment": f"%%{recipients.get('To', '')}"}
    return rpc.write(TICKETS, "ArticleSend", arguments | {"From": sender} | recipients | keys | history)


def _common(
    rpc: Rpc,
    ticket_id: str,
    article: Mapping[str, object],
    attachments: Sequence[Mapping[str, object]],
    *,
    kind: str,
) -> dict[str, Argument]:
    mime = str(article.get("ContentType") or article.get("MimeType") or "text/plain").partition(";")[0].strip()
    arguments: dict[str, Argument] = {
        "TicketID": ticket_id,
        "ArticleType": kind,
        "SenderType": "agent",
        "Subject": str(article["Subject"]),
        "Body": str(article["Body"]),
        "Charset": CHARSET,
        "MimeType": mime,
        "UserID": rpc.user_id,
    }
    if attachments:
        arguments["Attachment"] = [_attachment(each) for each in attachments]
    return arguments


def _attachment(attachment: Mapping[str, object]) -> dict[str, Argument]:
    try:
        content = base64.b64decode(str(attachment["Content"]), validate=True)
    except (binascii.Error, ValueError):
        raise WrongRequest("The content of an attachment is no base64.") from None
    return {
        "Content": content,
        "ContentType": str(attachment["ContentType"]),
        "Filename": str(attachment["Filename"]),
    }


def _key(name: str, key: object) -> dict[str, Argument]:
    if not isinstance(key, Mapping) or not set(key) <= set(KEY_PARTS) or not key.get("Key"):
        raise WrongRequest(f"{name} needs a type, such as PGP or SMIME, and a key.")
    return {part: str(key[part]) for part in KEY_PARTS if key.get(part)}


def _queue_address(rpc: Rpc, ticket_id: str) -> str:
    ticket = _read(rpc, TICKETS, "TicketGet", {"TicketID": ticket_id, "UserID": rpc.user_id}, {"QueueID"})
    queue_id = ticket.get("QueueID")
    if not isinstance(queue_id, str):
        raise WrongRequest(f"rpc.pl shows no ticket {ticket_id}, so nothing was sent.")
    address = _read(rpc, QUEUES, "GetSystemAddress", {"QueueID": queue_id}, {"RealName", "Email"})
    email, name = address.get("Email"), address.get("RealName")
    if not isinstance(email, str) or not email:
        raise WrongRequest(f"The queue of ticket {ticket_id} has no address to send from, so nothing was sent.")
    return f'"{name}" <{email}>' if isinstance(name, str) and name and '"' not in name else email


def _read(rpc: Rpc, about: str, method: str, arguments: Mapping[str, Argument], keys: set[str]) -> dict[str, Value]:
    try:
        return pairs(rpc.ask(about, method, arguments), keys=keys)
    except NoValue as error:
        raise BadAnswer(f"The answer to {about}.{method} {error}. Nothing was sent.", maybe_done=False) from None
    except InterfaceError as error:
        error.maybe_done = False  # only a question before the mail
        raise


def _book(rpc: Rpc, ticket_id: str, article_id: str, units: str) -> None:
    try:
        rpc.write(
            TICKETS,
            "TicketAccountTime",
            {"TicketID": ticket_id, "ArticleID": article_id, "TimeUnit": units, "UserID": rpc.user_id},
        )
    except InterfaceError as error:
        raise BadAnswer(
            f"Article {article_id} is stored on ticket {ticket_id}; whether its time is booked is not known: {error}"
        ) from None
