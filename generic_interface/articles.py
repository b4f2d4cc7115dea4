"""New tickets and articles as the ticket system is told of them (TicketCreate, TicketUpdate).

What it would take and then drop without a word is refused before sending, as ``WrongRequest``: time of nothing, too
large or with more than two decimals, an empty text, a line break in a subject.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from generic_interface.errors import WrongRequest
from generic_interface.mailing import Mail, bare_address
from generic_interface.values import HUNDREDTH, LARGEST_UNITS

LONGEST_TITLE = 255
LARGEST_ATTACHMENTS = 7_000_000
"""Bytes of one request before base64; the web service BillingPortal takes 10,000,000, ready-made ones 1,000,000."""
PRIORITY = "3 normal"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_FIELD = re.compile(r"[A-Za-z0-9]{1,200}", re.ASCII)
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.:-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArticle:
    """``time_units`` are booked to the calling agent at the present time; neither can be chosen.

    Without ``visible`` the customer does not see it: the ticket system itself would show it. With ``mail`` it becomes
    a mail to the recipients named there.
    """

    subject: str
    body: str
    html: bool = False
    visible: bool = False
    time_units: Decimal | None = None
    mail: Mail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """``customer_user`` is a login that the ticket system knows, or any mail address."""

    title: str
    queue: str
    state: str
    customer_user: str
    priority: str = PRIORITY
    customer_id: str = ""
    type: str = ""


def create_parameters(
    ticket: NewTicket,
    article: NewArticle,
    *,
    dynamic_fields: Mapping[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
) -> dict[str, object]:
    """Of TicketCreate. Raises ``WrongRequest``."""
    optional = {"CustomerID": ticket.customer_id, "Type": ticket.type}
    if "@" in ticket.customer_user:
        bare_address(ticket.customer_user)
    return {
        "Ticket": {
            "Title": _title(ticket.title),
            "Queue": _line(ticket.queue, "queue"),
            "State": _line(ticket.state, "state"),
            "Priority": _line(ticket.priority, "priority"),
            "CustomerUser": _line(ticket.customer_user, "customer user"),
            **{name: _line(value, name) for name, value in optional.items() if value},
        },
        "Article": _article(article),
        **_more(dynamic_fields or {}, attachments),
    }


def update_parameters(
    *,
    changes: Mapping[str, str] | None = None,
    article: NewArticle | None = None,
    dynamic_fields: Mapping[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
) -> dict[str, object]:
    """Of TicketUpdate; ``changes`` are fields of the ticket, such as State. Raises ``WrongRequest``.

    Time in ``changes`` would be ignored with success, and a request with nothing in it succeeds as well.
    """
    if "TimeUnit" in (changes or {}):
        raise WrongRequest("Time belongs to an article: the ticket system ignores it anywhere else.")
    if attachments and article is None:
        raise WrongRequest("An attachment needs an article that it belongs to.")
    parameters: dict[str, object] = {}
    if changes:
        parameters["Ticket"] = {name: _line(value, name) for name, value in changes.items()}
    if article is not None:
        parameters["Article"] = _article(article)
    parameters |= _more(dynamic_fields or {}, attachments)
    if not parameters:
        raise WrongRequest("There is nothing to write: the ticket system would answer that it succeeded.")
    return parameters


def time_units_text(units: Decimal) -> str:
    """Time as it is sent. Raises ``WrongRequest`` for what would be cut, refused or dropped."""
    if not units.is_finite() or units <= 0:
        raise WrongRequest(f"The ticket system books no time of {units}: it would answer success and drop it.")
    if units >= LARGEST_UNITS:
        raise WrongRequest(f"The time {units} is too large: the ticket system would answer success and drop it.")
    if units.quantize(HUNDREDTH) != units:
        raise WrongRequest(f"The time {units} has more than two decimals: the ticket system would cut them off.")
    return f"{units.normalize():f}"


def _article(article: NewArticle) -> dict[str, object]:
    """The type of the content says UTF-8; without one, or without text, the ticket system refuses the article."""
    parameters: dict[str, object] = {
        "Subject": _line(article.subject, "subject"),
        "Body": _text(article.body),
        "ContentType": f"text/{'html' if article.html else 'plain'}; charset=utf-8",
        "IsVisibleForCustomer": int(article.visible),
    }
    if article.time_units is not None:
        parameters["TimeUnit"] = time_units_text(article.time_units)
    if article.mail is not None:
        parameters |= article.mail.parameters()
    return parameters


def _more(fields: Mapping[str, str], attachments: Sequence[Attachment]) -> dict[str, object]:
    parameters: dict[str, object] = {}
    for name in fields:
        if not _FIELD.fullmatch(name):
            raise WrongRequest(f"“{name[:80]}” is no name of a dynamic field.")
    if fields:
        parameters["DynamicField"] = [{"Name": name, "Value": value} for name, value in fields.items()]
    size = sum(len(attachment.content) for attachment in attachments)
    if size > LARGEST_ATTACHMENTS:
        raise WrongRequest(f"The attachments have {size} bytes, more than the {LARGEST_ATTACHMENTS} of one request.")
    if attachments:
        parameters["Attachment"] = [_attachment(attachment) for attachment in attachments]
    return parameters


def _attachment(attachment: Attachment) -> dict[str, str]:
    if not _CONTENT_TYPE.fullmatch(attachment.content_type):
        raise WrongRequest(f"“{attachment.content_type[:80]}” is no type of a content, such as application/pdf.")
    return {
        "Content": base64.b64encode(attachment.content).decode(),
        "ContentType": attachment.content_type,
        "Filename": _line(attachment.filename, "file name"),
    }


def _title(text: str) -> str:
    if len(text) > LONGEST_TITLE:
        raise WrongRequest(f"The title has {len(text)} characters, more than the {LONGEST_TITLE} that are stored.")
    return _line(text, "title")


def _line(text: str, what: str) -> str:
    """A text of one line that says something."""
    if not text.strip():
        raise WrongRequest(f"The {what} is empty; the ticket system would refuse the request.")
    if _CONTROL.search(text):
        raise WrongRequest(f"The {what} holds a line break or another control character.")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise WrongRequest("The text is empty; the ticket system takes no article, and no time, without a text.")
    if _NOT_IN_TEXT.search(text):
        raise WrongRequest("The text holds control characters that the ticket system cannot store.")
    return text
