"""Pages of long lists."""

import pytest

from common.paging import PagedData
from tests.factories.tickets import TicketFactory, TicketSystemFactory
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def test_rows_that_are_equal_in_the_order_do_not_jump_between_pages() -> None:
    system = TicketSystemFactory()
    made = [TicketFactory(system=system, customer=None).pk for _number in range(5)]

    data = PagedData(Ticket.objects.order_by("title"))

    assert [row.pk for row in (*data[0:2], *data[2:4], *data[4:6])] == made[::-1]


def test_single_row_is_found() -> None:
    tickets = [TicketFactory(title=title) for title in ("b", "a")]

    assert PagedData(Ticket.objects.order_by("title"))[0] == tickets[1]


def test_page_behind_the_end_is_empty() -> None:
    assert PagedData(Ticket.objects.all())[25:50] == []
