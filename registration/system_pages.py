"""What the pages of registered systems show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.utils.safestring import SafeString

from registration.conflicts import Explanation, explain_conflict
from registration.date_check import Status, status_of
from registration.models import RegisteredSystem, SupportData
from registration.status_texts import ATTENTION, ENDED, LABELS, expiry, status_badge
from registration.support_data import Support, read_support_data


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLink:
    """So many systems in a state; ``value`` is that of the filter."""

    value: str
    label: str
    badge: SafeString
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPage:
    """``expires_at`` is ``None`` for what has ended; ``successor`` took its place where it was registered again."""

    status: Status
    badge: SafeString
    has_ended: bool
    expires_at: datetime | None
    needs_attention: bool
    conflict: Explanation | None
    support: Support | None
    support_at: datetime | None
    successor: RegisteredSystem | None


def state_links(counts: Mapping[Status, int]) -> list[StateLink]:
    """In the order of urgency."""
    return [
        StateLink(value=status.value, label=str(LABELS[status]), badge=status_badge(status), count=count)
        for status, count in counts.items()
    ]


def system_page(system: RegisteredSystem, *, now: datetime) -> SystemPage:
    """Two queries at most, besides what came with the system."""
    status = status_of(
        state=system.state,
        last_ok=system.last_ok_at,
        next_due=system.next_due_at,
        conflict_at=system.conflict_at,
        now=now,
    )
    has_ended, support = status in ENDED, _support_data(system)
    in_conflict = system.state == RegisteredSystem.State.CONFLICT
    return SystemPage(
        status=status,
        badge=status_badge(status),
        has_ended=has_ended,
        expires_at=None if has_ended else _expiry(system, in_conflict=in_conflict),
        needs_attention=status in ATTENTION,
        conflict=explain_conflict(system),
        support=None if support is None else read_support_data(support.content),
        support_at=None if support is None else support.received_at,
        successor=system.replaced_by.order_by("-pk").first() if has_ended else None,
    )


def _expiry(system: RegisteredSystem, *, in_conflict: bool) -> datetime:
    return expiry(last_ok=system.last_ok_at, conflict_at=system.conflict_at if in_conflict else None)


def _support_data(system: RegisteredSystem) -> SupportData | None:
    try:
        return system.support_data
    except ObjectDoesNotExist:
        return None
