"""Writes what stands in the outbox, each thing once.

No write is repeated blindly. Before a second one the ticket system is looked at: a ticket is found by the marker in its
title, an article by the marker in its text. After a time-out the ticket system may still be working on the request, so
"not there" counts only when ``SETTLING`` has passed. A mail whose signing failed is stored and not mailed; of one that
was to be signed and got no answer nobody can say whether it left, so a person does.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import jobs
from common.fields import DecryptionError
from common.jobs import Job, LeaseLost, released_at_time_limit
from generic_interface.articles import Attachment, NewArticle, NewTicket, create_parameters, update_parameters
from generic_interface.client import Client
from generic_interface.errors import AuthenticationFailed, InterfaceError, OperationFailed, WrongRequest
from generic_interface.mailing import Key, Mail, Protection
from generic_interface.records import ArticleRecord, WrittenTicket
from tickets.connect import open_client
from tickets.models import TicketSystem
from tickets.outbox import due
from tickets.outbox_models import OutboxItem
from tickets.queries import lock_system

Outcome = OutboxItem.Outcome
SETTLING = timedelta(minutes=10)
"""Longer than a web server works on a request that nobody waits for any more."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120))
"""After each vain go; with the last of them a person has to look."""
MOST_AT_ONCE = 100
"""Items for one message, so that no task grows with the outbox."""
NOT_MAILED = "Article could not be created"
"""What the ticket system answers when it has stored an article and could not sign, encrypt or mail it."""


def deliver_waiting(
    system: TicketSystem,
    *,
    clock: Callable[[], datetime] = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
    most: int = MOST_AT_ONCE,
) -> int:
    """Work on what is due for the ticket system, one after the other; returns how many were looked at.

    Another worker that does so is left alone. After a refused login nothing more is tried: they are counted there.
    """
    try:
        client = make_client(system)
    except (InterfaceError, DecryptionError) as error:
        _fail_all(system, str(error), now=clock())
        return 0
    done = 0
    with client:
        for item in _claimed(system, clock, most):
            done += 1
            try:
                with released_at_time_limit(item, clock=clock):
                    _Delivery(item, client, clock).run()
            except AuthenticationFailed as error:
                _fail_all(system, str(error), now=clock())
            except LeaseLost:
                break
    return done


def _claimed(system: TicketSystem, clock: Callable[[], datetime], most: int) -> Iterator[OutboxItem]:
    for _turn in range(most):
        item = _claim_next(system, now=clock())
        if item is None:
            return
        yield item


@transaction.atomic
def _claim_next(system: TicketSystem, *, now: datetime) -> OutboxItem | None:
    """One worker at a time for a ticket system, whatever number of messages there are."""
    lock_system(system.pk)
    if OutboxItem.objects.filter(system=system, state=Job.State.RUNNING, lease_until__gte=now).exists():
        return None
    item = due(now).filter(system=system).select_related("ticket", "customer").first()
    return item if item is not None and jobs.claim(item, now=now) else None


def _fail_all(system: TicketSystem, error: str, *, now: datetime) -> None:
    """What waits fails with the reason; what is in doubt stays in doubt."""
    waiting = due(now).filter(system=system, state=Job.State.QUEUED)
    failed = {"state": Job.State.FAILED, "error": error, "outcome_text": error, "finished_at": now}
    keys = list(waiting.values_list("pk", flat=True))
    found = OutboxItem.objects.filter(pk__in=keys, state=Job.State.QUEUED)
    found.filter(outcome=Outcome.WAITING).update(outcome=Outcome.REFUSED, **failed)
    found.update(**failed)


class _Delivery:
    """One go at one item."""

    def __init__(self, item: OutboxItem, client: Client, clock: Callable[[], datetime]) -> None:
        self.item = item
        self.client = client
        self.clock = clock
        client.on_request = self._renew

    def run(self) -> None:
        """Raises ``LeaseLost``, and ``AuthenticationFailed`` when that is written down."""
        item = self.item
        try:
            article = self._look() if item.tries else None
        except InterfaceError as error:
            self._stop(error, outcome=Outcome.UNKNOWN if item.in_doubt else item.outcome)
            return
        if article is not None:
            self._found(article)
        elif item.in_doubt and self._settled_at() > self.clock():
            self._wait_and_see(_("The ticket system was looked at: it is not there."))
        else:
            self._write()

    def _look(self) -> ArticleRecord | None:
        """The article in the ticket system, if it is there; a ticket without its article is remembered."""
        item = self.item
        if item.ticket is None and not item.upstream_ticket_id:
            found = self.client.find_marked(item.marker)
            if not found:
                return None
            oldest = min(found, key=lambda ticket: int(ticket.ticket_id))
            self._remember(WrittenTicket(ticket_id=oldest.ticket_id, number=oldest.number, article_id=None))
        for article in self.client.articles(self._ticket_id()):
            if article.holds(item.marker) and article.article_id not in item.unsent_articles:
                return article
        return None

    def _write(self) -> None:
        item = self.item
        self._store(tries=item.tries + 1, sent_at=self.clock(), outcome=Outcome.SENDING, outcome_text="")
        try:
            written = self._send()
        except InterfaceError as error:
            self._failed(error)
            return
        self._remember(written)
        self._close(Job.State.DONE, Outcome.DONE, "")

    def _send(self) -> WrittenTicket:
        item = self.item
        article, files = article_of(item), attachments_of(item)
        if item.ticket is not None or item.upstream_ticket_id:
            return self.client.ticket_update(self._ticket_id(), article=article, attachments=files)
        return self.client.ticket_create(ticket_of(item), article, attachments=files)

    def _failed(self, error: InterfaceError) -> None:
        """An error that may have written is looked into at once; any other wrote nothing."""
        if not error.maybe_done:
            self._stop(error, outcome=Outcome.WAITING)
            return
        try:
            article = self._look()
        except InterfaceError as second:
            self._stop(second, outcome=Outcome.UNKNOWN, text=f"{error} {second}")
            return
        if article is None:
            self._wait_and_see(str(error))
        elif self._was_not_mailed(error):
            self._keep_unsent(article, str(error))
        else:
            self._found(article)

    def _was_not_mailed(self, error: InterfaceError) -> bool:
        is_mail = self.item.kind == OutboxItem.Kind.MAIL
        return is_mail and isinstance(error, OperationFailed) and NOT_MAILED in str(error)

    def _keep_unsent(self, article: ArticleRecord, error: str) -> None:
        text = _(
            "The ticket system stored ticket and text, but could not sign, encrypt or mail it, so nothing was mailed. "
            "Check the keys and the mail set-up there, then try again: the mail goes out from the same ticket."
        )
        self._store(unsent_articles=[*self.item.unsent_articles, article.article_id])
        self._close(Job.State.FAILED, Outcome.UNSENT, f"{text} {error}")

    def _found(self, article: ArticleRecord) -> None:
        """No answer came, but it is there. Whether a signature failed before that answer, it does not tell."""
        self._store(upstream_article_id=article.article_id)
        if self.item.kind == OutboxItem.Kind.MAIL and (self.item.sign or self.item.crypt):
            text = _(
                "No answer came. Ticket and text are in the ticket system; whether the mail could be signed and left "
                "is seen only there. Look at the ticket, then say here whether it was mailed. Nothing is sent before."
            )
            self._close(Job.State.FAILED, Outcome.UNKNOWN, text)
            return
        self._close(Job.State.DONE, Outcome.DONE, _("No answer came, but it was found in the ticket system."))

    def _wait_and_see(self, text: str) -> None:
        """It is not there, and the ticket system may still be working on it."""
        more = _("It is looked for again before it is written once more.")
        self._postpone(Outcome.UNKNOWN, f"{text} {more}", until=self._settled_at())

    def _stop(self, error: InterfaceError, *, outcome: str, text: str = "") -> None:
        """Come again later where that may help; otherwise a person has to do something."""
        if error.retryable:
            self._postpone(outcome, text or str(error), until=None)
            return
        self._close(Job.State.FAILED, Outcome.REFUSED if outcome == Outcome.WAITING else outcome, text or str(error))
        if isinstance(error, AuthenticationFailed):
            raise error

    def _postpone(self, outcome: str, text: str, *, until: datetime | None) -> None:
        if self.item.attempts > len(PAUSES):
            self._close(Job.State.FAILED, Outcome.REFUSED if outcome == Outcome.WAITING else outcome, text)
            return
        pause = self.clock() + PAUSES[self.item.attempts - 1]
        with transaction.atomic():
            self._store(outcome=outcome, outcome_text=text, look_at=max(until or pause, self.clock()))
            jobs.finish(self.item, state=Job.State.QUEUED, complete=False, error="", now=self.clock())

    def _close(self, state: Job.State, outcome: str, text: str) -> None:
        failed = text if state == Job.State.FAILED else ""
        with transaction.atomic():
            self._store(outcome=outcome, outcome_text=text, look_at=None)
            jobs.finish(self.item, state=state, complete=state == Job.State.DONE, error=failed, now=self.clock())

    def _remember(self, written: WrittenTicket) -> None:
        self._store(
            upstream_ticket_id=written.ticket_id,
            upstream_number=written.number,
            upstream_article_id=written.article_id or "",
        )

    def _ticket_id(self) -> str:
        if self.item.ticket is None:
            return self.item.upstream_ticket_id
        if not self.item.ticket.ticket_id:
            text = _("The TicketID of ticket %(number)s is not known yet. Have its month read, then try again.")
            raise WrongRequest(text % {"number": self.item.ticket.number})
        return self.item.ticket.ticket_id

    def _settled_at(self) -> datetime:
        return (self.item.sent_at or self.clock()) + SETTLING

    def _store(self, **values: object) -> None:
        """With the lease renewed first: a worker that lost it writes nothing."""
        with transaction.atomic():
            self._renew()
            OutboxItem.objects.filter(pk=self.item.pk).update(**values)
        for name, value in values.items():
            setattr(self.item, name, value)

    def _renew(self) -> None:
        jobs.report(self.item, step="", done=0, total=1, now=self.clock())


def check_item(item: OutboxItem) -> None:
    """Raises ``WrongRequest`` for what would be refused without being sent."""
    if item.ticket is not None:
        update_parameters(article=article_of(item))
    else:
        create_parameters(ticket_of(item), article_of(item))


def ticket_of(item: OutboxItem) -> NewTicket:
    """The marker stands at the end of the title: there a search finds it."""
    return NewTicket(
        title=f"{item.title} [{item.marker}]",
        queue=item.queue,
        state=item.ticket_state,
        customer_user=item.customer_user,
        customer_id=item.customer.customer_id,
    )


def article_of(item: OutboxItem) -> NewArticle:
    """The marker stands on a line of its own at the end of the text."""
    return NewArticle(
        subject=item.subject, body=f"{item.body}\n\n[{item.marker}]", visible=item.visible, mail=_mail_of(item)
    )


def attachments_of(item: OutboxItem) -> Sequence[Attachment]:
    if item.content is None:
        return ()
    return (Attachment(filename=item.file_name, content_type=item.content_type, content=bytes(item.content)),)


def _mail_of(item: OutboxItem) -> Mail | None:
    if item.kind != OutboxItem.Kind.MAIL:
        return None
    return Mail(
        to=item.recipients("to"),
        cc=item.recipients("cc"),
        bcc=item.recipients("bcc"),
        sign=_key(item.sign, item.sign_key),
        crypt=_key(item.crypt, item.crypt_key),
    )


def _key(protection: str, name: str) -> Key | None:
    return Key(protection=Protection(protection), name=name) if protection else None
