"""Why a ticket's totals disagree: the likely cause, told by what the mirror holds about the ticket. Pure.

A difference is always the ticket's own total less the sum of its entries, in time units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from common.months import Month
from common.templatetags.formats import number
from tickets import reconciliation_texts as texts


class Cause(TextChoices):
    """What most likely made the difference."""

    BOOKED_LATER = "booked_later", gettext_lazy("booked after the ticket was read")
    CORRECTION = "correction", gettext_lazy("a correction")
    DELETED = "deleted", gettext_lazy("time was deleted")
    NO_LONGER_SHOWN = "no_longer_shown", gettext_lazy("the ticket is no longer shown")
    MOVED = "moved", gettext_lazy("moved by a merge")
    UNKNOWN_AGENT = "unknown_agent", gettext_lazy("an agent who is not known")
    OUTSIDE_MONTHS_READ = "outside_months_read", gettext_lazy("booked in a month that was not read")
    ARTICLES = "articles", gettext_lazy("time without an article")
    UNKNOWN = "unknown", gettext_lazy("unknown")


class EntryRow(NamedTuple):
    """One entry of the mirror; ``gone_at`` is set where the ticket system no longer shows it."""

    units: Decimal
    booked_at: datetime
    queue: str
    gone_at: datetime | None
    has_login: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one ticket whose totals disagree.

    ``read_since``: when the reading began that the ticket's total comes from, ``read_at``: when it was written; later
    readings found nothing new about the ticket, or did not ask for it.
    """

    difference: Decimal
    article_difference: Decimal
    """Ticket's own total less the sum of its articles; zero where these were not read."""
    is_merged: bool
    created_at: datetime | None
    read_since: datetime
    read_at: datetime
    entries: Sequence[EntryRow]
    moved_later: bool
    """A later reading has moved entries from one ticket of the system to another; which ones is not kept."""
    by_agents: bool
    """Time was read from agents alone, so the time of an agent who is not known is missing."""
    unread_months: Sequence[Month] = ()
    """Months of the ticket's life for which not all agents were asked."""

    @property
    def present(self) -> list[EntryRow]:
        return [entry for entry in self.entries if entry.gone_at is None]


class Clue(NamedTuple):
    """``explains``: the difference that this would make, where that can be told."""

    cause: Cause
    sentence: str
    explains: Decimal | None = None


def likely_cause(evidence: Evidence) -> Clue:
    """The first clue that explains the difference to the hundredth, else the first one there is; then it says so."""
    if not evidence.difference:
        return Clue(Cause.ARTICLES, texts.articles_differ(evidence.article_difference))
    if evidence.is_merged:
        return Clue(Cause.MOVED, texts.merged())
    clues = [clue for look in _LOOKS for clue in look(evidence)]
    exact = [clue for clue in clues if clue.explains == evidence.difference]
    first = [*exact, *clues, Clue(Cause.UNKNOWN, texts.unknown())][0]
    if first.explains in (None, evidence.difference):
        return first
    return first._replace(sentence=f"{first.sentence} {texts.not_all()}")


def _booked_later(evidence: Evidence) -> Iterator[Clue]:
    """Two borders: what was booked while the reading went on may or may not be counted."""
    for border in (evidence.read_at, evidence.read_since):
        later = [entry.units for entry in evidence.present if entry.booked_at > border]
        if later:
            units = sum(later, Decimal(0))
            only_corrections = max(later) < 0
            yield Clue(
                Cause.CORRECTION if only_corrections else Cause.BOOKED_LATER,
                (texts.correction() if only_corrections else texts.booked_later()) % {"units": number(units)},
                -units,
            )


def _gone(evidence: Evidence) -> Iterator[Clue]:
    gone = [entry for entry in evidence.entries if entry.gone_at is not None]
    since = [entry for entry in gone if entry.gone_at is not None and entry.gone_at > evidence.read_at]
    for found in (since, gone):
        if found and evidence.difference > 0:
            units = sum((entry.units for entry in found), Decimal(0))
            hidden = found is since and not evidence.present
            yield Clue(
                Cause.NO_LONGER_SHOWN if hidden else Cause.DELETED,
                (texts.no_longer_shown() if hidden else texts.still_counted()) % {"units": number(units)},
                units,
            )


def _came_by_merge(evidence: Evidence) -> Iterator[Clue]:
    """Booked before the ticket existed. Time without a queue may have other reasons, so there the sum must fit."""
    created = evidence.created_at
    came = sum((entry.units for entry in evidence.present if created and entry.booked_at < created), Decimal(0))
    if came and evidence.difference < 0:
        yield Clue(Cause.MOVED, texts.booked_before_creation() % {"units": number(came)}, -came)
    nowhere = sum((entry.units for entry in evidence.present if not entry.queue), Decimal(0))
    if nowhere and evidence.difference == -nowhere:
        yield Clue(Cause.MOVED, texts.without_queue() % {"units": number(nowhere)}, -nowhere)


def _moved_later(evidence: Evidence) -> Iterator[Clue]:
    if evidence.moved_later and (evidence.difference < 0 or not evidence.entries):
        yield Clue(Cause.MOVED, texts.moved_later())


def _not_read(evidence: Evidence) -> Iterator[Clue]:
    """Fewer entries than the ticket counts, and time was asked of agents month by month."""
    if not evidence.by_agents or evidence.difference < 0:
        return
    if not all(entry.has_login for entry in evidence.present):
        yield Clue(Cause.UNKNOWN_AGENT, texts.agent_without_login())
    elif evidence.unread_months:
        months = ", ".join(str(month) for month in evidence.unread_months[:3])
        yield Clue(Cause.OUTSIDE_MONTHS_READ, texts.months_not_read() % {"months": months})
    else:
        yield Clue(Cause.UNKNOWN_AGENT, texts.somebody_else())


def _total_is_lower(evidence: Evidence) -> Iterator[Clue]:
    if evidence.difference < 0:
        yield Clue(Cause.DELETED, texts.total_is_lower())


def _corrections(evidence: Evidence) -> Iterator[Clue]:
    units = sum((entry.units for entry in evidence.present if entry.units < 0), Decimal(0))
    if units:
        yield Clue(Cause.CORRECTION, texts.correction() % {"units": number(units)}, -units)


_LOOKS: tuple[Callable[[Evidence], Iterator[Clue]], ...] = (
    _booked_later,
    _gone,
    _came_by_merge,
    _moved_later,
    _not_read,
    _total_is_lower,
    _corrections,
)
