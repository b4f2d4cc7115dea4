"""What stands in the outbox: asked for once, sent again by a person, settled by a person."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from audit.actions import Action
from audit.recording import entry, origins_of, record, record_all
from common.jobs import Job, claimable
from tickets.models import AnyUser, Customer
from tickets.outbox_models import OutboxItem

Outcome = OutboxItem.Outcome


def items_visible_to(user: AnyUser) -> QuerySet[OutboxItem]:
    """Those of the customers that the user may see, without their files."""
    found = OutboxItem.objects.filter(customer__in=Customer.objects.visible_to(user))
    return found.select_related("system", "customer", "ticket", "started_by").defer("content")


def needing_a_person(items: QuerySet[OutboxItem]) -> QuerySet[OutboxItem]:
    """Those that the portal has given up: refused, or nobody knows whether they were written."""
    return items.filter(state=Job.State.FAILED)


def due(now: datetime) -> QuerySet[OutboxItem]:
    """What is to be worked on now, the oldest first."""
    free = Q(look_at__isnull=True) | Q(look_at__lte=now)
    return OutboxItem.objects.filter(claimable(now), free).order_by("created_at", "pk")


def put(items: Iterable[OutboxItem]) -> list[OutboxItem]:
    """Those that are not there yet; of two with one key the first stays. In the order given, as they are stored."""
    wanted = list(items)
    keys = [item.key for item in wanted]
    with transaction.atomic():
        known = set(OutboxItem.objects.filter(key__in=keys).values_list("key", flat=True))
        OutboxItem.objects.bulk_create(wanted, ignore_conflicts=True)
        stored = OutboxItem.objects.defer("content").in_bulk(keys, field_name="key")
        new = [stored[key] for key in dict.fromkeys(keys) if key not in known]
        origins = origins_of(item.started_by_id for item in new)
        record_all(
            entry(Action.WRITTEN, target=item, text=item.subject, origin=origins[item.started_by_id]) for item in new
        )
    return [stored[key] for key in keys]


def ask_again(item: OutboxItem) -> bool:
    """Have it looked at, and written if it is not there; ``False`` where it is written or being worked on.

    A mail of which nobody knows whether it left is not sent again: see ``settle``.
    """
    idle = OutboxItem.objects.filter(pk=item.pk, state__in=[Job.State.QUEUED, Job.State.FAILED])
    stored_unknown = Q(state=Job.State.FAILED, outcome=Outcome.UNKNOWN) & ~Q(upstream_article_id="")
    with transaction.atomic():
        done = idle.exclude(stored_unknown).update(state=Job.State.QUEUED, attempts=0, look_at=None, error="")
        if done:
            record(Action.WRITTEN_AGAIN, target=item)
    item.refresh_from_db()
    return done == 1


def settle(item: OutboxItem, *, was_sent: bool, now: datetime) -> bool:
    """What a person found out about a mail that is stored; one that was not sent is sent from the same ticket.

    ``False`` where that is not the question any more.
    """
    asked = OutboxItem.objects.filter(pk=item.pk, state=Job.State.FAILED, outcome=Outcome.UNKNOWN)
    asked = asked.exclude(upstream_article_id="")
    with transaction.atomic():
        if was_sent:
            done = asked.update(
                state=Job.State.DONE, complete=True, outcome=Outcome.DONE, outcome_text="", error="", finished_at=now
            )
        else:
            unsent = [*item.unsent_articles, item.upstream_article_id]
            done = asked.filter(upstream_article_id=item.upstream_article_id).update(
                state=Job.State.QUEUED,
                outcome=Outcome.UNSENT,
                unsent_articles=unsent,
                upstream_article_id="",
                attempts=0,
                look_at=None,
                error="",
            )
        if done:
            record(Action.OUTCOME_SETTLED, target=item, text="sent" if was_sent else "not sent")
    item.refresh_from_db()
    return done == 1
