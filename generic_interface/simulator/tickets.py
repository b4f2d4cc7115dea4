"""TicketGet and TicketHistoryGet."""

import base64
from decimal import Decimal

from generic_interface.simulator.model import HISTORY_TYPES, Agent, Article, HistoryLine, Ticket
from generic_interface.simulator.months import epoch, working_minutes
from generic_interface.simulator.search import may_see
from generic_interface.simulator.sessions import Viewer
from generic_interface.simulator.store import DYNAMIC_FIELDS, TicketStore
from generic_interface.simulator.wire import Json, OperationError, is_true, missing

ARTICLE_FIELDS = ("ArtikelKm",)
RESPONSIBLE_ID = 1
"""Nobody else is ever responsible: the feature is off by default."""


def ticket_ids(operation: str, value: object) -> list[str]:
    """The ids of a call: a number, a text, a comma list with or without blanks, an array. Raises OperationError."""
    if isinstance(value, dict) or value == []:
        raise OperationError(f"{operation}.WrongStructure", f"{operation}: Structure for TicketID is not correct!")
    if isinstance(value, list):
        return [str(item).strip() for item in value]
    if not is_true(value):
        raise missing(operation, "TicketID")
    return [part.strip() for part in str(value).split(",")]


def ticket_get(data: TicketStore, viewer: Viewer, parameters: Json) -> Json:
    """Answer ``{"Ticket": [...]}`` in the order asked. One id that may not be read spoils the whole call."""
    found = []
    for ticket_id in ticket_ids("TicketGet", parameters.get("TicketID")):
        ticket = data.tickets.get(ticket_id)
        if ticket is None or not may_see(viewer, ticket):
            raise tickets_denied()
        found.append(ticket)
    return {"Ticket": [_ticket(data, ticket, parameters) for ticket in found]}


def history_get(data: TicketStore, viewer: Viewer, parameters: Json) -> Json:
    """Answer ``{"TicketHistory": [{"TicketID": "12", "History": [...]}]}``; for agents only."""
    if not isinstance(viewer, Agent):
        raise OperationError("TicketHistoryGet.AuthFail", "TicketHistoryGet: User needs to an Agent!")
    histories = []
    for ticket_id in ticket_ids("TicketHistoryGet", parameters.get("TicketID")):
        ticket = data.tickets.get(ticket_id)
        if ticket is None or not may_see(viewer, ticket):
            raise history_denied(ticket_id)
        lines = [plain_history_line(ticket_id, line) for line in ticket.lines()]
        histories.append({"TicketID": ticket_id, "History": lines})
    return {"TicketHistory": histories}


def tickets_denied() -> OperationError:
    """Unknown, deleted and forbidden look the same, and nothing says which id it was."""
    return OperationError("TicketGet.AccessDenied", "TicketGet: User does not have access to the ticket!")


def history_denied(ticket_id: str) -> OperationError:
    message = f"TicketHistoryGet: User does not have access to the ticket {ticket_id}!"
    return OperationError("TicketHistoryGet.AccessDenied", message)


def _ticket(data: TicketStore, ticket: Ticket, parameters: Json) -> Json:
    answer = _basic(ticket, data)
    if is_true(parameters.get("Extended")):
        answer |= _extended(ticket)
    if is_true(parameters.get("DynamicFields")):
        answer["DynamicField"] = [
            {"Name": name, "Value": ticket.dynamic_fields.get(name)} for name in sorted(DYNAMIC_FIELDS)
        ]
    if is_true(parameters.get("AllArticles")) and ticket.articles:
        articles = sorted(ticket.articles, key=lambda article: article.article_id)
        answer["Article"] = [
            _article(ticket, article, position, parameters) for position, article in enumerate(articles, start=1)
        ]
    return answer


def _basic(ticket: Ticket, data: TicketStore) -> Json:
    return {
        "Age": epoch(data.now) - epoch(ticket.created),
        "ArchiveFlag": "n",
        "ChangeBy": ticket.changed_by,
        "Changed": str(ticket.changed),
        "CreateBy": ticket.created_by,
        "Created": str(ticket.created),
        "CustomerID": ticket.customer_number,
        "CustomerUserID": ticket.customer_user,
        "EscalationResponseTime": 0,
        "EscalationSolutionTime": 0,
        "EscalationTime": 0,
        "EscalationUpdateTime": 0,
        "GroupID": ticket.queue.group_id,
        "Lock": "unlock",
        "LockID": 1,
        "Owner": ticket.owner.login,
        "OwnerID": ticket.owner.user_id,
        "Priority": "3 normal",
        "PriorityColor": "#cdcdcd",
        "PriorityID": 3,
        "Queue": ticket.queue.name,
        "QueueID": ticket.queue.queue_id,
        "RealTillTimeNotUsed": 0,
        "Responsible": data.agent_by_id(RESPONSIBLE_ID).login,
        "ResponsibleID": RESPONSIBLE_ID,
        "SLAID": "",
        "ServiceID": "",
        "State": ticket.state.name,
        "StateID": ticket.state.state_id,
        "StateType": ticket.state.state_type,
        "TicketID": int(ticket.ticket_id),
        "TicketNumber": ticket.number,
        "TimeUnit": _number(ticket.units()),
        "Title": ticket.title,
        "Type": "Unclassified",
        "TypeID": 1,
        "UnlockTimeout": ticket.unlock_timeout,
        "UntilTime": 0,
    }


def _extended(ticket: Ticket) -> Json:
    """The closing stays when the ticket is open again; the first response is the first note a customer can see."""
    more: Json = {}
    if ticket.closed is not None:
        more["Closed"] = str(ticket.closed)
        more["SolutionInMin"] = working_minutes(ticket.created, ticket.closed)
    visible = [article.at for article in ticket.articles if article.visible]
    if visible:
        more["FirstResponse"] = str(min(visible))
    return more


def _article(ticket: Ticket, article: Article, position: int, parameters: Json) -> Json:
    units = sum((entry.units for entry in ticket.entries if entry.article_id == article.article_id), Decimal(0))
    answer: Json = {
        "ArticleID": article.article_id,
        "ArticleNumber": position,
        "Bcc": article.recipients[2],
        "Body": article.body,
        "Cc": article.recipients[1],
        "ChangeBy": article.user_id,
        "ChangeTime": str(article.at),
        "Charset": "utf-8",
        "CommunicationChannelID": article.channel,
        "ContentCharset": "utf-8",
        "ContentType": "text/plain; charset=utf-8",
        "CreateBy": article.user_id,
        "CreateTime": str(article.at),
        "From": article.sender,
        "InReplyTo": "",
        "IncomingTime": epoch(article.at),
        "IsVisibleForCustomer": int(article.visible),
        "MessageID": "",
        "MimeType": "text/plain",
        "References": "",
        "ReplyTo": "",
        "SenderType": "agent",
        "SenderTypeID": "1",
        "Subject": article.subject,
        "TicketID": int(ticket.ticket_id),
        "TimeUnit": _number(units),
        "To": article.recipients[0] or ticket.queue.name,
    }
    if is_true(parameters.get("DynamicFields")):
        answer["DynamicField"] = [{"Name": name, "Value": None} for name in ARTICLE_FIELDS]
    if is_true(parameters.get("Attachments")) and article.attachments:
        answer["Attachment"] = _attachments(article, with_content=is_true(parameters.get("GetAttachmentContents", 1)))
    return answer


def _attachments(article: Article, *, with_content: bool) -> list[Json]:
    return [
        {
            "Content": base64.b64encode(attachment.content).decode() if with_content else "",
            "ContentAlternative": "",
            "ContentID": "",
            "ContentType": attachment.content_type,
            "Disposition": "attachment",
            "FileID": str(position),
            "Filename": attachment.filename,
            "FilesizeRaw": str(len(attachment.content)),
        }
        for position, attachment in enumerate(article.attachments, start=1)
    ]


def plain_history_line(ticket_id: str, line: HistoryLine) -> Json:
    return {
        "ArticleID": line.article_id,
        "CreateBy": line.user_id,
        "CreateTime": str(line.at),
        "HistoryType": line.kind,
        "HistoryTypeID": HISTORY_TYPES[line.kind],
        "Name": line.name,
        "OwnerID": line.owner_id,
        "PriorityID": 3,
        "QueueID": line.queue_id,
        "StateID": line.state_id,
        "TicketID": ticket_id,
        "TypeID": 1,
    }


def _number(units: Decimal) -> int | float:
    """A JSON number as Perl prints it: whole numbers without a point, at most 15 digits otherwise."""
    return int(units) if units == units.to_integral_value() else float(units)
