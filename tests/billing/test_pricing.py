import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from billing.agreement_models import DEFAULT_POSITION_TEXT, Agreement
from billing.explanations import Step, explain
from billing.pricing import (
    MODES,
    PLACEHOLDERS,
    Rule,
    TemplateError,
    check_template,
    one_line,
    position_text,
    price,
    round_minutes,
)
from common.months import Month

HOURLY = Rule(Decimal("95.00"), "EUR", "SUP-STD", "Std", Decimal(60), 15, "up")

minutes = st.decimals(-(10**6), 10**6, places=4)
steps = st.sampled_from([0, *(step for step in Agreement.RoundingStep.values if step)])
positive_steps = st.sampled_from([step for step in Agreement.RoundingStep.values if step])
modes = st.sampled_from(MODES)
rules = st.builds(
    Rule,
    hourly_rate=st.decimals(0, 10**6, places=5),
    currency=st.just("EUR"),
    article_number=st.text(max_size=10),
    unit=st.text(max_size=5),
    minutes_per_unit=st.decimals("0.01", 999_999, places=2),
    rounding_step=steps,
    rounding_mode=modes,
)


def rule(**changes: object) -> Rule:
    terms = {name: getattr(HOURLY, name) for name in Rule.__dataclass_fields__}
    return Rule(**(terms | changes))


# --- Rounding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "step", "mode", "rounded"),
    [
        ("50", 15, "up", "60"),
        ("50", 15, "nearest", "45"),
        ("50", 15, "down", "45"),
        ("60", 15, "up", "60"),
        ("60.0001", 15, "up", "75"),
        ("52.5", 15, "nearest", "60"),
        ("52.4999", 15, "nearest", "45"),
        ("0", 15, "up", "0"),
        ("0.01", 60, "up", "60"),
        ("-50", 15, "up", "-60"),
        ("-52.5", 15, "nearest", "-60"),
        ("-3", 5, "down", "0"),
        ("50.1234", 0, "up", "50.1234"),
        ("50.1234", 0, "down", "50.1234"),
    ],
)
def test_round_minutes_by_step_and_mode(recorded: str, step: int, mode: str, rounded: str) -> None:
    assert round_minutes(Decimal(recorded), step=step, mode=mode) == Decimal(rounded)


def test_round_minutes_of_nothing_has_no_sign() -> None:
    assert str(round_minutes(Decimal(-3), step=5, mode="down")) == "0"


def test_round_minutes_with_an_unknown_mode_is_refused() -> None:
    with pytest.raises(KeyError):
        round_minutes(Decimal(50), step=15, mode="sideways")


@given(st.integers(-(10**6), 10**6), positive_steps, modes)
def test_exact_multiples_stay(count: int, step: int, mode: str) -> None:
    assert round_minutes(Decimal(count * step), step=step, mode=mode) == count * step


@given(minutes, steps, modes)
def test_rounding_is_idempotent_and_symmetrical(recorded: Decimal, step: int, mode: str) -> None:
    rounded = round_minutes(recorded, step=step, mode=mode)

    assert round_minutes(rounded, step=step, mode=mode) == rounded
    assert round_minutes(-recorded, step=step, mode=mode) == -rounded


@given(minutes, minutes, steps, modes)
def test_rounding_is_monotone(one: Decimal, other: Decimal, step: int, mode: str) -> None:
    low, high = sorted((one, other))

    assert round_minutes(low, step=step, mode=mode) <= round_minutes(high, step=step, mode=mode)


@given(minutes, positive_steps)
def test_rounding_moves_less_than_a_step_and_in_its_direction(recorded: Decimal, step: int) -> None:
    up, nearest, down = (abs(round_minutes(recorded, step=step, mode=mode)) for mode in MODES)
    size = abs(recorded)

    assert down <= size <= up < size + step
    assert size - down < step
    assert 2 * abs(nearest - size) <= step
    assert nearest in (up, down)
    assert up % step == nearest % step == down % step == 0


@given(st.lists(minutes, max_size=20), positive_steps)
def test_rounding_the_sum_up_never_costs_more_than_rounding_each_part(parts: list[Decimal], step: int) -> None:
    sizes = [abs(part) for part in parts]

    once = round_minutes(sum(sizes, Decimal(0)), step=step, mode="up")

    assert once <= sum(round_minutes(size, step=step, mode="up") for size in sizes)


# --- Price ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "changes", "expected"),
    [
        ("50", {}, ("60", "1.00000", "95.00000", "95.00")),
        ("20", {"rounding_step": 0}, ("20", "0.33333", "95.00000", "31.67")),
        ("20", {"rounding_step": 0, "unit": "min", "minutes_per_unit": Decimal(1)}, ("20", "20", "1.58333", "31.67")),
        ("-50", {}, ("-60", "-1.00000", "95.00000", "-95.00")),
        ("0", {}, ("0", "0", "95", "0.00")),
        ("50", {"hourly_rate": Decimal(0)}, ("60", "1", "0", "0.00")),
        ("7", {"rounding_step": 6, "minutes_per_unit": Decimal(6), "unit": "AW"}, ("12", "2", "9.5", "19.00")),
    ],
)
def test_price_of_recorded_minutes(recorded: str, changes: dict[str, object], expected: tuple[str, ...]) -> None:
    result = price(Decimal(recorded), rule(**changes))

    assert (result.billable_minutes, result.quantity, result.unit_price, result.amount) == tuple(map(Decimal, expected))


def test_price_multiplies_what_the_order_shows_and_not_what_was_before() -> None:
    # 20 minutes are shown as 0.33333 hours; a third of 299.985 would be 99.995, which rounds to 100.00.
    result = price(Decimal(20), rule(hourly_rate=Decimal("299.985"), rounding_step=0))

    assert (result.quantity, result.unit_price) == (Decimal("0.33333"), Decimal("299.98500"))
    assert result.amount == Decimal("99.99")


@given(minutes, rules)
def test_price_can_be_checked_with_a_pocket_calculator(recorded: Decimal, terms: Rule) -> None:
    result = price(recorded, terms)

    product = int(result.quantity.scaleb(5)) * int(result.unit_price.scaleb(5))  # in 10**-10, as whole numbers
    cents, rest = divmod(abs(product), 10**8)
    cents += rest * 2 >= 10**8
    assert abs(result.amount).scaleb(2) == cents
    assert result.amount == 0 or (result.amount > 0) == (product > 0)


@given(minutes, rules)
def test_price_has_no_binary_fractions_and_no_needless_decimals(recorded: Decimal, terms: Rule) -> None:
    result = price(recorded, terms)

    numbers = (result.billable_minutes, result.quantity, result.unit_price, result.amount)
    assert all(type(number) is Decimal for number in numbers)
    assert result.quantity.as_tuple().exponent == result.unit_price.as_tuple().exponent == -5
    assert result.amount.as_tuple().exponent == -2


@given(minutes, rules)
def test_a_correction_undoes_the_price_that_it_corrects(recorded: Decimal, terms: Rule) -> None:
    assert price(recorded, terms).amount + price(-recorded, terms).amount == 0


@given(minutes, minutes, rules)
def test_more_minutes_never_cost_less(one: Decimal, other: Decimal, terms: Rule) -> None:
    low, high = sorted((one, other))

    assert price(low, terms).amount <= price(high, terms).amount


# --- Rule -------------------------------------------------------------------------------------------------------------


def test_rule_from_an_agreement_that_was_never_stored() -> None:
    agreement = Agreement(hourly_rate=Decimal(95))

    assert Rule.from_agreement(agreement) == HOURLY


def test_rule_takes_the_values_of_choices_and_not_their_labels() -> None:
    agreement = Agreement(
        hourly_rate=Decimal("80.5"),
        rounding_step=Agreement.RoundingStep.SIX,
        rounding_mode=Agreement.RoundingMode.NEAREST,
    )

    terms = Rule.from_agreement(agreement)

    assert (type(terms.rounding_step), type(terms.rounding_mode)) == (int, str)
    assert terms.as_json()["rounding_mode"] == "nearest"


@given(rules)
def test_rule_survives_json(terms: Rule) -> None:
    assert Rule.from_json(json.loads(json.dumps(terms.as_json()))) == terms


def test_rule_as_json_holds_plain_decimal_strings() -> None:
    assert rule(hourly_rate=Decimal("95.50000"), minutes_per_unit=Decimal("6E+1")).as_json() == {
        "hourly_rate": "95.5",
        "currency": "EUR",
        "article_number": "SUP-STD",
        "unit": "Std",
        "minutes_per_unit": "60",
        "rounding_step": "15",
        "rounding_mode": "up",
        "rounding_scope": "ticket",
        "minimum_minutes": "0",
    }


@pytest.mark.parametrize("damage", [{"hourly_rate": "much"}, {"rounding_step": "x"}, {"rounding_mode": "sideways"}])
def test_a_damaged_stored_rule_is_refused(damage: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Rule.from_json(HOURLY.as_json() | damage)


def test_a_stored_rule_with_a_missing_value_is_refused() -> None:
    data = HOURLY.as_json()
    del data["unit"]

    with pytest.raises(ValueError, match="'unit'"):
        Rule.from_json(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"hourly_rate": Decimal("-0.01")},
        {"hourly_rate": Decimal("NaN")},
        {"minutes_per_unit": Decimal(0)},
        {"minutes_per_unit": Decimal("Infinity")},
        {"rounding_step": -1},
        {"rounding_mode": "UP"},
        {"rounding_scope": "week"},
        {"minimum_minutes": Decimal(-1)},
    ],
)
def test_a_rule_that_cannot_price_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        rule(**changes)


# --- Explanation ------------------------------------------------------------------------------------------------------


def priced(recorded: Decimal, terms: Rule, **changes: Decimal) -> SimpleNamespace:
    """A position of one ticket as it is priced without anything special."""
    result = price(recorded, terms)
    values = {"included_minutes": Decimal(0), "prepaid_minutes": Decimal(0), "discount": Decimal(0)}
    values |= {name: getattr(result, name) for name in ("billable_minutes", "quantity", "unit_price", "amount")}
    return SimpleNamespace(recorded_minutes=recorded, unit=terms.unit, **(values | changes))


def test_explain_shows_each_step_with_its_numbers() -> None:
    steps_shown = explain(priced(Decimal("50.0000"), HOURLY), HOURLY)

    assert steps_shown == [
        Step("Recorded time", (), Decimal(50), "min"),
        Step("Rounded up to a multiple of 15 minutes", (Decimal(50),), Decimal(60), "min"),
        Step("Quantity", (Decimal(60), "÷", Decimal(60)), Decimal(1), "Std"),
        Step("Unit price", (Decimal(95), "×", Decimal(60), "÷", Decimal(60)), Decimal(95), "EUR/Std"),
        Step("Amount", (Decimal(1), "×", Decimal(95)), Decimal("95.00"), "EUR"),
    ]


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"rounding_step": 0}, "Not rounded"),
        ({"rounding_mode": "nearest"}, "Rounded to the nearest multiple of 15 minutes"),
        ({"rounding_mode": "down"}, "Rounded down to a multiple of 15 minutes"),
    ],
)
def test_explain_names_the_rounding(changes: dict[str, object], label: str) -> None:
    with translation.override("en"):
        assert explain(priced(Decimal(50), rule(**changes)), rule(**changes))[1].label == label


@given(minutes, rules)
def test_explain_ends_with_the_price(recorded: Decimal, terms: Rule) -> None:
    assert explain(priced(recorded, terms), terms)[-1].result == price(recorded, terms).amount


# --- Text of a position -----------------------------------------------------------------------------------------------


def text(template: str, **changes: object) -> str:
    values = {
        "number": "2026100310000281",
        "title": "Beamer defekt",
        "minutes": Decimal("20.0000"),
        "queue": "Support",
        "service": "Vor Ort",
        "customer_user": "m.weber",
        "month": Month(2026, 10),
    }
    return position_text(template, **(values | changes))  # type: ignore[arg-type]  # values of several types


def test_position_text_of_the_default_template() -> None:
    assert text(DEFAULT_POSITION_TEXT) == "Nummer: 2026100310000281 Titel: Beamer defekt Erfasste Zeit: 20 min"


def test_position_text_knows_every_placeholder() -> None:
    template = "|".join(f"{{{name}}}" for name in PLACEHOLDERS)

    assert text(template) == "2026100310000281|Beamer defekt|20|Support|Vor Ort|m.weber|2026-10"


@pytest.mark.parametrize(("value", "shown"), [("20505.2100", "20505.21"), ("100", "100"), ("-15.5000", "-15.5")])
def test_position_text_prints_minutes_without_needless_zeros(value: str, shown: str) -> None:
    assert text("{minutes}", minutes=Decimal(value)) == shown


def test_position_text_keeps_to_one_line_whatever_the_title_holds() -> None:
    title = "a\r\nb\tc\0d\u2028e\x85f\u202eg"

    assert text("{title}", title=title) == "a b c d e f g"


@pytest.mark.parametrize("title", ["{minutes}", "{title.__class__}", "{{x}}", "{", "%(number)s", "\\g<0>", "=1+1"])
def test_position_text_puts_titles_in_as_they_are(title: str) -> None:
    assert text("<{title}>", title=title) == f"<{title}>"


def test_position_text_writes_doubled_braces_as_braces() -> None:
    assert text("{{{number}}} {{title}}") == "{2026100310000281} {title}"


@pytest.mark.parametrize(
    "template", ["{unknown}", "{title.__class__}", "{title!r}", "{number:>99999999}", "{0}", "{}", "{ title }"]
)
def test_an_unknown_placeholder_is_refused_by_name(template: str) -> None:
    with pytest.raises(TemplateError, match=r"There is no placeholder .*; there are {number}, {title}"):
        check_template(template)
    with pytest.raises(TemplateError):
        text(template)


@pytest.mark.parametrize("template", ["{", "}", "a { b", "{{}", "{title}}", "{ti{tle}"])
def test_a_single_brace_is_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="single brace"):
        check_template(template)


def test_a_good_template_passes() -> None:
    check_template(DEFAULT_POSITION_TEXT)


@given(st.text())
def test_one_line_has_no_line_break_and_is_stable(raw: str) -> None:
    line = one_line(raw)

    assert len(line.splitlines()) <= 1 or not set(line) & {"\n", "\r"}
    assert one_line(line) == line


def test_from_agreement_needs_nothing_but_the_terms() -> None:
    terms = SimpleNamespace(**{name: getattr(HOURLY, name) for name in Rule.__dataclass_fields__})
    terms.included_minutes, terms.overage_rate = Decimal(0), Decimal(120)

    assert Rule.from_agreement(terms) == HOURLY
