"""Every list with no row, few and ten thousand: it costs the same, shows one page, and bears any name."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.templatetags.formats import number
from portal.roles import ADMINISTRATOR, BILLING
from tests.pages.lists import LISTS, NO_LISTS, List
from tests.pages.pages import FILES, addresses, names_in_use
from tests.pages.parts import table_of
from tests.pages.rows import STRANGE
from tests.pages.world import PASSWORD, World

MANY = 10_000
BODY = re.compile(r"<tbody.*?</tbody>", re.DOTALL)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now"), pytest.mark.slow]


def somebody_who_sees_everything() -> User:
    user = User.objects.create_user("eva", password=PASSWORD, is_staff=True)
    user.groups.add(*Group.objects.filter(name__in=[ADMINISTRATOR, BILLING]))
    return user


@pytest.fixture
def client() -> Client:
    """Signed in, and noted for this minute."""
    client = Client()
    client.force_login(somebody_who_sees_everything())
    client.get("/preferences/")
    return client


@pytest.fixture(params=LISTS, ids=str)
def which(request: pytest.FixtureRequest) -> List:
    found: List = request.param
    if found.needs_kivitendo:
        request.getfixturevalue("erp")
    return found


def page(client: Client, which: List) -> tuple[str, int]:
    """The page and how many queries it cost."""
    address = which.address()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200
    return response.content.decode(), len(queries)


def rows_of(html: str) -> int:
    return sum(body.count("<tr") for body in BODY.findall(html))


def test_list_without_rows_is_a_page(client: Client, which: List) -> None:
    which.fill(0)

    html, _queries = page(client, which)

    assert rows_of(html) == 0


@pytest.mark.parametrize("count", [1, 3])
def test_list_costs_the_same_for_one_row_and_for_three(client: Client, which: List, count: int) -> None:
    which.fill(count)

    html, queries = page(client, which)

    assert (rows_of(html), queries) == (count, which.queries)


def test_names_are_shown_whatever_they_are_made_of(client: Client, which: List) -> None:
    which.fill(3)

    assert STRANGE in page(client, which)[0]


@pytest.mark.slow
def test_ten_thousand_rows_cost_what_three_do(client: Client, which: List) -> None:
    which.fill(MANY)

    first, queries = page(client, which)
    address = which.address()
    last = client.get(f"{address}{'&' if '?' in address else '?'}page={MANY}")

    assert which.queries <= queries <= which.queries + which.batches
    assert rows_of(first) == which.per_page
    assert 'rel="next"' in first
    assert (last.status_code, rows_of(last.content.decode())) == (200, which.per_page)


def test_no_page_with_a_table_is_missing(world: World) -> None:
    client = Client()
    client.force_login(somebody_who_sees_everything())
    gets = [each for each in addresses(world) if not each.posts and each.name not in FILES]
    with_table = {each.name for each in gets if b"<table" in client.get(each.path).content}

    assert with_table - {each.name for each in LISTS} - set(NO_LISTS) == set()
    assert {each.name for each in LISTS} | set(NO_LISTS) <= names_in_use()
    assert {each.name for each in LISTS} & set(NO_LISTS) == set()


@pytest.mark.parametrize("key", ["tickets", "orders", "entries", "report by agent", "pivot queue_agent", "left out"])
def test_page_of_several_shows_its_sum_beside_the_total(client: Client, key: str) -> None:
    which = next(each for each in LISTS if each.key == key)
    which.fill(which.per_page + 2)
    address = which.address()

    first, _queries = page(client, which)
    second = table_of(client.get(f"{address}{'&' if '?' in address else '?'}page=2").content.decode())

    minutes = table_of(first).totals.index(number(Decimal(15 * (which.per_page + 2))))
    assert table_of(first).page_foot[minutes].text == number(Decimal(15 * which.per_page))
    assert second.page_foot[minutes].text == "30"
    assert second.foot[minutes].text == table_of(first).foot[minutes].text
    texts = [cell.text for cell in second.page_foot]
    assert "Sum of this page" in texts
    assert "Total of all pages" in [cell.text for cell in second.foot]
