"""What a person changes, laid over what was computed: nothing else moves, and no minute gets lost."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from billing.adjusting import Field, Line, adjust, in_words, line_name, line_of, printable, set_original
from billing.agreement_models import FlatFee
from billing.models import Adjustment, Agreement, OrderPosition
from billing.plans import price_positions, totals
from billing.pricing import Rule, unit_price
from common.money import round_money
from tickets.models import Ticket

AGREEMENT = Agreement(hourly_rate=Decimal(60), rounding_step=0)
RULE = Rule.from_agreement(AGREEMENT)
KIND = OrderPosition.Kind
VALUES: dict[Field, st.SearchStrategy[Any]] = {
    Field.MINUTES: st.decimals(0, 10_000, places=4),
    Field.TEXT: st.text(min_size=1, max_size=10),
    Field.PRICE: st.decimals(0, 1000, places=5),
    Field.DISCOUNT: st.decimals(0, 100, places=2),
    Field.INCLUSION: st.just(""),
}


def position(ticket: int, minutes: Decimal | int = 30, **fields: object) -> OrderPosition:
    shown = {"text": f"Ticket {ticket}", "unit_price": unit_price(RULE), "rule": RULE.as_json(), "unit": "Std"}
    shown |= {"recorded_minutes": Decimal(minutes), "billable_minutes": Decimal(minutes)}
    return OrderPosition(kind=KIND.TIME, ticket=Ticket(pk=ticket, number=str(ticket)), **(shown | fields))


def said(ticket: int, field: Field, value: Decimal | str = "", original: Decimal | str = Decimal(30)) -> Adjustment:
    change = Adjustment(
        ticket=Ticket(pk=ticket, number=str(ticket)), field=field, reason="why", user=User(username="x")
    )
    if isinstance(value, Decimal):
        change.number = value
    else:
        change.text = value
    set_original(change, original)
    return change


def shown(positions: list[OrderPosition]) -> list[tuple[object, ...]]:
    return [(row.ticket_id, row.billable_minutes, row.text, row.unit_price, row.discount) for row in positions]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[OrderPosition], list[Adjustment]]:
    """Lines and changes, some of them of lines that there are not, each field of a line changed once at most."""
    minutes = st.decimals(-500, 5000, places=2)
    positions = [position(ticket, draw(minutes)) for ticket in range(1, draw(st.integers(0, 6)) + 1)]
    keys = st.tuples(st.integers(1, 8), st.sampled_from(list(Field)))
    chosen = draw(st.lists(keys, unique=True, max_size=12))
    return positions, [said(ticket, field, draw(VALUES[field])) for ticket, field in chosen]


@given(scenes())
def test_no_minute_is_lost_and_the_total_is_the_sum(scene: tuple[list[OrderPosition], list[Adjustment]]) -> None:
    positions, changes = scene
    before = shown(positions)

    adjusted = adjust(positions, changes)

    price_positions(adjusted.lines, AGREEMENT, {})
    sums = totals(adjusted.lines)
    everything = adjusted.lines + adjusted.excluded
    assert sum(row.recorded_minutes for row in everything) == sum(row.recorded_minutes for row in positions)
    assert sorted(row.ticket_id or 0 for row in everything) == sorted(row.ticket_id or 0 for row in positions)
    assert shown(positions) == before
    assert sums["net_amount"] == sum(row.amount for row in adjusted.lines)
    for row in adjusted.lines:
        assert row.amount == round_money(row.quantity * row.unit_price * (100 - row.discount) / 100)


@given(scenes())
def test_every_change_is_kept_or_said(scene: tuple[list[OrderPosition], list[Adjustment]]) -> None:
    positions, changes = scene

    adjusted = adjust(positions, changes)

    there = {row.ticket_id: row for row in adjusted.lines + adjusted.excluded}
    attributes = {Field.MINUTES: "billable_minutes", Field.TEXT: "text", Field.PRICE: "unit_price"}
    attributes |= {Field.DISCOUNT: "discount"}
    for change in changes:
        if change.ticket_id not in there:
            assert change in adjusted.dropped
        elif change.field == Field.INCLUSION:
            assert there[change.ticket_id] in adjusted.excluded
        else:
            assert getattr(there[change.ticket_id], attributes[Field(change.field)]) == change.value
    assert len(adjusted.sentences) == len(adjusted.dropped) + len(adjusted.restated)


@given(scenes())
def test_what_was_said_once_is_not_said_again(scene: tuple[list[OrderPosition], list[Adjustment]]) -> None:
    positions, changes = scene
    first = adjust(positions, changes)
    restated = {(change.ticket_id, change.field): change for change in first.restated}
    kept = [restated.get((change.ticket_id, change.field), change) for change in changes]

    second = adjust(positions, [change for change in kept if change not in first.dropped])

    assert second.sentences == []
    assert shown(second.lines) == shown(first.lines)


def test_order_of_the_changes_does_not_matter() -> None:
    changes = [said(1, Field.MINUTES, Decimal(5)), said(1, Field.DISCOUNT, Decimal(10), Decimal(0))]

    assert shown(adjust([position(1)], changes).lines) == shown(adjust([position(1)], changes[::-1]).lines)


def test_rates_of_one_ticket_are_lines_of_their_own() -> None:
    special = position(1, 10, rate_rule_id=7)

    adjusted = adjust([position(1), special], [said(1, Field.INCLUSION)])

    assert (adjusted.lines, [row.rate_rule_id for row in adjusted.excluded]) == ([special], [None])


def test_rounding_and_corrections_are_nobodys_to_change() -> None:
    rounding = OrderPosition(kind=KIND.ROUNDING, text="Rundung")
    credit = OrderPosition(kind=KIND.CREDIT, ticket_id=1)

    assert (line_of(rounding), line_of(credit)) == (None, None)
    adjusted = adjust([rounding, credit], [said(1, Field.INCLUSION)])
    assert (adjusted.lines, len(adjusted.dropped)) == ([rounding, credit], 1)


@pytest.mark.parametrize("line", [Line(17), Line(17, 3), Line(flat_fee=4)])
def test_line_is_read_from_the_address_that_it_makes(line: Line) -> None:
    assert Line.read(str(line)) == line


@pytest.mark.parametrize("text", ["", "17", "t", "t1-r", "f1-r2", "t١", "t" + "9" * 19, "t1\n", "T1"])
def test_address_that_names_no_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no line"):
        Line.read(text)


def test_line_without_ticket_and_fee_has_no_address() -> None:
    assert str(Line()) == ""


def test_line_is_named_as_a_person_knows_it() -> None:
    fee = OrderPosition(kind=KIND.FLAT, flat_fee=FlatFee(text="Wartung"))

    assert line_name(fee) == "“Wartung”"
    assert line_name(OrderPosition(kind=KIND.ROUNDING, text="Rundung")) == "Rundung"


def test_values_are_said_in_words() -> None:
    assert (in_words(Decimal("30.0000")), in_words("a text")) == ("30", "“a text”")
    assert printable(" a\r\nb\u2028c\x00 ") == "a\nb\nc"
