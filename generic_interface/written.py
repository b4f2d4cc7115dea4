"""What the ticket system says of what was written, and the articles that are read to see whether it was."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from generic_interface.errors import BadAnswer
from generic_interface.records import ArticleRecord, WrittenTicket
from generic_interface.values import Fields


def read_written(answer: Mapping[str, object], operation: str, *, ticket_id: str | None = None) -> WrittenTicket:
    """TicketCreate or TicketUpdate. Raises ``BadAnswer``, by which it may have been carried out, for nonsense."""
    fields = Fields(answer, operation)
    articles = fields.identifiers("ArticleID") if "ArticleID" in answer else []
    written = WrittenTicket(
        ticket_id=fields.identifier("TicketID"),
        number=fields.text("TicketNumber"),
        article_id=articles[-1] if articles else None,
    )
    if ticket_id is not None and written.ticket_id != ticket_id:
        raise BadAnswer(f"{operation} of ticket {ticket_id} was answered for ticket {written.ticket_id}.")
    return written


def read_articles(answer: Mapping[str, object], ticket_id: str, *, zone: ZoneInfo) -> tuple[ArticleRecord, ...]:
    """TicketGet of one ticket with its articles, in the order of the server; a ticket without any lacks the key."""
    ticket = _the_one(answer, ticket_id)
    articles = ticket.objects("Article") if "Article" in ticket.values else []
    return tuple(_article(article.named(f"{ticket.where}, an article"), zone) for article in articles)


def read_title(answer: Mapping[str, object], ticket_id: str) -> tuple[str, str]:
    """Number and title of one ticket."""
    ticket = _the_one(answer, ticket_id)
    return ticket.text("TicketNumber"), ticket.text_or_empty("Title")


def _the_one(answer: Mapping[str, object], ticket_id: str) -> Fields:
    where = f"TicketGet, ticket {ticket_id}"
    tickets = Fields(answer, where).objects("Ticket")
    if [ticket.identifier("TicketID") for ticket in tickets] != [ticket_id]:
        raise BadAnswer(f"TicketGet of ticket {ticket_id} brought other tickets. Nothing of this answer was used.")
    return tickets[0].named(where)


def _article(article: Fields, zone: ZoneInfo) -> ArticleRecord:
    return ArticleRecord(
        article_id=article.identifier("ArticleID"),
        subject=article.optional_text("Subject"),
        body=article.optional_text("Body"),
        time_units=article.total("TimeUnit"),
        created=article.moment("CreateTime", zone),
    )
