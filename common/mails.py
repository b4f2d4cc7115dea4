"""Mails that are a row before they are sent, and sent once.

A worker takes a row by a conditional UPDATE. What the mail server has certainly not taken is tried again,
``MOST_TRIES`` times in all; where that is not known, because the connection broke meanwhile or the worker died, it is
not: a person finds the row.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import models
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.letters import Letter, one_line

RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""Pauses after a vain try."""
MOST_TRIES = len(RETRIES) + 1
LONGEST_SENDING = timedelta(minutes=15)
"""What is being sent for longer belongs to a worker that died."""
MOST_AT_ONCE = 100


class Mail(models.Model):
    """Base of the mails; the kind of mail says to whom and what about."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("waiting")
        SENDING = "sending", gettext_lazy("being sent")
        SENT = "sent", gettext_lazy("sent")
        UNNEEDED = "unneeded", gettext_lazy("nothing to tell")
        JOINED = "joined", gettext_lazy("told in one mail with others")
        FAILED = "failed", gettext_lazy("failed")

    state = models.CharField(gettext_lazy("state"), max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(gettext_lazy("attempts"), default=0)
    due_at = models.DateTimeField(
        gettext_lazy("due"), help_text=gettext_lazy("Not before; of one that is being sent: when that began.")
    )
    ended_at = models.DateTimeField(gettext_lazy("ended"), null=True, blank=True)
    error = models.TextField(gettext_lazy("error"), blank=True)

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """``is_over`` unless it may be tried again; ``is_reachable`` says whether the mail server answered at all."""

    state: Mail.State
    error: str = ""
    is_over: bool = True
    is_reachable: bool = True


UNNEEDED = Outcome(Mail.State.UNNEEDED)


def send_waiting(
    mails: QuerySet[Any],
    *,
    clock: Callable[[], datetime],
    send: Callable[[Any], Outcome],
    ready: QuerySet[Any] | None = None,
) -> int:
    """Send what waits among ``mails``, a queryset of a kind of ``Mail``; returns how many the mail server has taken.

    ``ready`` are those that may go, where that is not all of them.
    Stops at the first mail for which the server cannot be reached; the others are due a minute later.
    """
    now = clock()
    lost = mails.filter(state=Mail.State.SENDING, due_at__lt=now - LONGEST_SENDING)
    lost.update(state=Mail.State.FAILED, ended_at=now, error=_unknown())
    # Without joins: an UPDATE that looks for its rows in a subquery takes a row that another worker has just taken.
    rows = mails.model._base_manager.all()
    may_go = mails if ready is None else ready
    waiting = may_go.filter(state=Mail.State.WAITING, due_at__lte=now).order_by("due_at", "pk")
    sent = 0
    for pk in list(waiting.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        taken = {"state": Mail.State.SENDING, "attempts": F("attempts") + 1, "due_at": clock(), "error": ""}
        if not rows.filter(pk=pk, state=Mail.State.WAITING, due_at__lte=now).update(**taken):
            continue
        mail = mails.get(pk=pk)
        outcome = send(mail)
        _note(mails, mail, outcome, now=clock())
        sent += outcome.state == Mail.State.SENT
        if not outcome.is_reachable:
            break
    return sent


def hand_over(letter: Letter, *, to: str, name: str) -> Outcome:
    """Give the letter to the mail server; ``name`` begins its Message-ID, so that a double can be told."""
    host = urlsplit(settings.PORTAL_URL).hostname or "localhost"
    headers = {"Message-ID": f"<{name}@{host}>", "Auto-Submitted": "auto-generated"}
    return _hand_over(EmailMessage(letter.subject, letter.body, to=[to], headers=headers))


def _hand_over(message: EmailMessage) -> Outcome:
    """Errors of the mail protocol are ``OSError`` too; an answer of the server carries its code."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, ValueError) as error:
        text = _("The mail server cannot be reached: %(error)s") % {"error": one_line(str(error))}
        return Outcome(Mail.State.WAITING, text, is_over=False, is_reachable=False)
    try:
        connection.send_messages([message])
    except ValueError as error:  # found while the message was put together
        text = _("The mail cannot be written to this address: %(error)s") % {"error": one_line(str(error))}
        return Outcome(Mail.State.FAILED, text)
    except OSError as error:
        return _refusal(error)
    finally:
        with suppress(OSError):  # the mail was taken or not by now
            connection.close()
    return Outcome(Mail.State.SENT)


def _refusal(error: OSError) -> Outcome:
    """A server that answered has not taken the mail; a code of 4xx says that it may later."""
    recipients = getattr(error, "recipients", None) or {}
    codes = [code for code, _text in recipients.values()] or [getattr(error, "smtp_code", None)]
    if codes == [None]:
        return Outcome(Mail.State.FAILED, f"{_unknown()} ({one_line(str(error))})")
    text = _("The mail server refused the mail: %(error)s") % {"error": one_line(str(error))}
    return Outcome(Mail.State.FAILED, text, is_over=not all(400 <= code < 500 for code in codes))


def _note(mails: QuerySet[Any], mail: Mail, outcome: Outcome, *, now: datetime) -> None:
    is_over = outcome.is_over or mail.attempts >= MOST_TRIES
    values: dict[str, Any] = {"state": outcome.state, "error": outcome.error, "ended_at": now}
    if not outcome.is_over:
        values["state"] = Mail.State.FAILED if is_over else Mail.State.WAITING
    if not is_over:
        values |= {"ended_at": None, "due_at": now + RETRIES[mail.attempts - 1]}
    mails.filter(pk=mail.pk, state=Mail.State.SENDING, attempts=mail.attempts).update(**values)


def _unknown() -> str:
    return _("It is not known whether the mail server took the mail, so it is not sent again.")
