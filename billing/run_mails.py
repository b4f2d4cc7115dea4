"""Mails after scheduled runs: the result to those who bill, and to each account manager what waits for them.

One row for each start, kind and person; ``common.mails`` sends each of them once. What one pass of the scheduler has
started is told in one mail, once all of it has ended: that of the first row.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation

from billing.discrepancies import discrepancies
from billing.mail_texts import Digest, digest_letter, result_letter
from billing.models import Order
from billing.run_models import RunMail, RunStart
from billing.settlement_models import Kind
from common.jobs import Job
from common.letters import Letter
from common.mails import UNNEEDED, Outcome, hand_over, send_waiting
from tickets.models import Customer, sees_all_customers

LATE = (Kind.LATE, Kind.NEGATIVE_LATE)


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
    """Send what waits, in the language of each reader; returns how many mails the mail server has taken."""
    now = clock()
    ready = _not_of_open_passes()
    waiting = ready.filter(state=RunMail.State.WAITING, due_at__lte=now)
    _followers(waiting).update(state=RunMail.State.JOINED, ended_at=now)
    mails = RunMail.objects.select_related("start__run__customer", "user")
    return send_waiting(mails, ready=ready, clock=clock, send=lambda mail: _send(mail, language_of(mail.user)))


def _not_of_open_passes() -> QuerySet[RunMail]:
    """Mails about passes of the scheduler of which no run is on its way any more."""
    active = (Job.State.QUEUED, Job.State.RUNNING)
    open_starts = RunStart.objects.filter(by=RunStart.By.SCHEDULER, ended_at=None, run__state__in=active)
    return RunMail.objects.exclude(start__at__in=open_starts.order_by().values("at"))


def _followers(waiting: QuerySet[RunMail]) -> QuerySet[RunMail]:
    """Of these the rows that are told in the mail of an earlier one that waits: of the same pass, to the same person.

    Where that one is on its way already, they come too late for it and are told by themselves.
    """
    earlier = RunMail.objects.filter(
        state=RunMail.State.WAITING,
        start__at=OuterRef("start__at"),
        kind=OuterRef("kind"),
        user=OuterRef("user"),
        pk__lt=OuterRef("pk"),
    )
    keys = waiting.order_by().filter(Exists(earlier)).values_list("pk", flat=True)
    return RunMail.objects.filter(pk__in=list(keys), state=RunMail.State.WAITING)


def _starts_of(mail: RunMail) -> list[RunStart]:
    """What the mail tells of: its own start and those of the same pass that have joined it."""
    joined = RunMail.objects.filter(state=RunMail.State.JOINED, pk__gt=mail.pk, kind=mail.kind, user=mail.user_id)
    told = joined.filter(start__at=mail.start.at).order_by().values("start")
    starts = RunStart.objects.filter(Q(pk=mail.start_id) | Q(pk__in=told))
    return list(starts.select_related("run__customer").order_by("run__month", "run__customer__customer_id", "pk"))


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


def _send(mail: RunMail, language: str) -> Outcome:
    with translation.override(language):
        letter = _letter(mail)
    return UNNEEDED if letter is None else hand_over(letter, to=mail.user.email, name=f"run-mail-{mail.pk}")


def _letter(mail: RunMail) -> Letter | None:
    """As things are now; ``None`` when there is nothing to tell, or the reader may not see it any more."""
    user = mail.user
    if not user.is_active or not user.email:
        return None
    if mail.kind == RunMail.Kind.RESULT:
        may_bill = user.has_perm("billing.run_billing") and sees_all_customers(user)
        return result_letter(_starts_of(mail)) if may_bill else None
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
