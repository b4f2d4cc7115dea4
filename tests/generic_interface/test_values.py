from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.errors import BadAnswer
from generic_interface.values import Fields, clean_text, is_identifier, parse_local, parse_total, parse_units

BERLIN = ZoneInfo("Europe/Berlin")


def fields(value: object) -> Fields:
    return Fields({"F": value}, "TicketGet, ticket 614")


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("120.00", "120.00"),
        ("120", "120.00"),
        ("2.5", "2.50"),
        ("-15.00", "-15.00"),
        ("0", "0.00"),
        ("-0.00", "0.00"),
        ("1234574.04", "1234574.04"),
        ("99999999.99", "99999999.99"),
        ("1.500000", "1.50"),
    ],
)
def test_parse_units_reads_what_the_server_writes(text: str, units: str) -> None:
    assert str(parse_units(text)) == units


@pytest.mark.parametrize(
    "text",
    ["", " 5", "5 ", "1,5", "1e2", "NaN", "Infinity", "-Infinity", "+5", ".5", "5.", "１２", "1_0", "0x10", "--5",
     "123456789", "0.005", "0.30000000000000004", "1\n", "٣"],
)  # fmt: skip
def test_parse_units_refuses_everything_else(text: str) -> None:
    with pytest.raises(ValueError):
        parse_units(text)


@given(st.decimals(min_value=-99_999_999, max_value=99_999_999, places=2))
def test_parse_units_keeps_every_amount_with_two_decimals(units: Decimal) -> None:
    assert parse_units(str(units)) == units


@given(st.text())
def test_parse_units_never_fails_with_anything_but_value_error(text: str) -> None:
    try:
        units = parse_units(text)
    except ValueError:
        return
    assert units == Decimal(text)


@pytest.mark.parametrize(
    ("value", "total"),
    [("75", "75.00"), ("0.30000000000000004", "0.30"), ("5.55111512312578e-17", "0.00"), ("-1E-20", "0.00"),
     ("10234.5600000001", "10234.56"), ("-2.5", "-2.50")],
)  # fmt: skip
def test_parse_total_drops_the_noise_of_added_floats(value: str, total: str) -> None:
    assert str(parse_total(Decimal(value))) == total


@pytest.mark.parametrize("value", ["1e8", "1e400", "-1E+999999", "0.005", "12.345"])
def test_parse_total_refuses_what_is_no_sum_of_units(value: str) -> None:
    with pytest.raises(ValueError):
        parse_total(Decimal(value))


def test_parse_local_reads_the_one_form() -> None:
    assert parse_local("2026-10-25 02:30:00") == datetime(2026, 10, 25, 2, 30)


@pytest.mark.parametrize(
    "text",
    ["", "2026-10-01", "2026-10-01T00:00:00", "2026-10-01 00:00", "2026-10-01 00:00:00Z", "2026-10-01 00:00:00+02:00",
     "2026-02-30 00:00:00", "2026-10-01 24:00:00", "01.10.2026 00:00", "2026-1-1 0:0:0", "0000-00-00 00:00:00",
     "2026-10-01 00:00:00\n", "２026-10-01 00:00:00"],
)  # fmt: skip
def test_parse_local_refuses_every_other_form(text: str) -> None:
    with pytest.raises(ValueError):
        parse_local(text)


@pytest.mark.parametrize(
    ("text", "good"),
    [("614", True), ("9" * 19, True), ("0", False), ("007", False), ("-1", False), ("6 14", False), ("", False),
     ("9" * 20, False), ("٣", False)],
)  # fmt: skip
def test_is_identifier_takes_counting_numbers_only(text: str, good: bool) -> None:
    assert is_identifier(text) is good


def test_clean_text_replaces_what_no_database_stores() -> None:
    assert clean_text("a\x00b\ud800c\n=1+1 🙂 \u202e") == "a\ufffdb\ufffdc\n=1+1 🙂 \u202e"


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("", ""), ("x", "x"), (Decimal("10001"), "10001")])
def test_text_or_empty_takes_null_and_empty_for_nothing_and_numbers_for_their_text(value: object, text: str) -> None:
    assert fields(value).text_or_empty("F") == text


@pytest.mark.parametrize("value", [True, ["x"], {"a": "b"}])
def test_text_or_empty_refuses_other_types(value: object) -> None:
    with pytest.raises(BadAnswer, match=r"TicketGet, ticket 614: the field F is no text"):
        fields(value).text_or_empty("F")


def test_missing_field_is_named() -> None:
    with pytest.raises(BadAnswer, match=r"TicketGet, ticket 614: the field Other is missing"):
        fields("x").text_or_empty("Other")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_text_refuses_nothing(value: object) -> None:
    with pytest.raises(BadAnswer, match="is empty"):
        fields(value).text("F")


def test_optional_text_of_a_missing_field_is_empty() -> None:
    assert (fields("x").optional_text("F"), fields("x").optional_text("Other")) == ("x", "")


@pytest.mark.parametrize("value", ["614", Decimal(614)])
def test_identifier_is_text_from_string_or_number(value: object) -> None:
    assert fields(value).identifier("F") == "614"


@pytest.mark.parametrize("value", [None, "abc", Decimal("1.5"), Decimal("1E+2"), "0"])
def test_identifier_refuses_what_is_no_id(value: object) -> None:
    with pytest.raises(BadAnswer, match="is no id"):
        fields(value).identifier("F")


@pytest.mark.parametrize(("value", "number"), [("0", 0), (Decimal(7), 7)])
def test_number_reads_strings_and_numbers(value: object, number: int) -> None:
    assert fields(value).number("F") == number


@pytest.mark.parametrize("value", ["-1", "", None, Decimal("1.0"), "9" * 19])
def test_number_refuses_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(BadAnswer, match="is no whole number"):
        fields(value).number("F")


@pytest.mark.parametrize(("value", "units"), [("15.00", "15.00"), (Decimal("2.5"), "2.50")])
def test_units_come_as_string_or_number(value: object, units: str) -> None:
    assert str(fields(value).units("F")) == units


@pytest.mark.parametrize("value", [None, "1,5", Decimal("1E+2"), Decimal("0.30000000000000004")])
def test_units_refuse_what_is_no_booking(value: object) -> None:
    with pytest.raises(BadAnswer, match="the field F"):
        fields(value).units("F")


@pytest.mark.parametrize("value", [Decimal("33.33"), "33.33"])
def test_total_comes_as_number_or_string(value: object) -> None:
    assert fields(value).total("F") == Decimal("33.33")


@pytest.mark.parametrize("noise", ["5.55111512312578e-17", "-1e-20", "0.00000000000000004", "0"])
def test_noise_of_added_floats_is_dropped_from_the_text_of_a_total(noise: str) -> None:
    assert str(fields(noise).total("F")) == "0.00"


@pytest.mark.parametrize("value", [None, "abc", "1e3", "1e-3x", "33.333", "", "123456789", Decimal("1e400")])
def test_total_refuses_what_is_no_sum(value: object) -> None:
    with pytest.raises(BadAnswer, match="the field F"):
        fields(value).total("F")


def test_moment_is_aware_and_takes_the_first_of_a_repeated_hour() -> None:
    assert fields("2026-10-25 02:30:00").moment("F", BERLIN).isoformat() == "2026-10-25T02:30:00+02:00"


@pytest.mark.parametrize("value", [None, "", "quatsch"])
def test_moment_refuses_what_is_no_date(value: object) -> None:
    with pytest.raises(BadAnswer, match="is no date"):
        fields(value).moment("F", BERLIN)


@pytest.mark.parametrize("value", [None, ""])
def test_optional_moment_of_nothing_is_none(value: object) -> None:
    assert fields(value).optional_moment("F", BERLIN) is None


def test_objects_takes_a_single_object_for_a_list_of_one() -> None:
    assert [entry.values for entry in fields({"a": "b"}).objects("F")] == [{"a": "b"}]


@pytest.mark.parametrize("value", [None, "x", [{"a": "b"}, "x"]])
def test_objects_refuses_what_is_no_list_of_objects(value: object) -> None:
    with pytest.raises(BadAnswer, match="is no list of objects"):
        fields(value).objects("F")


@pytest.mark.parametrize(("value", "ids"), [(["2", Decimal(1)], ["2", "1"]), ("7", ["7"]), ([], [])])
def test_identifiers_takes_a_single_id_for_a_list_of_one(value: object, ids: list[str]) -> None:
    assert fields(value).identifiers("F") == ids


@pytest.mark.parametrize("value", [None, ["1", None], [["1"]], {"1": "2"}])
def test_identifiers_refuses_what_is_no_list_of_ids(value: object) -> None:
    with pytest.raises(BadAnswer):
        fields(value).identifiers("F")


def test_refusal_shows_the_start_of_a_long_value_only() -> None:
    error = fields("x" * 10_000).refuse("F", "is odd")

    assert len(str(error)) < 200
