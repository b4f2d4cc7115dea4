"""What agreements and rate rules say about single time entries: which rate they have, and whether they are billed.

For an entry the agreement counts that was in force on its day, and the rules that hold on its day. All of it becomes
one expression of the database, so that what is planned, claimed, reported and audited cannot differ.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import BigIntegerField, Case, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Left
from django.db.models.lookups import Exact

from billing.agreement_models import FROM_THE_BEGINNING, Agreement, RateRule

NO_RULE = 0
"""In place of a rule's primary key: the agreement's own rate."""


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """Rules by primary key, as they are told for time entries. Read once, used for everything in one transaction."""

    rules: Mapping[int, RateRule]
    agreements: Sequence[Agreement]

    @property
    def unbilled_rules(self) -> list[int]:
        """Rules that say that time is not billed."""
        return [pk for pk, rule in self.rules.items() if not rule.billable]

    def rate(self, prefix: str = "") -> Combinable:
        """Primary key of the rule that gives the entry its rate, or ``NO_RULE``. ``prefix`` leads to the entry."""
        spans = dict(_spans(self.agreements))
        ordered = sorted(self.rules.values(), key=_specificity, reverse=True)
        whens = [When(_meets(rule, spans, prefix), then=Value(rule.pk)) for rule in ordered]
        if not whens:
            return Value(NO_RULE, output_field=BigIntegerField())
        return Case(*whens, default=Value(NO_RULE), output_field=BigIntegerField())

    def not_billed_by_agreement(self, prefix: str = "") -> Q:
        """Entries of customers whose agreement of that day says that they are not billed, or who had none."""
        spans = dict(_spans(self.agreements))
        unbilled = [span for span in spans.values() if not span.agreement.billed]
        always = [span.agreement.customer_id for span in unbilled if span.is_whole]
        found = Q(**{f"{prefix}ticket__customer__in": always}) if always else NOTHING
        defaults = [span for span in spans.values() if span.agreement.is_default]
        if not defaults or defaults[0].start is not None:
            before = _days(None, defaults[0].start, prefix) if defaults else Q()
            found |= before & ~_of_own_agreements(spans, prefix)
        return _any(found, (_holds(span, spans, prefix) for span in unbilled if not span.is_whole))

    def not_billed_by_rule(self, prefix: str = "") -> Q:
        """Entries whose rule says that they are not billed; needs the annotation ``rate``."""
        return Q(rate__in=self.unbilled_rules) if self.unbilled_rules else NOTHING


NOTHING = Q(pk__in=[])
DEEPEST = 1000
"""More levels than the name of a queue has room for."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The days on which an agreement is in force; without ``start`` from the beginning, without ``end`` for good."""

    agreement: Agreement
    start: date | None
    end: date | None

    @property
    def is_whole(self) -> bool:
        """One customer's only agreement, from the beginning on."""
        return self.agreement.customer_id is not None and self.start is None and self.end is None


def entry_terms() -> EntryTerms:
    """All agreements and rules; two queries."""
    rules = {rule.pk: rule for rule in RateRule.objects.order_by("pk")}
    return EntryTerms(rules=rules, agreements=list(Agreement.objects.order_by("customer", "valid_from")))


def _specificity(rule: RateRule) -> tuple[bool | date | int, ...]:
    named = (rule.agreement_id is not None, rule.service != "", _depth(rule), rule.type != "")
    return (*named, rule.agent_id is not None, rule.valid_from, rule.pk)


def _depth(rule: RateRule) -> int:
    """How exactly the rule names a queue: not at all, one with those below it (the deeper, the more), or one alone."""
    if not rule.queue:
        return 0
    return rule.top_queue.count("::") + 1 if rule.top_queue else DEEPEST


def _spans(agreements: Sequence[Agreement]) -> Iterator[tuple[int, _Span]]:
    """The span of each agreement, by primary key."""
    by_owner: defaultdict[int | None, list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        by_owner[agreement.customer_id].append(agreement)
    for owned in by_owner.values():
        nexts = [later.valid_from for later in owned[1:]] + [None]
        for agreement, end in zip(owned, nexts, strict=True):
            begins = agreement.valid_from
            yield agreement.pk, _Span(agreement, begins if begins > FROM_THE_BEGINNING else None, end)


def _holds(span: _Span, spans: Mapping[int, _Span], prefix: str) -> Q:
    """Entries for which this agreement is in force."""
    days = _days(span.start, span.end, prefix)
    if span.agreement.customer_id is not None:
        return Q(**{f"{prefix}ticket__customer": span.agreement.customer_id}) & days
    return days & ~_of_own_agreements(spans, prefix)


def _of_own_agreements(spans: Mapping[int, _Span], prefix: str) -> Q:
    """Entries of customers that have an agreement of their own on that day."""
    own = [span for span in spans.values() if span.agreement.customer_id is not None]
    always = [span.agreement.customer_id for span in own if span.start is None]
    later: dict[int | None, date] = {}
    for span in own:
        if span.start is not None and span.agreement.customer_id not in always:
            later.setdefault(span.agreement.customer_id, span.start)
    found = Q(**{f"{prefix}ticket__customer__in": always})
    for customer, start in later.items():
        found |= Q(**{f"{prefix}ticket__customer": customer, f"{prefix}local_day__gte": start})
    return found


def _meets(rule: RateRule, spans: Mapping[int, _Span], prefix: str) -> Q:
    conditions = {"service": rule.service, "queue": "" if rule.top_queue else rule.queue, "type": rule.type}
    found = Q(**{f"{prefix}ticket__{name}": value for name, value in conditions.items() if value})
    if rule.top_queue:
        found &= _at_or_below(rule.top_queue, f"{prefix}ticket__queue")
    if rule.agent_id is not None:
        found &= Q(**{f"{prefix}agent": rule.agent_id})
    begins = rule.valid_from if rule.valid_from > FROM_THE_BEGINNING else None
    found &= _days(begins, None, prefix)
    if rule.valid_to is not None:
        found &= Q(**{f"{prefix}local_day__lte": rule.valid_to})
    if rule.agreement_id is not None:
        found &= _holds(spans[rule.agreement_id], spans, prefix)
    return found


def _at_or_below(queue: str, field: str) -> Q:
    """The queue itself, or one below it. Letter by letter: LIKE would take capitals for small ones in SQLite."""
    below = f"{queue}::"
    return Q(**{field: queue}) | Q(Exact(Left(field, len(below)), Value(below)))


def _days(start: date | None, end: date | None, prefix: str) -> Q:
    """From ``start`` on and before ``end``, days in the ticket system's zone."""
    found = Q() if start is None else Q(**{f"{prefix}local_day__gte": start})
    return found if end is None else found & Q(**{f"{prefix}local_day__lt": end})


def _any(first: Q, conditions: Iterator[Q]) -> Q:
    return reduce(or_, conditions, first)
