"""Mails after scheduled runs: the result to those who bill, and to each account manager what waits for them.

A mail is a row before it is sent, one for each start, kind and person. A worker takes it by a conditional UPDATE. What
the mail server has certainly not taken is tried again, ``MOST_TRIES`` times in all; where that is not known, because
the connection broke meanwhile or the worker died, it is not: a person finds the row on the run's page.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db.models import F, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from billing.discrepancies import discrepancies
from billing.mail_texts import Digest, Letter, digest_letter, one_line, result_letter
from billing.models import Order
from billing.run_models import RunMail, RunStart
from billing.settlement_models import Kind
from tickets.models import Customer, sees_all_customers

RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""Pauses after a vain try."""
MOST_TRIES = len(RETRIES) + 1
LONGEST_SENDING = timedelta(minutes=15)
"""What is being sent for longer belongs to a worker that died."""
MOST_AT_ONCE = 100
LATE = (Kind.LATE, Kind.NEGATIVE_LATE)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``is_over`` unless it may be tried again; ``is_reachable`` says whether the mail server answered at all."""

    state: RunMail.State
    error: str = ""
    is_over: bool = True
    is_reachable: bool = True


def plan_mails(start: RunStart, *, now: datetime) -> None:
    """Make the rows of the mails about a start that has just ended; for the transaction that ends it.

    Only a scheduled one is told of, and only where mail is set up; one that ended as incomplete as the one before it,
    for the same reasons, is not told again.
    """
    start.refresh_from_db()
    if start.by != RunStart.By.SCHEDULER or not settings.SENDS_MAIL or _is_repetition(start):
        return
    readers = [(RunMail.Kind.RESULT, user) for user in _billing_people()]
    readers += [(RunMail.Kind.DIGEST, user) for user in _account_managers(start.run.customer)]
    RunMail.objects.bulk_create(RunMail(start=start, kind=kind, user=user, due_at=now) for kind, user in readers)


def send_mails(*, clock: Callable[[], datetime], language_of: Callable[[User], str]) -> int:
    """Send what waits, in the language of each reader; returns how many mails the mail server has taken.

    Stops at the first mail for which the server cannot be reached; the others are due a minute later.
    """
    now = clock()
    lost = RunMail.objects.filter(state=RunMail.State.SENDING, due_at__lt=now - LONGEST_SENDING)
    lost.update(state=RunMail.State.FAILED, ended_at=now, error=_unknown())
    waiting = RunMail.objects.filter(state=RunMail.State.WAITING, due_at__lte=now).order_by("due_at", "pk")
    sent = 0
    for pk in list(waiting.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        if not waiting.filter(pk=pk).update(
            state=RunMail.State.SENDING, attempts=F("attempts") + 1, due_at=clock(), error=""
        ):
            continue
        mail = RunMail.objects.select_related("start__run__customer", "user").get(pk=pk)
        outcome = _send(mail, language_of(mail.user))
        _note(mail, outcome, now=clock())
        sent += outcome.state == RunMail.State.SENT
        if not outcome.is_reachable:
            break
    return sent


def _is_repetition(start: RunStart) -> bool:
    before = RunStart.objects.filter(run=start.run_id, by=RunStart.By.SCHEDULER, at__lt=start.at).first()
    if before is None or start.complete:
        return False
    told = ("state", "problems", "failures")
    return all(getattr(before, name) == getattr(start, name) for name in told)


def _billing_people() -> QuerySet[User]:
    """Members of a group that may bill, with an address."""
    may_bill = {
        "groups__permissions__codename": "run_billing",
        "groups__permissions__content_type__app_label": "billing",
    }
    return _reachable().filter(**may_bill).distinct()


def _account_managers(customer: Customer | None) -> QuerySet[User]:
    managers = _reachable().filter(customers__isnull=False)
    if customer is not None:
        managers = managers.filter(customers=customer)
    return managers.distinct()


def _reachable() -> QuerySet[User]:
    return get_user_model().objects.filter(is_active=True).exclude(email="").order_by("pk")


def _send(mail: RunMail, language: str) -> _Outcome:
    with translation.override(language):
        letter = _letter(mail)
    if letter is None:
        return _Outcome(RunMail.State.UNNEEDED)
    host = urlsplit(settings.PORTAL_URL).hostname or "localhost"
    headers = {"Message-ID": f"<run-mail-{mail.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(letter.subject, letter.body, to=[mail.user.email], headers=headers)
    return _hand_over(message)


def _letter(mail: RunMail) -> Letter | None:
    """As things are now; ``None`` when there is nothing to tell, or the reader may not see it any more."""
    user = mail.user
    if not user.is_active or not user.email:
        return None
    if mail.kind == RunMail.Kind.RESULT:
        may_bill = user.has_perm("billing.run_billing") and sees_all_customers(user)
        return result_letter(mail.start) if may_bill else None
    digest = digest_of(user)
    return None if digest.is_empty else digest_letter(digest)


def digest_of(user: User) -> Digest:
    """What waits of the customers that are assigned to the user, also where the user sees all."""
    own = Customer.objects.filter(account_managers=user).values("pk")
    drafts = Order.objects.visible_to(user).filter(state=Order.State.DRAFT, customer__in=own)
    assigned = set(own.values_list("pk", flat=True))
    late = [
        found.minutes_at_stake
        for found in discrepancies(user=user)
        if found.kind in LATE and found.position.order.customer_id in assigned
    ]
    return Digest(
        drafts=list(drafts.select_related("customer").order_by("customer__customer_id", "month", "number")),
        late_entries=len(late),
        late_minutes=sum(late, Decimal(0)),
    )


def _hand_over(message: EmailMessage) -> _Outcome:
    """Errors of the mail protocol are ``OSError`` too; an answer of the server carries its code."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, ValueError) as error:
        text = _("The mail server cannot be reached: %(error)s") % {"error": one_line(str(error))}
        return _Outcome(RunMail.State.WAITING, text, is_over=False, is_reachable=False)
    try:
        connection.send_messages([message])
    except ValueError as error:  # found while the message was put together
        text = _("The mail cannot be written to this address: %(error)s") % {"error": one_line(str(error))}
        return _Outcome(RunMail.State.FAILED, text)
    except OSError as error:
        return _refusal(error)
    finally:
        with suppress(OSError):  # the mail was taken or not by now
            connection.close()
    return _Outcome(RunMail.State.SENT)


def _refusal(error: OSError) -> _Outcome:
    """A server that answered has not taken the mail; a code of 4xx says that it may later."""
    recipients = getattr(error, "recipients", None) or {}
    codes = [code for code, _text in recipients.values()] or [getattr(error, "smtp_code", None)]
    if codes == [None]:
        return _Outcome(RunMail.State.FAILED, f"{_unknown()} ({one_line(str(error))})")
    text = _("The mail server refused the mail: %(error)s") % {"error": one_line(str(error))}
    return _Outcome(RunMail.State.FAILED, text, is_over=not all(400 <= code < 500 for code in codes))


def _note(mail: RunMail, outcome: _Outcome, *, now: datetime) -> None:
    is_over = outcome.is_over or mail.attempts >= MOST_TRIES
    values = {"state": outcome.state, "error": outcome.error, "ended_at": now}
    if not outcome.is_over:
        values["state"] = RunMail.State.FAILED if is_over else RunMail.State.WAITING
    if not is_over:
        values |= {"ended_at": None, "due_at": now + RETRIES[mail.attempts - 1]}
    RunMail.objects.filter(pk=mail.pk, state=RunMail.State.SENDING, attempts=mail.attempts).update(**values)


def _unknown() -> str:
    return _("It is not known whether the mail server took the mail, so it is not sent again.")
