from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from billing.models import Agreement, Order
from common.paging import PagedData
from common.tables import Column, DateColumn, DateTimeColumn, MinutesColumn, MoneyColumn, NumberColumn, Table, Total
from tests.factories.tickets import CustomerFactory, TicketFactory, TimeEntryFactory
from tickets.models import TimeEntry


class EntryTable(Table):
    caption = "Time entries"
    totals_fields = ("minutes",)

    booked_local = Column()
    local_day = DateColumn()
    booked_at = DateTimeColumn()
    minutes = MinutesColumn()


class OrderTable(Table):
    totals_fields = ("recorded_minutes", "net_amount")
    currency_field = "currency"

    number = Column()
    recorded_minutes = NumberColumn()
    net_amount = MoneyColumn()


class ListTable(Table):
    totals_fields = ("count", "amount")
    currency_field = "currency"

    name = Column(footer="Sum")
    count = NumberColumn(attrs={"td": {"class": "own"}})
    amount = MoneyColumn(currency="")


def entries(*minutes: str) -> None:
    ticket = TicketFactory.create()
    for index, each in enumerate(minutes, start=1):
        TimeEntryFactory.create(ticket=ticket, units=Decimal(each), running_number=index)


def order(number: str, minutes: str, net: str, currency: str = "EUR") -> Order:
    return Order.objects.create(
        number=number,
        customer=CustomerFactory.create(),
        agreement=Agreement.objects.get(is_default=True),
        month=date(2026, 10, 1),
        period_start=date(2026, 10, 1),
        erp_customer_number="K1",
        currency=currency,
        tax_rate=Decimal(19),
        recorded_minutes=Decimal(minutes),
        net_amount=Decimal(net),
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        changed_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


def footer(table: Table) -> list[str]:
    return [str(column.footer) for column in table.columns]


@pytest.mark.django_db
def test_totals_are_those_of_the_whole_set_and_not_of_the_page(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    entries("15", "20.25", "-0.10")
    table = EntryTable(TimeEntry.objects.order_by("units"))
    table.paginate(per_page=1)  # type: ignore[no-untyped-call]

    with django_assert_num_queries(1):
        shown = footer(table), footer(table)

    assert shown[0] == ["Total", "", "", '<span title="0:35">35.15</span>']
    assert table.totals == [Total("", {"minutes": Decimal("35.15")})]


@pytest.mark.django_db
def test_totals_of_nothing_are_zero() -> None:
    table = EntryTable(TimeEntry.objects.all())

    assert table.totals == [Total("", {"minutes": Decimal(0)})]


@pytest.mark.django_db
def test_totals_have_no_trace_of_binary_fractions() -> None:
    entries(*["0.10"] * 30)

    assert str(EntryTable(TimeEntry.objects.all()).totals[0].sums["minutes"]) == "3"


@pytest.mark.django_db
def test_totals_keep_currencies_apart(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    order("1", "60", "95.00")
    order("2", "30.5", "47.50")
    order("3", "10", "20.00", "CHF")

    with django_assert_num_queries(1):
        table = OrderTable(Order.objects.filter(customer__system__active=True).distinct())
        shown = footer(table)

    assert shown == ["Total", "100.5", "20.00 CHF + 142.50 EUR"]


@pytest.mark.django_db
def test_totals_count_a_row_once_that_a_filter_finds_twice() -> None:
    customer = order("1", "60", "95.00").customer
    TicketFactory.create_batch(2, system=customer.system, customer=customer)
    order("2", "30", "47.50")
    found = Order.objects.filter(customer__tickets__state="open").distinct()

    assert OrderTable(found).totals == [Total("EUR", {"recorded_minutes": Decimal(60), "net_amount": Decimal(95)})]


def test_totals_of_a_list_are_computed_alike() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "a", "count": 1, "amount": Decimal("1.10"), "currency": "EUR"},
        {"name": "b", "count": None, "amount": Decimal("2.20"), "currency": "EUR"},
        {"name": "c", "count": 3, "amount": Decimal("5"), "currency": "CHF"},
    ]

    table = ListTable(rows)

    assert table.totals == [
        Total("CHF", {"count": Decimal(3), "amount": Decimal(5)}),
        Total("EUR", {"count": Decimal(1), "amount": Decimal("3.30")}),
    ]
    assert footer(table) == ["Sum", "4", "5.00 CHF + 3.30 EUR"]


def test_totals_of_a_list_without_currency() -> None:
    class PlainTable(Table):
        totals_fields = ("count",)
        count = NumberColumn()

    table = PlainTable([{"count": 2}, {"count": 3}])

    assert table.totals == [Total("", {"count": Decimal(5)})]
    assert footer(table) == ["5"]


def test_a_table_without_totals_has_none_and_no_footer() -> None:
    class SmallTable(Table):
        name = Column()
        count = NumberColumn()

    table = SmallTable([{"name": "a", "count": 1}])

    assert table.totals == []
    assert not table.has_footer()
    assert footer(table)[1] == ""


def test_numbers_are_aligned_to_the_right_with_classes_of_their_own_kept() -> None:
    table = ListTable([])

    assert table.columns["amount"].attrs["td"]["class"] == "number text-end"
    assert table.columns["amount"].attrs["tf"]["class"] == "number text-end"
    assert table.columns["count"].attrs["td"]["class"] == "own"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "cells"),
    [
        ("en", ["2026-10-05", "2026-10-05 10:00", '<span title="20:35">1,234.5</span>']),
        ("de", ["05.10.2026", "05.10.2026 10:00", '<span title="20:35">1.234,5</span>']),
    ],
)
def test_cells_are_shown_in_the_form_of_the_language(language: str, cells: list[str]) -> None:
    entries("1234.5")
    table = EntryTable(TimeEntry.objects.all())

    with translation.override(language), timezone.override("Europe/Berlin"):
        row = next(iter(table.rows))
        assert [row.get_cell(name) for name in ("local_day", "booked_at", "minutes")] == cells


@pytest.mark.django_db
def test_money_is_shown_with_the_currency_of_its_row() -> None:
    order("1", "60", "1234.5", "CHF")

    row = next(iter(OrderTable(Order.objects.all()).rows))

    assert row.get_cell("net_amount") == "1,234.50 CHF"


def test_money_without_currency() -> None:
    row = next(iter(ListTable([{"amount": Decimal("1.005")}]).rows))

    assert row.get_cell("amount") == "1.01"
    assert row.get_cell("count") == "—"


def test_columns_of_model_fields_are_of_our_kinds() -> None:
    class ModelTable(Table):
        class Meta(Table.Meta):
            model = TimeEntry
            fields = ("local_day", "booked_at", "queue")

    kinds = [type(column.column).__name__ for column in ModelTable([]).columns]

    assert kinds == ["DateColumn", "DateTimeColumn", "Column"]


@pytest.mark.django_db
def test_a_table_is_rendered_with_its_total(rf: RequestFactory) -> None:
    entries("15")
    table = EntryTable(TimeEntry.objects.all(), template_name="django_tables2/table.html")

    html = table.as_html(rf.get("/"))  # type: ignore[no-untyped-call]

    assert html.count('<span title="0:15">15</span>') == 2
    assert "Total" in html


def test_an_empty_table_says_so() -> None:
    assert str(ListTable([]).empty_text) == "Nothing found."


def shown_footers(table: Table) -> list[list[str]]:
    return [[str(text) for _column, text in cells] for _css_class, cells in table.footers()]


def listed(*rows: tuple[str, int, str]) -> ListTable:
    return ListTable([{"name": name, "count": count, "amount": Decimal(5), "currency": of} for name, count, of in rows])


def test_page_of_several_has_a_sum_of_its_own_above_the_total() -> None:
    table = listed(("a", 1, "EUR"), ("b", 2, "CHF"), ("c", 4, "EUR"))
    table.paginate(page=1, per_page=2)  # type: ignore[no-untyped-call]

    assert shown_footers(table) == [
        ["Sum of this page", "3", "5.00 CHF + 5.00 EUR"],
        ["Total of all pages", "7", "5.00 CHF + 10.00 EUR"],
    ]


@pytest.mark.parametrize("paginated", [True, False])
def test_only_page_has_the_total_alone(paginated: bool) -> None:
    table = listed(("a", 1, "EUR"), ("b", 2, "EUR"))
    if paginated:
        table.paginate(per_page=2)  # type: ignore[no-untyped-call]

    assert shown_footers(table) == [["Sum", "3", "10.00 EUR"]]


def test_table_without_totals_has_no_footer() -> None:
    class Names(Table):
        name = Column()

    assert Names([{"name": "a"}]).footers() == []


@pytest.mark.django_db
def test_sum_of_the_page_costs_no_query_of_its_own(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    entries("15", "20.25", "-0.10")
    table = EntryTable(PagedData(TimeEntry.objects.order_by("units")))
    table.paginate(page=2, per_page=2)  # type: ignore[no-untyped-call]
    assert len(table.page_totals) == 1

    with django_assert_num_queries(1):
        of_page, overall = shown_footers(table)

    assert of_page == ["Sum of this page", "", "", '<span title="0:20">20.25</span>']
    assert overall == ["Total of all pages", "", "", '<span title="0:35">35.15</span>']
