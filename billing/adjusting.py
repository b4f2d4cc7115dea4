"""A person's changes laid over what was computed: pure, and the same whether a person or a run asks for it.

What is changed keeps what was computed beside it. A change whose line is not there any more cannot be kept, and one
whose line is computed otherwise by now is kept; both are said in a sentence.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, Self

from django.utils.translation import gettext as _

from billing.models import OrderPosition
from billing.pricing import one_line
from billing.review_models import Adjustment
from common.money import plain

Field = Adjustment.Field
CHANGEABLE = (OrderPosition.Kind.TIME, OrderPosition.Kind.FLAT)
ATTRIBUTES = {
    Field.MINUTES: "billable_minutes",
    Field.TEXT: "text",
    Field.PRICE: "unit_price",
    Field.DISCOUNT: "discount",
    Field.INCLUSION: "recorded_minutes",
}
"""Where a position holds what the field is about; of one that is left out, what tells whether it is still the same."""
IN_ADDRESS = re.compile(r"t(?P<ticket>[0-9]{1,18})(-r(?P<rate_rule>[0-9]{1,18}))?|f(?P<flat_fee>[0-9]{1,18})")


class HasLine(Protocol):
    """A position or a change of one."""

    ticket_id: int | None
    rate_rule_id: int | None
    flat_fee_id: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """What a position bills, by primary keys: the same for every position that takes its place in a later run."""

    ticket: int | None = None
    rate_rule: int | None = None
    flat_fee: int | None = None

    @classmethod
    def of(cls, row: HasLine) -> Self:
        return cls(row.ticket_id, row.rate_rule_id, row.flat_fee_id)

    @classmethod
    def read(cls, text: str) -> Self:
        """From an address; ``ValueError`` where it is none."""
        found = IN_ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(f"“{text}” names no line.")
        return cls(**{name: int(key) for name, key in found.groupdict().items() if key})

    def __str__(self) -> str:
        """For an address: ``t17``, ``t17-r3`` or ``f4``; empty for a line that nobody can change."""
        if self.flat_fee is not None:
            return f"f{self.flat_fee}"
        rate = "" if self.rate_rule is None else f"-r{self.rate_rule}"
        return "" if self.ticket is None else f"t{self.ticket}{rate}"


Changes = Mapping[Field, Adjustment]
"""Of one line."""


def line_of(position: OrderPosition) -> Line | None:
    """The line of a position that a person may change; ``None`` for rounding and corrections."""
    return Line.of(position) if position.kind in CHANGEABLE else None


def by_line(adjustments: Iterable[Adjustment]) -> dict[Line, dict[Field, Adjustment]]:
    found: defaultdict[Line, dict[Field, Adjustment]] = defaultdict(dict)
    for adjustment in adjustments:
        found[Line.of(adjustment)][Field(adjustment.field)] = adjustment
    return dict(found)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """``lines`` are those that stay, in their order; ``excluded`` those that a person has left out.

    ``dropped`` are changes that could not be kept, ``restated`` copies of changes with what is computed now.
    """

    lines: list[OrderPosition] = field(default_factory=list)
    excluded: list[OrderPosition] = field(default_factory=list)
    dropped: list[Adjustment] = field(default_factory=list)
    restated: list[Adjustment] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """For the history of the order: what could not be kept, and what is computed otherwise by now."""
        return [_not_kept(change) for change in self.dropped] + [_kept(change) for change in self.restated]


def adjust(positions: Sequence[OrderPosition], adjustments: Iterable[Adjustment]) -> Adjusted:
    """Lay the changes over the positions, which are not changed themselves; quantity and amount are not worked out."""
    changes = by_line(adjustments)
    lines: list[OrderPosition] = []
    excluded: list[OrderPosition] = []
    restated: list[Adjustment] = []
    for position in positions:
        line = line_of(position)
        own = changes.pop(line, {}) if line is not None else {}
        restated += _restated(position, own)
        target = excluded if Field.INCLUSION in own else lines
        target.append(_adjusted(position, own))
    dropped = [change for own in changes.values() for change in own.values()]
    return Adjusted(lines, excluded, dropped, restated)


def _adjusted(position: OrderPosition, changes: Changes) -> OrderPosition:
    if not changes:
        return position
    adjusted = copy(position)
    for name, change in changes.items():
        if name != Field.INCLUSION:
            setattr(adjusted, ATTRIBUTES[name], change.value)
    return adjusted


def _restated(position: OrderPosition, changes: Changes) -> list[Adjustment]:
    found = []
    for name, change in changes.items():
        computed: Decimal | str = getattr(position, ATTRIBUTES[name])
        if computed != change.original:
            restated = copy(change)
            set_original(restated, computed)
            found.append(restated)
    return found


def set_original(adjustment: Adjustment, computed: Decimal | str) -> None:
    """Keep what is computed beside what the person says."""
    if isinstance(computed, str):
        adjustment.original_number, adjustment.original_text = None, computed
    else:
        adjustment.original_number, adjustment.original_text = computed, ""


def printable(text: str) -> str:
    """What a person has written: lines stay lines, control characters become blanks."""
    return "\n".join(map(one_line, text.splitlines())).strip()


def line_name(row: OrderPosition | Adjustment) -> str:
    """The line as a person knows it; needs ticket or recurring line."""
    if row.ticket is not None:
        return _("Ticket %(number)s") % {"number": row.ticket.number}
    return f"“{row.flat_fee.text}”" if row.flat_fee is not None else row.text


def _not_kept(change: Adjustment) -> str:
    values = {"line": line_name(change), "user": change.user.get_username(), "reason": change.reason} | _of(change)
    if change.field == Field.INCLUSION:
        text = _(
            "Not kept, for the order does not bill it this way any more: %(line)s, left out by %(user)s (%(reason)s)."
        )
    else:
        text = _(
            "Not kept, for the order does not bill it this way any more: %(line)s, %(field)s %(value)s by %(user)s "
            "(%(reason)s)."
        )
    return text % values


def _kept(change: Adjustment) -> str:
    values = {"line": line_name(change), "user": change.user.get_username()} | _of(change)
    if change.field == Field.INCLUSION:
        return _("%(line)s stays left out as %(user)s said; it has %(computed)s recorded minutes by now.") % values
    text = _("%(line)s keeps what %(user)s said: %(field)s %(value)s. Computed anew it is %(computed)s by now.")
    return text % values


def _of(change: Adjustment) -> dict[str, str]:
    return {
        "field": change.get_field_display(),
        "value": in_words(change.value),
        "computed": in_words(change.original),
    }


def in_words(value: Decimal | str) -> str:
    """A value for a sentence: a number without needless zeros, a text in quotes."""
    return f"“{value}”" if isinstance(value, str) else plain(value)
