"""The work statement: what stands on the paper, read back from the PDF."""

import io

import pytest
from django.contrib.auth import get_user_model
from pypdf import PdfReader

from billing.handover import sha256_of
from billing.issuing import void_order
from billing.models import Export, Order
from billing.orders import OrdersRefused
from billing.statement_files import statement_file
from tests.billing.scenes import NOW, bill, issue, ticket_of
from tests.commands import run_command
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer, TicketSystem


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, blanks made one."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


@pytest.fixture
def order(customer: Customer) -> Order:
    ticket_of(customer, 20, "7.5", number="2026100510000017", title="Drucker „größer“ <b>€</b>\nzweite Zeile")
    ticket_of(customer, -5, number="2026100510000018")
    bill()
    return Order.objects.get()


def statement(order: Order, language: str = "de") -> bytes:
    return statement_file(order, language=language, user=None, now=NOW).content


def test_statement_shows_positions_entries_and_sums(order: Order) -> None:
    issue()

    (page,) = pages_of(statement(order, "en"))

    assert "Customer Königsbau AG" in page
    assert "Document number 2026-00001" in page
    assert "Billing period October 2026 (2026-10-01 – 2026-10-31, Europe/Berlin)" in page
    assert "1. 2026100510000017 Drucker „größer“ <b>€</b> zweite Zeile 27.5 27.5 60.00 27.50" in page
    assert "2026-10-05 10:00 7.5 min" in page
    assert "0.45833 Std × 60.00 = 27.50" in page
    assert "Total, net 22.5 22.5 22.50 EUR" in page
    assert "The time of each ticket is billed exactly." in page
    assert "Page 1 of 1" in page


def test_statement_is_german_where_that_is_asked_for(order: Order) -> None:
    issue()

    (page,) = pages_of(statement(order))

    assert page.startswith("Leistungsnachweis")
    assert "Abrechnungszeitraum Oktober 2026 (01.10.2026 – 31.10.2026, Europe/Berlin)" in page
    assert "22,50 EUR" in page
    assert "Seite 1 von 1" in page


def test_draft_says_that_it_is_a_preview_and_nothing_is_kept(order: Order) -> None:
    result = statement_file(order, language="en", user=None, now=NOW)

    assert (result.file_name, result.is_draft) == ("work-statement-TK-2026-10-K1001-en-preview.pdf", True)
    assert "PREVIEW: this order is not issued." in pages_of(result.content)[0]
    assert Export.objects.count() == 0


def test_issued_statement_is_kept_byte_for_byte(order: Order) -> None:
    issue()
    user = get_user_model()._default_manager.create(username="anna")
    first = statement_file(order, language="de", user=user, now=NOW)
    Customer.objects.update(name="Another name")

    second = statement_file(order, language="de", user=None, now=NOW)

    export = Export.objects.get()
    assert (first.content, first.file_name) == (second.content, second.file_name)
    assert (export.sha256, export.format, export.created_by) == (sha256_of(first.content), "pdf", user)
    assert Order.objects.get().state == "issued"


def test_same_order_gives_the_same_bytes_when_it_is_drawn_anew(order: Order) -> None:
    assert statement(order) == statement(order)


def test_void_order_says_so_and_still_shows_what_it_had_billed(order: Order) -> None:
    issue()
    void_order(Order.objects.get(), reason="wrong", user=None, now=NOW)
    bill()
    issue()

    old, new = (pages_of(statement(each, "en"))[0] for each in Order.objects.order_by("pk"))

    assert "VOID: this order is not billed." in old
    assert "2026-10-05 10:00 7.5 min" in old
    assert "Takes the place of 2026-00001" in new


def test_long_statement_has_numbered_pages_and_every_position(customer: Customer) -> None:
    for place in range(120):
        ticket_of(customer, 1, 2, number=f"{1000 + place}", title="word " * (place % 40))
    bill()

    pages = pages_of(statement(Order.objects.get(), "en"))

    text = " ".join(pages)
    assert all(f"{place + 1}. {1000 + place} " in text for place in range(120))
    assert [f"Page {page} of {len(pages)}" in text for page in range(1, len(pages) + 1)] == [True] * len(pages)
    assert "Total, net 360 360 360.00 EUR" in pages[-1]


def test_letters_that_the_font_lacks_stop_nothing(customer: Customer) -> None:
    ticket_of(customer, 5, title="漢字 \u202e \U0001f9fe " + "x" * 250, number="7")
    bill()

    assert "1. 7" in pages_of(statement(Order.objects.get()))[0]


def test_other_language_is_refused(order: Order) -> None:
    with pytest.raises(OrdersRefused, match="There is no work statement in this language"):
        statement(order, "fr")


def test_command_writes_a_statement_for_each_order(system: TicketSystem, tmp_path: object) -> None:
    for name in ("A", "B"):
        ticket_of(CustomerFactory(system=system, customer_id=name), 10)
    bill()
    issue()

    code, out, err = run_command("export_orders", "2026-10", "--format", "pdf", "--output", str(tmp_path))

    names = [line.split()[0].rpartition("/")[2] for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert names == ["work-statement-2026-00001-de.pdf", "work-statement-2026-00002-de.pdf"]
    assert run_command("export_orders", "2026-09", "--format", "pdf", "--output", str(tmp_path))[0] == 1
