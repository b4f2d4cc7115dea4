"""A list asks as often for three rows as for one, and so does one record with three parts."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.models import BillingRun
from outofoffice.uploads import upload_file
from tests.api.asking import Asker
from tests.api.paths import paths
from tests.billing.scenes import NOVEMBER, bill, book, issue, read_completely, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.registered_systems import AccountFactory, SystemFactory
from tests.factories.tickets import CustomerFactory, TimeEntryFactory
from tests.pages.world import NOW, World
from tickets.models import TimeEntry


@pytest.fixture
def larger(world: World) -> World:
    """Three rows and more of everything, and three parts of what has parts."""
    for number in range(3):
        customer = CustomerFactory(system=world.system, customer_id=f"L{number}")
        AgreementFactory(customer=customer)
        ticket = ticket_of(customer, 10, 20, 30)
        SystemFactory(account=AccountFactory(customer=customer))
        world.upload = upload_file(system=world.system, data=_rows(number), file_name=f"{number}.csv", now=NOW)
        BillingRun.objects.create(month=(world.run.month - timedelta(days=31 * (number + 1))).replace(day=1))
        read_completely(world.system, NOVEMBER.shift(-number - 2))
        TimeEntryFactory(ticket=ticket)
    for amount in (5, 6):
        book(world.ticket, amount)
    bill(now=NOW)
    issue(now=NOW)
    TimeEntry.objects.filter(ticket__customer__customer_id__startswith="L").update(gone_at=NOW)
    return world


def _rows(number: int) -> bytes:
    lines = [f"agent{number}{row},2026-12-0{row},2026-12-10,yes" for row in (1, 2, 3)]
    return "\n".join(["UserLogin,StartDate,EndDate,Enabled", *lines]).encode()


def counted(asked: Asker, path: str) -> tuple[int, Any]:
    asked.get("status")  # the use of the token is noted
    with CaptureQueriesContext(connection) as queries:
        found = asked.read(path)
    return len(queries), found


def test_queries_do_not_grow_with_the_rows(larger: World, asking: dict[str, Asker], settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1000
    few: dict[str, int] = {}
    many: dict[str, int] = {}

    for name, path in paths(larger).items():
        is_list = "next" in asking["admin"].read(path)
        few[name], _one = counted(asking["admin"], f"{path}?limit=1" if is_list else path)
        many[name], found = counted(asking["admin"], f"{path}?limit=3" if is_list else path)
        assert not is_list or len(found["items"]) == 3, name

    assert few == many
