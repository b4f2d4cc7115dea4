"""Orders of every kind as kivitendo's file: what is written is what is read, and the sums are the orders'."""

from datetime import date
from decimal import Decimal

import pytest

from billing.agreement_models import FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.handover import Format, export_orders
from billing.kivitendo import OrderInFile, read_orders
from billing.models import Order, OrderPosition
from billing.plans import totals
from billing.prepaid import move
from billing.pricing import amount
from tests.billing.scenes import NOW, OCTOBER, bill, issue, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory
from tickets.models import TicketSystem

ODD = 'Drucker "Öse"; streikt\r\nseit 1. Oktober <b>&</b>'


@pytest.fixture
def orders(system: TicketSystem) -> list[Order]:
    """Three customers, with all kinds of positions: discounts, included and prepaid time, recurring lines, rounding."""
    one, two, three = (
        CustomerFactory(system=system, customer_id=name, name=f"{name} GmbH & Söhne") for name in ("Ä1", "K;2", 'K"3')
    )
    first = AgreementFactory(customer=one, included_minutes=25, overage_rate=120, position_text="{number}\n{title}")
    FlatFee.objects.create(
        agreement=first, text='Wartung "groß"; pauschal', article_number="W", unit="Stck", unit_price=100
    )
    AgreementFactory(customer=two, rounding_scope="order", rounding_step=15, rounding_mode="up")
    AgreementFactory(customer=three, hourly_rate=Decimal("95.5"))
    RateRule.objects.create(queue="Projekte", hourly_rate=Decimal("133.33333"), article_number="PRJ")
    block = PrepaidBlock.objects.create(customer=three, name="Block", starts=date(2026, 1, 1))
    move(block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(30), reason="", user=None, now=NOW)
    ticket_of(one, 20, number="1", title=ODD)
    ticket_of(one, 30, number="2", title="Übertrag", queue="Projekte")
    ticket_of(two, 7, number="3", title=ODD)
    ticket_of(two, 4, number="4", title="Maß & Größe")
    ticket_of(three, 30, number="5", title="vorausbezahlt")
    ticket_of(three, "10.01", number="6", title="Rest")
    bill()
    with_discount(Order.objects.get(customer=one), Decimal("12.5"))
    return issue()


def with_discount(order: Order, discount: Decimal) -> None:
    """As a person gives it to the draft."""
    positions = list(order.positions.all())
    for position in positions:
        position.discount = discount
        position.amount = amount(position.quantity, position.unit_price, discount)
    OrderPosition.objects.bulk_update(positions, ["discount", "amount"])
    Order.objects.filter(pk=order.pk).update(**totals(positions))


def handed_over() -> tuple[list[OrderInFile], bytes]:
    content = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW).content
    return read_orders(content), content


def test_file_reads_back_with_the_sums_of_the_orders(orders: list[Order]) -> None:
    found, _content = handed_over()

    assert {order.number: order.net_amount for order in found} == {order.number: order.net_amount for order in orders}
    assert {order.number: order.customer_number for order in found} == {
        order.number: order.erp_customer_number for order in orders
    }
    for order in orders:
        written = next(each for each in found if each.number == order.number)
        columns = order.positions.values_list("article_number", "quantity", "unit", "unit_price", "discount", "amount")
        assert [
            (line.article_number, line.quantity, line.unit, line.unit_price, line.discount, line.amount)
            for line in written.positions
        ] == list(columns)


def test_texts_come_back_on_one_line_with_their_umlauts_and_quotes(orders: list[Order]) -> None:
    found, _content = handed_over()

    line = next(line for order in found for line in order.positions if line.ticket_number == "1")
    assert line.description == 'Ticket 1 Drucker "Öse"; streikt seit 1. Oktober <b>&</b>'
    assert line.long_description.startswith(
        '<p>1<br />Drucker "Öse"; streikt seit 1. Oktober &lt;b&gt;&amp;&lt;/b&gt;<br />10/2026</p>'
        "<ul><li>05.10.2026 20 min"
    )


def test_time_that_costs_nothing_has_a_real_zero(orders: list[Order]) -> None:
    found, content = handed_over()

    covered = [line for order in found for line in order.positions if line.ticket_number in ("1", "5")]
    assert [(line.quantity, line.amount) for line in covered] == [(0, 0), (0, 0)]
    assert content.decode().count(";0.00;Std;") == 2
    assert ";0;" not in content.decode()


def test_position_without_a_ticket_has_its_text_and_no_list_of_bookings(orders: list[Order]) -> None:
    found, content = handed_over()

    lines = [line for order in found for line in order.positions if line.ticket_number == ""]
    assert [(line.description, line.long_description, str(line.request_date)) for line in lines] == [
        ('Wartung "groß"; pauschal', '<p>Wartung "groß"; pauschal<br />10/2026</p>', "2026-10-31"),
        ("Rundung 11 min → 15 min", "<p>Rundung 11 min → 15 min<br />10/2026</p>", "2026-10-31"),
    ]
    assert "<ul></ul>" not in content.decode()
