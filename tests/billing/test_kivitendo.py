import csv
import io
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.kivitendo import (
    ORDER_COLUMNS,
    POSITION_COLUMNS,
    ExportRefused,
    FileRefused,
    KivitendoOrder,
    KivitendoPosition,
    OrderInFile,
    Problem,
    check_orders,
    limited_html,
    read_lines,
    read_orders,
    write_orders,
)
from billing.kivitendo_checks import TEXT_LIMIT, line_total

ACCEPTED = Path(__file__).parent.parent / "kivitendo" / "orders-full.csv"  # a real kivitendo took this file
HEADER = (
    b"datatype;ordnumber;customernumber;transdate;reqdate;tax_point;transaction_description;currency;notes;intnotes;"
    b"verify_netamount;verify_amount\r\n"
    b"datatype;position;partnumber;description;longdescription;qty;unit;sellprice;discount;reqdate;serialnumber\r\n"
)


def position(**changes: Any) -> KivitendoPosition:
    """One position; its amount is the right one unless a test gives another."""
    values: dict[str, Any] = {
        "article_number": "SUP-STD",
        "description": "Nummer: 2026100310000281 Titel: Beamer defekt Erfasste Zeit: 40 min",
        "long_description": "<p>03.10.2026 40 min</p>",
        "quantity": Decimal("0.75"),
        "unit": "Std",
        "unit_price": Decimal("95.00"),
        "discount": Decimal(0),
        "ticket_number": "2026100310000281",
        "request_date": date(2026, 10, 31),
    } | changes
    if "amount" not in values:
        values["amount"] = line_total(values["quantity"], values["unit_price"], values["discount"])
    return KivitendoPosition(**values)


def order(*positions: KivitendoPosition, **changes: Any) -> KivitendoOrder:
    values: dict[str, Any] = {
        "number": "TK-2026-10-K1001",
        "customer_number": "K1001",
        "date": date(2026, 11, 1),
        "request_date": date(2026, 10, 31),
        "description": "Support Oktober 2026",
        "currency": "EUR",
        "notes": "",
        "internal_notes": "",
        "tax_rate": Decimal(19),
        "positions": positions or (position(),),
    }
    return KivitendoOrder(**(values | changes))


def in_file(written: KivitendoOrder) -> OrderInFile:
    """What the reader must give for an order that was written."""
    values = {field.name: getattr(written, field.name) for field in fields(written) if field.name != "tax_rate"}
    return OrderInFile(**values, net_amount=written.net_amount, gross_amount=written.gross_amount)


def problems_of(*positions: KivitendoPosition, **changes: Any) -> list[str]:
    return [problem.text for problem in check_orders([order(*positions, **changes)])]


# --- Writing ----------------------------------------------------------------------------------------------------------


def test_write_orders_gives_exactly_these_bytes() -> None:
    first = order(
        position(),
        position(
            description='Drucker; "Toner" leer',
            quantity=Decimal("1.33333"),
            unit_price=Decimal("95"),
            discount=Decimal(10),
            ticket_number="2026100410000282",
        ),
        notes=limited_html(["Leistungszeitraum: 01.10.2026 – 31.10.2026"]),
    )
    second = order(number="TK-2026-10-Ö2", customer_number="Ö2", tax_rate=Decimal(0))

    data = write_orders([first, second])

    assert (
        data
        == HEADER
        + (
            "Auftrag;TK-2026-10-K1001;K1001;2026-11-01;2026-10-31;2026-10-31;Support Oktober 2026;EUR;"
            "<p>Leistungszeitraum: 01.10.2026 – 31.10.2026</p>;;185.25;220.45\r\n"
            "Position;1;SUP-STD;Nummer: 2026100310000281 Titel: Beamer defekt Erfasste Zeit: 40 min;"
            "<p>03.10.2026 40 min</p>;0.75;Std;95.00;0.00;2026-10-31;2026100310000281\r\n"
            'Position;2;SUP-STD;"Drucker; ""Toner"" leer";'
            "<p>03.10.2026 40 min</p>;1.33333;Std;95.00;10.00;2026-10-31;2026100410000282\r\n"
            "Auftrag;TK-2026-10-Ö2;Ö2;2026-11-01;2026-10-31;2026-10-31;Support Oktober 2026;EUR;;;71.25;71.25\r\n"
            "Position;1;SUP-STD;Nummer: 2026100310000281 Titel: Beamer defekt Erfasste Zeit: 40 min;"
            "<p>03.10.2026 40 min</p>;0.75;Std;95.00;0.00;2026-10-31;2026100310000281\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({"quantity": Decimal(0)}, ("0.00", "95.00", "0.00")),
        ({"quantity": Decimal("-0")}, ("0.00", "95.00", "0.00")),
        ({"quantity": Decimal("-1.5")}, ("-1.50", "95.00", "0.00")),
        ({"quantity": Decimal("1E+2"), "unit_price": Decimal("0")}, ("100.00", "0.00", "0.00")),
        ({"quantity": Decimal("0.33333"), "unit_price": Decimal("1.58333")}, ("0.33333", "1.58333", "0.00")),
        ({"discount": Decimal("2.5")}, ("0.75", "95.00", "2.50")),
    ],
)
def test_numbers_are_written_with_a_dot_and_never_as_a_bare_zero(
    changes: dict[str, Decimal], cells: tuple[str, str, str]
) -> None:
    line = read_lines(write_orders([order(position(**changes))]))[3]

    row = dict(zip(POSITION_COLUMNS, line.cells, strict=True))
    assert (row["qty"], row["sellprice"], row["discount"]) == cells


@pytest.mark.parametrize(
    ("quantity", "unit_price", "discount", "total"),
    [
        ("0.75", "95", "0", "71.25"),
        ("1.3333", "95", "10", "114.00"),
        ("20", "1.583333", "0", "31.67"),
        ("1", "95", "100", "0.00"),
        ("-0.5", "0.01", "0", "-0.01"),
        ("0.5", "0.01", "0", "0.01"),
    ],
)
def test_line_total_is_rounded_as_kivitendo_does(quantity: str, unit_price: str, discount: str, total: str) -> None:
    assert line_total(Decimal(quantity), Decimal(unit_price), Decimal(discount)) == Decimal(total)


@pytest.mark.parametrize(
    ("net", "gross"), [("216.92", "258.13"), ("187.50", "223.13"), ("42.75", "50.87"), ("-187.50", "-223.13")]
)
def test_gross_amount_is_that_of_the_accepted_file(net: str, gross: str) -> None:
    written = order(position(quantity=Decimal(1), unit_price=Decimal(net)))

    assert written.gross_amount == Decimal(gross)


def test_tax_is_rounded_once_on_the_sum() -> None:
    cents = position(quantity=Decimal(1), unit_price=Decimal("0.02"))

    assert order(cents, cents, cents).gross_amount == Decimal("0.07")  # three times 0.0038, not three times 0.00


def test_texts_are_written_for_an_importer_and_not_for_a_spreadsheet() -> None:
    written = order(position(description="=1+1"), description="@SUM(A1)")

    data = write_orders([written])

    assert b";=1+1;" in data
    assert b";@SUM(A1);" in data


def test_limited_html_escapes_only_what_it_must() -> None:
    html = limited_html(['Müller & Söhne "<svg onload=x>"', "a\r\nb", "it's"])

    assert html == '<p>Müller &amp; Söhne "&lt;svg onload=x&gt;"<br />a b<br />it\'s</p>'
    assert problems_of(position(long_description=html)) == []


# --- Shape of an accepted file ----------------------------------------------------------------------------------------


def accepted_rows() -> tuple[tuple[str, ...], tuple[str, ...], list[dict[str, str]]]:
    orders, positions, *lines = read_lines(ACCEPTED.read_bytes())
    headers = {"Auftrag": orders.cells, "Position": positions.cells}
    return orders.cells, positions.cells, [dict(zip(headers[line.cells[0]], line.cells, strict=True)) for line in lines]


def test_our_columns_are_columns_of_the_accepted_file() -> None:
    order_columns, position_columns, _rows = accepted_rows()

    assert set(ORDER_COLUMNS) <= set(order_columns)
    assert set(POSITION_COLUMNS) <= set(position_columns)
    assert ORDER_COLUMNS[0] == order_columns[0] == POSITION_COLUMNS[0] == position_columns[0] == "datatype"


def test_the_first_order_of_the_accepted_file_comes_out_alike_when_we_write_it() -> None:
    _orders, _positions, rows = accepted_rows()
    header, *rest = rows[:4]
    taken = order(
        *(
            position(
                article_number=row["partnumber"],
                description=row["description"],
                quantity=Decimal(row["qty"]),
                unit=row["unit"],
                unit_price=Decimal(row["sellprice"]).quantize(Decimal("0.00001")),
                discount=Decimal(row["discount"]),
                ticket_number=row["serialnumber"],
                request_date=date.fromisoformat(row["reqdate"]),
            )
            for row in rest
        ),
        number=header["ordnumber"],
        description=header["transaction_description"],
    )

    written = read_lines(write_orders([taken]))

    ours = dict(zip(ORDER_COLUMNS, written[2].cells, strict=True))
    alike = set(ORDER_COLUMNS) - {"notes", "intnotes"}
    assert {name: ours[name] for name in alike} == {name: header[name] for name in alike}
    our_position = dict(zip(POSITION_COLUMNS, written[3].cells, strict=True))
    alike = set(POSITION_COLUMNS) - {"longdescription"}
    assert {name: our_position[name] for name in alike} == {name: rest[0][name] for name in alike}


# --- Checks -----------------------------------------------------------------------------------------------------------


def test_good_orders_have_no_problem() -> None:
    assert check_orders([order(), order(number="TK-2026-10-K1002")]) == []


def test_a_file_without_orders_is_refused() -> None:
    with pytest.raises(ExportRefused, match="There is no order to write") as error:
        write_orders([])

    assert error.value.problems == [Problem("", "There is no order to write.")]


def test_an_order_without_positions_is_refused() -> None:
    empty = replace(order(), positions=())

    with pytest.raises(ExportRefused, match="TK-2026-10-K1001 The order has no position"):
        write_orders([order(number="good"), empty])


def test_an_order_number_twice_is_a_problem() -> None:
    assert check_orders([order(), order()]) == [
        Problem("TK-2026-10-K1001", "The order number occurs 2 times in the file.")
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"number": ""}, "The field “order number” is empty."),
        ({"number": "TK 1 "}, "The field “order number” has blanks around its text."),
        ({"customer_number": "  "}, "The field “customer number” is empty."),
        ({"customer_number": " K1001"}, "The field “customer number” has blanks around its text."),
        ({"customer_number": "K\u00a0"}, "The field “customer number” has blanks around its text."),
        ({"customer_number": "K1\tx"}, "The field “customer number” has a line break or tab."),
        ({"description": "a\nb"}, "The field “description” has a line break or tab."),
        ({"internal_notes": "a\0b"}, "The field “internal notes” has a character that cannot be written."),
        ({"notes": "\ud800"}, "The field “notes” has a character that cannot be written."),
        ({"notes": "<script>"}, "The field “notes” holds HTML that kivitendo does not show."),
        ({"notes": "1 < 2"}, "The field “notes” holds HTML that kivitendo does not show."),
        ({"internal_notes": "x" * (TEXT_LIMIT + 1)}, "The field “internal notes” is too long."),
        ({"currency": "eur"}, "The currency must be three capital letters."),
        ({"currency": ""}, "The currency must be three capital letters."),
        ({"currency": "EUR\n"}, "The currency must be three capital letters."),
        ({"tax_rate": Decimal("-1")}, "The tax rate must be between 0 and 100 percent."),
        ({"tax_rate": Decimal("101")}, "The tax rate must be between 0 and 100 percent."),
        ({"tax_rate": Decimal("NaN")}, "The tax rate must be between 0 and 100 percent."),
    ],
)
def test_a_fault_of_an_order_is_a_problem(changes: dict[str, Any], text: str) -> None:
    assert problems_of(**changes) == [text]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"article_number": ""}, "The field “article number” is empty."),
        ({"unit": ""}, "The field “unit” is empty."),
        ({"unit": "Std "}, "The field “unit” has blanks around its text."),
        ({"description": ""}, "The field “description” is empty."),
        ({"description": "a\r\nb"}, "The field “description” has a line break or tab."),
        ({"description": "a\x1bb"}, "The field “description” has a character that cannot be written."),
        ({"ticket_number": "1\n2"}, "The field “ticket number” has a line break or tab."),
        ({"long_description": "<img src=x>"}, "The field “long description” holds HTML that kivitendo does not show."),
        ({"quantity": Decimal("1E+10")}, "The field “quantity” is too big."),
        ({"quantity": Decimal("-1E+10")}, "The field “quantity” is too big."),
        ({"quantity": Decimal("0.333333")}, "The field “quantity” has more than 5 decimals."),
        ({"unit_price": Decimal("1.5833333")}, "The field “unit price” has more than 5 decimals."),
        ({"quantity": Decimal("NaN"), "amount": Decimal(0)}, "The field “quantity” is not a number."),
        ({"discount": Decimal("100.5")}, "The discount must be between 0 and 100 percent."),
        ({"discount": Decimal(-1)}, "The discount must be between 0 and 100 percent."),
        ({"amount": Decimal("71.26")}, "The amount is 71.26, but quantity times price gives 71.25."),
        ({"amount": Decimal("NaN")}, "The amount is NaN, but quantity times price gives 71.25."),
    ],
)
def test_a_fault_of_a_position_is_a_problem_that_names_it(changes: dict[str, Any], text: str) -> None:
    assert problems_of(position(), position(**changes)) == [f"Position 2: {text}"]


def test_an_order_whose_sum_is_too_big_is_a_problem() -> None:
    huge = position(quantity=Decimal("9999999999"), unit_price=Decimal("0.9"))

    assert problems_of(huge) == ["The sum of the order is too big."]
    assert problems_of(huge, tax_rate=Decimal(0)) == []


def test_all_problems_are_told_at_once() -> None:
    bad = order(position(unit=""), position(quantity=Decimal("1E+11")), customer_number="", number="X")

    with pytest.raises(ExportRefused, match=r"Problems found: 3\. The first: X The field “customer number” is empty"):
        write_orders([order(), bad])


# --- Round trip -------------------------------------------------------------------------------------------------------

NASTY = [
    'Beamer im Saal "Königsbau" & Foyer; 5\'',
    "=1+1",
    "Łódź façade 日本語 😀",
    '"',
    '""";',
    ";",
    "Auftrag",
    "\ufeffBOM",
    "a,b|c",
    "-",
    "'",
]


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_come_back_unchanged(text: str) -> None:
    written = order(
        position(description=text, long_description=limited_html([text, text]), ticket_number=text, unit=text),
        description=text,
        customer_number=text,
        internal_notes=f"{text}\r\n{text}\n\r{text}",
        notes=limited_html([text]),
    )

    assert read_orders(write_orders([written])) == [in_file(written)]


written_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\"';\t\r\n"), max_size=20
)
line_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
key_text = line_text.map(str.strip).filter(bool)
positions = st.builds(
    position,
    article_number=key_text,
    description=key_text,
    long_description=st.lists(written_text).map(limited_html),
    quantity=st.decimals(-(10**5), 10**5, places=5),
    unit=key_text,
    unit_price=st.decimals(0, 10**4, places=5),
    discount=st.decimals(0, 100, places=2),
    ticket_number=line_text,
    request_date=st.dates(),
)
written_orders = st.lists(
    st.builds(
        lambda lines, **values: order(*lines, **values),
        st.lists(positions, min_size=1, max_size=3),
        number=key_text,
        customer_number=key_text,
        date=st.dates(),
        request_date=st.dates(),
        description=line_text,
        currency=st.sampled_from(["EUR", "CHF"]),
        notes=st.lists(written_text).map(limited_html),
        internal_notes=written_text,
        tax_rate=st.decimals(0, 100, places=2),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.number,
)


@given(written_orders)
def test_whatever_is_written_comes_back(orders: list[KivitendoOrder]) -> None:
    data = write_orders(orders)

    assert read_orders(data) == [in_file(each) for each in orders]
    assert data.startswith(HEADER)


@given(written_orders)
def test_the_sums_in_the_file_are_those_of_its_positions(orders: list[KivitendoOrder]) -> None:
    rows = list(csv.reader(io.StringIO(write_orders(orders).decode(), newline=""), delimiter=";"))[2:]

    for each in orders:
        head, *rows = rows
        own, rows = rows[: len(each.positions)], rows[len(each.positions) :]
        net = sum(line_total(Decimal(row[5]), Decimal(row[7]), Decimal(row[8])) for row in own)
        assert Decimal(head[10]) == net
        assert abs(Decimal(head[11]) - net * (1 + each.tax_rate / 100)) <= Decimal("0.005")
        assert all(row[0] == "Position" for row in own)


# --- Reading back strictly --------------------------------------------------------------------------------------------

GOOD = write_orders([order(position(), position(quantity=Decimal(1)))])


def test_the_good_file_of_these_tests_is_read() -> None:
    assert [each.number for each in read_orders(GOOD)] == ["TK-2026-10-K1001"]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "The header is not “datatype;ordnumber"),
        (HEADER.splitlines(keepends=True)[0], 2, "The header is not “datatype;position"),
        (b"\xef\xbb\xbf" + GOOD, 1, "The header is not"),
        (GOOD.replace(b"sellprice", b"sellprise"), 2, "The header is not"),
        (HEADER, 3, "There is no order in the file"),
        (HEADER + b"\r\n", 3, "neither an order nor a position"),
        (GOOD.replace(b"Auftrag", b"Order"), 3, "neither an order nor a position"),
        (HEADER + b"Position;1\r\n", 3, "neither an order nor a position"),
        (HEADER + GOOD[len(HEADER) :].split(b"\r\n", 1)[1], 3, "neither an order nor a position"),
        (GOOD.replace(b";0.00;2026-10-31;2026100310000281\r\n", b"\r\n", 1), 4, "neither an order nor a position"),
        (GOOD + GOOD[len(HEADER) :], 6, "The order TK-2026-10-K1001 occurs again"),
        (GOOD.replace(b"\r\n", b"\n"), 1, "not spelt as this program does it"),
        (GOOD[:-2], 5, "not spelt as this program does it"),
        (GOOD + b"\r", 6, "not spelt as this program does it"),
        (GOOD.replace(b"Std", b'"Std"', 1), 4, "not spelt as this program does it"),
        (GOOD.replace(b"Std", b'S"td', 1), 4, "not spelt as this program does it"),
        (GOOD.replace(b"Std", b'"S"td', 1), 4, "'\"'"),
        (GOOD.replace(b"Std", b'"Std', 1), 4, "unexpected end of data"),
        (GOOD.replace(b"Std", b"St\xfc", 1), 4, "not in UTF-8"),
        (GOOD.replace(b"Position;2", b"Position;3"), 5, "should be number 2"),
        (GOOD.replace(b"0.75", b"0,75"), 4, "“0,75” is not a number like 1000.00"),
        (GOOD.replace(b"0.75", b"0.750"), 4, "“0.750” is not a number like 1000.00"),
        (GOOD.replace(b"0.75", b""), 4, "“” is not a number"),
        (GOOD.replace(b"0.75", b"-0.00"), 4, "“-0.00” is not a number"),
        (GOOD.replace(b"0.75", b"1" * 60 + b".00"), 4, "is not a number"),
        (GOOD.replace(b"2026-10-31;20261003", b"31.10.2026;20261003", 1), 4, "“31.10.2026” is not a date"),
        (GOOD.replace(b"2026-10-31;20261003", b"20261031;20261003", 1), 4, "“20261031” is not a date"),
        (GOOD.replace(b"2026-11-01", b"2026-02-30"), 3, "“2026-02-30” is not a date"),
        (GOOD.replace(b"0.75", b"0.76"), 3, "The sums do not agree"),
        (GOOD.replace(b"166.25", b"166.24"), 3, "The sums do not agree"),
        (GOOD.replace(b"197.84", b"-197.84"), 3, "The sums do not agree"),
        (GOOD.replace(b"197.84", b"166.24"), 3, "The sums do not agree"),
        (GOOD.replace(b"197.84", b"332.51"), 3, "The sums do not agree"),
        (GOOD.replace(b"2026-10-31;2026-10-31", b"2026-10-31;2026-10-30"), 3, "reqdate and tax_point differ"),
        (GOOD.replace(b";K1001", b"; K1001"), 3, "blanks around"),
        (GOOD.replace(b";EUR", b";eur"), 3, "three capital letters"),
        (HEADER + GOOD[len(HEADER) :].split(b"\r\n")[0] + b"\r\n", 3, "The order has no position"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_with_the_line(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(FileRefused) as error:
        read_orders(data)

    assert error.value.line == line
    assert str(error.value).startswith(f"Line {line}: ")
    assert reason in str(error.value)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    data = write_orders([order(internal_notes="one\r\ntwo\nthree"), order(number="second")])

    with pytest.raises(FileRefused) as error:
        read_orders(data.replace(b"second", b" second"))

    assert error.value.line == 7


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 30))
def test_damaged_bytes_are_refused_or_hold_good_orders(junk: bytes, start: int, length: int) -> None:
    try:
        orders = read_orders(GOOD[:start] + junk + GOOD[start + length :])
    except FileRefused:
        orders = []

    assert all(each.positions and abs(each.gross_amount) >= abs(each.net_amount) for each in orders)


@pytest.mark.parametrize("end", range(0, len(GOOD), 7))
def test_a_file_cut_off_anywhere_is_refused(end: int) -> None:
    with pytest.raises(FileRefused):
        read_orders(GOOD[:end])
