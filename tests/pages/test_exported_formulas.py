"""Every file that the portal hands out: no cell that a spreadsheet would compute, and numbers that stay numbers."""

import csv
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from common.csvfiles import FORMULA, GERMAN, PLAIN, Dialect, cell, read_csv, write_csv
from tests.commands import run_command
from tests.pages.pages import addresses
from tests.pages.world import HOSTILE, World
from tickets.models import Agent, Customer, Ticket, TimeEntry

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"-?\d[\d.,]*")
CORPUS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example","here")',
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    '"=1',
    "'=1",
    "''=1",
    "＝1",
    "＋1",
    "\ufeff=1",
    "\u200b=1",
    "-",
    "=",
    "%=1",
    "a=1",
    "1-2",
    "-5.00",
)
EXPORTS_AS_KEPT = {"outofoffice:original", "billing:stored_file"}
"""Byte for byte what was uploaded, and what was handed over."""


def computed(content: bytes, delimiter: str) -> list[str]:
    """Cells that a spreadsheet would take for a formula."""
    text = content.decode("utf-8-sig")
    cells = [each for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for each in row]
    return [each for each in cells if FORMULA.match(each) and not each.startswith("'") and not NUMBER.fullmatch(each)]


def formulas(content: bytes) -> list[str]:
    """What Excel would compute or follow in a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = [book.read(name).decode() for name in book.namelist() if name.endswith((".xml", ".rels"))]
    return [found for part in parts for found in re.findall(r"<f[ >/]|<hyperlink|externalLink|ddeLink", part)]


@pytest.fixture
def hostile(world: World) -> World:
    """Names of the mirror begin like formulas, too."""
    Customer.objects.filter(pk=world.customer.pk).update(name="=1+1", customer_id="@SUM(1)")
    Ticket.objects.filter(pk=world.ticket.pk).update(queue="+1", service="-1+1", type="\t=1", number="=2")
    Agent.objects.update(name="=cmd|' /C calc'!A0")
    TimeEntry.objects.update(queue="@queue")
    return world


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("csv-german", ";")])
def test_no_csv_of_any_page_holds_a_formula(hostile: World, kind: str, delimiter: str) -> None:
    client, seen = hostile.clients["admin"], 0

    for address in addresses(hostile):
        if address.posts or address.name in EXPORTS_AS_KEPT:
            continue
        response = client.get(f"{address.path}?period=all&from=&to=&by=ticket&export={kind}&as={kind}")
        if response.headers.get("Content-Type", "").startswith("text/csv"):
            assert computed(response.content, delimiter) == [], address
            seen += b"'=" in response.content or b"'@" in response.content

    assert seen >= 5  # the corpus did reach the files


def test_no_workbook_of_any_page_holds_a_formula_or_a_link(hostile: World) -> None:
    client, books = hostile.clients["admin"], []

    for address in addresses(hostile):
        if not address.posts and address.name not in EXPORTS_AS_KEPT:
            response = client.get(f"{address.path}?period=all&by=ticket&export=xlsx")
            if response.content.startswith(b"PK"):
                books.append(address.name)
                assert formulas(response.content) == [], address

    assert len(books) >= 8


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_file_of_the_command_holds_a_formula(hostile: World, tmp_path: Path, kind: str) -> None:
    code, _out, _err = run_command("export_orders", "2026-10", "--format", kind, "--output", str(tmp_path))
    (path,) = tmp_path.iterdir()

    assert code == 0
    assert (computed(path.read_bytes(), ",") if kind == "csv" else formulas(path.read_bytes())) == []


def test_file_for_kivitendo_says_what_the_ticket_says(hostile: World, tmp_path: Path) -> None:
    """Its importer computes nothing and would print an apostrophe on the invoice."""
    run_command("export_orders", "2026-10", "--format", "kivitendo", "--output", str(tmp_path))
    (path,) = tmp_path.iterdir()
    text = path.read_bytes().decode()

    assert "=1+1 <svg" in HOSTILE
    assert "'=" not in text


@pytest.mark.parametrize("dialect", [PLAIN, GERMAN], ids=["plain", "german"])
def test_texts_come_back_as_they_were(dialect: Dialect) -> None:
    texts = [text for text in CORPUS if "\r" not in text]

    data = write_csv(["name"], [[text] for text in texts], dialect)

    assert computed(data, dialect.delimiter) == []
    assert [row.cells[0] for row in read_csv(data)[1:]] == texts


@pytest.mark.parametrize(
    ("number", "plain", "german"),
    [(Decimal("-5.00"), "-5.00", "-5,00"), (-5, "-5", "-5"), (Decimal("-0.5"), "-0.5", "-0,5"), (0, "0", "0")],
)
def test_numbers_stay_numbers(number: Decimal | int, plain: str, german: str) -> None:
    assert (cell(number, PLAIN), cell(number, GERMAN)) == (plain, german)
