"""What the pages show of the lines of an order: what persons have changed, beside what was computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.adjusting import ATTRIBUTES, Changes, Field, Line, by_line, line_name, line_of
from billing.models import Adjustment, Order, OrderPosition
from billing.reviewing import position_of

EXCLUDED = Field.INCLUSION
ChangesByLine = Mapping[Line, Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExclusion:
    """A line that a person has left out; ``address`` names it in addresses."""

    change: Adjustment
    address: str

    @property
    def name(self) -> str:
        return line_name(self.change)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """One position with what persons have changed of it, by field."""

    position: OrderPosition
    changes: Mapping[str, Adjustment]
    address: str
    """Names the line in addresses; empty where nobody can change it."""


def seen_of(order: Order) -> str:
    """Goes along with a form, so that the order's next change is noticed."""
    return order.changed_at.isoformat()


def may_change(order: Order) -> bool:
    """Whether its lines can be changed at all, whoever asks."""
    return order.state == Order.State.DRAFT and not order.supplement


def changes_of(order: Order) -> ChangesByLine:
    """What persons have changed of the order; one query."""
    return by_line(order.adjustments.select_related("ticket", "flat_fee", "user"))


def exclusions(changes: ChangesByLine) -> list[ShownExclusion]:
    """The lines that are left out."""
    return [ShownExclusion(change=own[EXCLUDED], address=str(line)) for line, own in changes.items() if EXCLUDED in own]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage:
    """One line of a draft; ``rows`` are its fields as computed and as billed."""

    line: ShownLine
    rows: list["ComparedField"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedField:
    field: str
    label: str
    computed: Decimal | str
    billed: Decimal | str
    change: Adjustment | None


def line_page(order: Order, line: Line) -> LinePage | None:
    """What the page that changes a line shows; ``None`` where there is no such line, or none to be changed."""
    position = position_of(order, line)
    if position is None or not may_change(order):
        return None
    shown = shown_line(position, changes_of(order))
    timed = position.kind == OrderPosition.Kind.TIME
    fields = [field for field in Field if field != EXCLUDED and (timed or field != Field.MINUTES)]
    return LinePage(line=shown, rows=[_compared(shown, field) for field in fields])


def _compared(shown: ShownLine, field: Field) -> ComparedField:
    billed, change = getattr(shown.position, ATTRIBUTES[field]), shown.changes.get(field.value)
    computed = change.original if change else billed
    return ComparedField(field=field.value, label=str(field.label), computed=computed, billed=billed, change=change)


def shown_line(position: OrderPosition, changes: ChangesByLine) -> ShownLine:
    line = line_of(position)
    own = changes.get(line, {}) if line is not None else {}
    return ShownLine(
        position=position,
        changes={name.value: change for name, change in own.items()},
        address="" if line is None else str(line),
    )
