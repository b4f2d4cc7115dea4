"""What kivitendo would take wrongly keeps the final file from being made, and is told before."""

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.handover import Format, export_orders
from billing.kivitendo_copy import refresh_copy
from billing.kivitendo_database import UnitRecord, Unreachable
from billing.kivitendo_preflight import preflight
from billing.models import Agreement, Export, Order
from billing.order_pages import file_to_come
from billing.orders import OrdersRefused
from tests.billing.fake_kivitendo import FakeKivitendo, article, customer
from tests.billing.scenes import NOW, OCTOBER, bill, issue, ticket_of
from tests.commands import run_command
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer

DRAFT = "Set it right in kivitendo and read it again, or correct the agreement and start the run again."
ISSUED = "Set it right in kivitendo and read it again, or void the order and correct the agreement."


@pytest.fixture
def order(customer: Customer) -> Order:
    """A draft of K1001, in Std of SUP-STD."""
    ticket_of(customer, 10)
    bill()
    return Order.objects.get()


def problems() -> list[str]:
    return preflight(Order.objects.all(), now=NOW).problems


def notices() -> list[str]:
    return preflight(Order.objects.all(), now=NOW).notices


def test_order_that_kivitendo_knows_all_about_passes(order: Order, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)

    assert preflight(Order.objects.all(), now=NOW) == preflight(Order.objects.none(), now=NOW)
    assert (problems(), notices()) == ([], [])


@pytest.mark.parametrize(
    ("customers", "sentence"),
    [
        ([customer(1, "K1002")], "kivitendo has no customer with the number “K1001”."),
        ([customer(1, "k1001")], "kivitendo has no customer with the number “K1001”."),
        ([customer(1, "K1001 ")], "kivitendo has no customer with the number “K1001”."),
        ([customer(1, "K1001"), customer(2, "K1001")], "kivitendo has 2 customers with the number “K1001”."),
        (
            [customer(1, "K1001"), customer(2, "K1001", obsolete=True)],
            "kivitendo has 2 customers with the number “K1001”.",
        ),
        ([customer(1, "K1001", obsolete=True)], "customer “K1001” is obsolete in kivitendo."),
    ],
)
def test_customer_must_be_there_once_and_valid(
    order: Order, erp: FakeKivitendo, customers: list[object], sentence: str
) -> None:
    erp.customers = customers  # type: ignore[assignment]
    refresh_copy(now=NOW)

    assert problems() == [f"Order TK-2026-10-K1001: {sentence} {DRAFT}"]


@pytest.mark.parametrize(
    ("articles", "sentence"),
    [
        ([], "kivitendo has no article with the number “SUP-STD”, or it is not a service."),
        ([article(1, "sup-std")], "kivitendo has no article with the number “SUP-STD”, or it is not a service."),
        ([article(1), article(2)], "kivitendo has 2 articles with the number “SUP-STD”."),
        ([article(1, obsolete=True)], "article “SUP-STD” is obsolete in kivitendo."),
        ([article(1, unit="psch")], "the unit “Std” cannot be converted to the article's unit “psch”."),
    ],
)
def test_article_must_be_there_once_and_valid(
    order: Order, erp: FakeKivitendo, articles: list[object], sentence: str
) -> None:
    erp.articles = articles  # type: ignore[assignment]
    refresh_copy(now=NOW)

    assert problems() == [f"Order TK-2026-10-K1001: {sentence} {DRAFT}"]


@pytest.mark.parametrize(
    ("unit", "of_article", "fault"),
    [
        ("Std", "Tag", ""),
        ("Tag", "min", ""),
        ("min", "Std", ""),
        ("h", "Std", "kivitendo has no unit “h”; the article has “Std”."),
        ("std", "Std", "kivitendo has no unit “std”; the article has “Std”."),
        ("psch", "Std", "the unit “psch” cannot be converted to the article's unit “Std”."),
        ("h", "h", ""),
        ("A", "B", ""),
        ("A", "Std", "the unit “A” cannot be converted to the article's unit “Std”."),
    ],
)
def test_unit_must_be_a_multiple_of_the_same_as_the_articles(
    customer: Customer, erp: FakeKivitendo, unit: str, of_article: str, fault: str
) -> None:
    Agreement.objects.update(unit=unit)
    ticket_of(customer, 10)
    bill()
    erp.articles = [article(1, unit=of_article)]
    erp.units += [UnitRecord("A", "B"), UnitRecord("B", "A")]  # a circle, which kivitendo's set-up lets nobody make
    refresh_copy(now=NOW)

    assert problems() == ([f"Order TK-2026-10-K1001: {fault} {DRAFT}"] if fault else [])


def test_lists_that_lack_something_give_notices_only(order: Order, erp: FakeKivitendo) -> None:
    erp.customers = [customer(1, "other")]
    erp.customers_source = "otrs_customer_contacts"
    erp.units, erp.units_source = [UnitRecord("Tag", "Std"), UnitRecord("Std", "")], "portal_services"
    erp.articles = [article(1, unit="min")]
    refresh_copy(now=NOW)

    unsure = "customer “K1001” is not among those that the view shows, which are not all of them."
    assert problems() == []
    assert notices() == [
        f"Order TK-2026-10-K1001: {unsure} {DRAFT}",
        f"Order TK-2026-10-K1001: the unit “Std” cannot be converted to the article's unit “min”. {DRAFT}",
    ]


def test_articles_that_cannot_be_read_are_told_once(order: Order, erp: FakeKivitendo) -> None:
    erp.articles, erp.articles_source = [], ""
    refresh_copy(now=NOW)

    assert (problems(), notices()) == (
        [],
        ["The articles of kivitendo cannot be read, so articles and units were not checked."],
    )


def test_order_lock_is_a_notice(order: Order, erp: FakeKivitendo) -> None:
    erp.customers = [customer(1, "K1001", locked=True)]
    refresh_copy(now=NOW)

    assert problems() == []
    assert notices() == [
        f"Order TK-2026-10-K1001: customer “K1001” is locked for orders in kivitendo. {DRAFT}",
    ]


def test_old_copy_is_told_with_the_reason(order: Order, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW - timedelta(days=2))
    erp.failure = Unreachable("The server is down.")
    with pytest.raises(Unreachable):
        refresh_copy(now=NOW)

    (notice,) = notices()
    assert notice.startswith("The copy of kivitendo is old. As kivitendo was read last: ")
    assert notice.endswith("The server is down.")


def test_kivitendo_that_was_never_read_is_a_problem(order: Order, erp: FakeKivitendo) -> None:
    assert problems() == [
        "kivitendo has not been read yet, so no order can be checked. Read it on the page kivitendo first."
    ]


def test_final_file_is_refused_and_nothing_recorded(order: Order, erp: FakeKivitendo) -> None:
    erp.customers = [customer(1, "K1001", obsolete=True)]
    refresh_copy(now=NOW)
    issue()

    with pytest.raises(OrdersRefused) as refused:
        export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    assert refused.value.sentences == [
        "No file was written.",
        f"Order TK-2026-10-K1001: customer “K1001” is obsolete in kivitendo. {ISSUED}",
    ]
    assert (Export.objects.count(), Order.objects.get().state) == (0, Order.State.ISSUED)


def test_command_says_the_same(order: Order, erp: FakeKivitendo, tmp_path: object) -> None:
    erp.articles = []
    refresh_copy(now=NOW)
    issue()

    code, out, err = run_command("export_orders", "2026-10", "--format", "kivitendo", "--output", str(tmp_path))

    assert (code, out) == (1, "")
    assert "No file was written.\nOrder TK-2026-10-K1001: kivitendo has no article" in err


def test_other_formats_are_not_refused(order: Order, erp: FakeKivitendo) -> None:
    erp.articles = []
    refresh_copy(now=NOW)
    issue()

    assert export_orders(month=OCTOBER, format=Format.CSV, now=NOW).problems == []


def test_preview_is_made_and_says_it(order: Order, erp: FakeKivitendo) -> None:
    erp.articles = []
    refresh_copy(now=NOW)

    result = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    assert (result.is_draft, len(result.problems)) == (True, 2)
    assert "kivitendo has no article" in result.problems[1]


def test_file_that_was_handed_over_is_given_again_whatever_kivitendo_says(order: Order, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)
    issue()
    first = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)
    erp.articles = []
    refresh_copy(now=NOW + timedelta(hours=1))

    again = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    assert again.content == first.content
    file = file_to_come(OCTOBER, now=NOW)
    assert file is not None
    assert (file.fresh, file.against.problems) == (0, [])


def test_notices_come_with_the_final_file(order: Order, erp: FakeKivitendo) -> None:
    erp.customers = [customer(1, "K1001", locked=True)]
    refresh_copy(now=NOW)
    issue()

    result = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    assert (result.is_draft, result.problems) == (
        False,
        [f"Order TK-2026-10-K1001: customer “K1001” is locked for orders in kivitendo. {ISSUED}"],
    )


def test_without_kivitendo_nothing_is_checked(order: Order, settings: Settings) -> None:
    settings.KIVITENDO_DATABASE_URL = ""

    with CaptureQueriesContext(connection) as queries:
        found = preflight(Order.objects.all(), now=NOW)

    assert (found.problems, found.notices, len(queries)) == ([], [], 0)


def test_queries_do_not_grow_with_the_orders(customer: Customer, erp: FakeKivitendo) -> None:
    refresh_copy(now=NOW)

    def queries(count: int) -> int:
        for place in range(count):
            other = CustomerFactory(system=customer.system)
            AgreementFactory(customer=other, article_number=f"A{count}{place}")
            ticket_of(other, 5)
        bill()
        with CaptureQueriesContext(connection) as done:
            assert len(problems()) == 2 * Order.objects.count()
        return len(done)

    assert queries(1) == queries(3)


def test_page_announces_what_the_export_would_refuse(order: Order, erp: FakeKivitendo) -> None:
    erp.customers = [dataclasses.replace(erp.customers[0], obsolete=True)]
    refresh_copy(now=NOW)

    file = file_to_come(OCTOBER, now=NOW)

    assert file is not None
    assert file.against.problems == problems() != []
