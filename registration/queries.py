"""Questions about the registered systems that the database answers."""

from datetime import datetime

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.expressions import Expression

from registration.date_check import GRACE, PATIENCE, SILENCE, Status
from registration.models import RegisteredSystem


def status_expression(now: datetime) -> Expression:
    """``date_check.status_of`` in SQL, so that lists can be filtered and sorted by it."""
    state = RegisteredSystem.State
    return Case(
        When(Q(state__in=(state.RETIRED, state.DEREGISTERED)), then=F("state")),
        When(Q(state=state.CONFLICT, conflict_at__lt=now - GRACE), then=Value(Status.EXPIRED.value)),
        When(Q(state=state.CONFLICT), then=Value(Status.CONFLICT.value)),
        When(Q(last_ok_at__lt=now - SILENCE - GRACE), then=Value(Status.EXPIRED.value)),
        When(Q(last_ok_at__lt=now - SILENCE), then=Value(Status.GRACE.value)),
        When(Q(next_due_at__lt=now - PATIENCE), then=Value(Status.OVERDUE.value)),
        When(Q(next_due_at__lt=now), then=Value(Status.DUE.value)),
        default=Value(Status.ACTIVE.value),
        output_field=CharField(),
    )


def with_status(systems: QuerySet[RegisteredSystem], *, now: datetime) -> QuerySet[RegisteredSystem]:
    """Each with ``status``, one of ``date_check.Status``."""
    return systems.annotate(status=status_expression(now))
