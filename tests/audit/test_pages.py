"""The page of the audit log: filters, files, the links to it, and that it costs the same for any number of rows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from audit.actions import Action, Result
from audit.filters import AuditFilter
from audit.models import AuditRow
from audit.origin import origin_now
from audit.recording import entry, record, record_all
from audit.sealing import seal_waiting
from portal.roles import ADMINISTRATOR
from tests.audit.conftest import Rows
from tests.conftest import on_postgresql
from tests.factories.tickets import TicketSystemFactory

QUERIES = 11  # session, user, permissions and marks of the frame; count, keys, rows and end of the chain
HOSTILE = "<svg onload=alert(1)>\r\n=1+1"
pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Client:
    user = User.objects.create_user("dora", is_staff=True)
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, query: str) -> list[str]:
    """The actions on the page, the newest first."""
    return [row.record.action for row in client.get(f"/audit/{query}").context["table"].page]


def test_newest_stands_first_with_all_that_is_known(dora: Client) -> None:
    record(
        Action.CHANGED,
        target_type="page",
        target_key="7",
        target_name="Seven",
        changes={"name": ("", "new")},
        text="why",
    )

    html = dora.get("/audit/").content.decode()

    first = html[html.index("<tbody") :]
    assert first.index("Seven") < first.index("signed in")
    assert "name: nothing → new" in first
    assert "why" in first
    assert "?kind=page&amp;key=7" in first


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?actor=somebody", ["file.downloaded"]),
        ("?action=order.issued", ["order.issued"]),
        ("?kind=billing.order&key=12", ["order.issued"]),
        ("?kind=billing.order&key=13", []),
        ("?result=failed", ["backup.made"]),
        ("?from=2026-03-29&to=2026-03-29", ["file.downloaded"]),
        ("?to=2026-03-28", ["order.issued"]),
        ("?from=9999-12-31&to=9999-12-31", []),
        ("?to=9999-12-31&result=failed", ["backup.made"]),
        ("?from=nonsense&result=failed", ["backup.made"]),
        ("?action=nonsense&result=failed", ["backup.made"]),
    ],
)
def test_filters(dora: Client, query: str, found: list[str]) -> None:
    """The day on which the clocks change has 23 hours; both its ends belong to it."""
    here = origin_now()
    somebody = entry(Action.DOWNLOADED, origin=here, now=datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC))
    somebody.actor = "somebody"
    early = datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC)
    record_all(
        [
            entry(Action.ORDER_ISSUED, target_type="billing.order", target_key=12, origin=here, now=early),
            somebody,
            entry(Action.BACKED_UP, result=Result.FAILED, origin=here),
        ]
    )

    assert shown(dora, query) == found


@pytest.mark.skipif(on_postgresql(), reason="it reads tables as small as this one from end to end")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "INTEGER PRIMARY KEY|SCAN audit_auditrow"),
        ("actor=anna", "auditrow_actor"),
        ("action=order.issued", "auditrow_action"),
        ("kind=billing.order&key=12", "auditrow_object"),
        ("from=2026-03-29&to=2026-03-30", "auditrow_at"),
        ("result=refused", "auditrow_result"),
    ],
)
def test_page_of_a_filter_is_read_from_its_index(query: str, index: str) -> None:
    """So that a million rows cost what a hundred do, counting excepted."""
    page = AuditFilter(QueryDict(query)).qs.order_by("-id", "-pk").values_list("pk", flat=True)[:25]

    plan = page.explain()

    assert any(word in plan for word in index.split("|")), plan
    assert query.startswith("from") or "TEMP B-TREE" not in plan


def test_nothing_found_says_so(dora: Client) -> None:
    assert "No action passes the filters." in dora.get("/audit/?actor=nobody").content.decode()


def test_end_of_the_chain_is_shown(dora: Client) -> None:
    seal = seal_waiting(now=timezone.now()).seal

    assert seal in dora.get("/audit/").content.decode()


def test_hostile_text_harms_neither_page_nor_file(dora: Client) -> None:
    record(
        Action.CHANGED, target_type=HOSTILE, target_name=HOSTILE, text=HOSTILE, changes={HOSTILE: (HOSTILE, HOSTILE)}
    )

    html = dora.get("/audit/").content.decode()
    lines = dora.get("/audit/?export=csv&action=object.changed").content.decode().splitlines()

    assert "<svg onload" not in html
    assert len([line for line in lines if "svg" in line]) == 1


def test_file_has_the_name_of_the_action_and_the_place_in_the_chain(dora: Client) -> None:
    record(
        Action.ORDER_ISSUED, target_type="billing.order", target_key=12, target_name="O-12", changes={"a": ("1", None)}
    )
    position = seal_waiting(now=timezone.now()).position

    header, line = dora.get("/audit/?export=csv&kind=billing.order").content.decode("utf-8-sig").splitlines()

    assert "Name of the action" in header
    assert "order issued" in line
    assert "order.issued" in line
    assert "O-12" in line
    assert "a: 1 → nothing" in line
    assert f"{position}" in line


@pytest.mark.parametrize("count", [1, 3])
def test_page_costs_the_same_for_one_row_and_for_three(
    dora: Client, new_rows: Rows, django_assert_num_queries: object, count: int
) -> None:
    here = origin_now()
    record_all(entry(Action.ORDER_ISSUED, target_key=number, origin=here) for number in range(count))
    dora.get("/audit/?action=order.issued")

    with django_assert_num_queries(QUERIES):  # type: ignore[operator]
        rows = shown(dora, "?action=order.issued")

    assert len(rows) == count


def test_only_who_may_see_it_does(dora: Client) -> None:
    client = Client()
    client.force_login(User.objects.create_user("anna"))

    assert client.get("/audit/").status_code == 403
    assert client.post("/audit/").status_code == 405
    assert dora.post("/audit/").status_code == 405
    assert "/audit/" not in client.get("/").content.decode()
    assert 'href="/audit/"' in dora.get("/").content.decode()


def test_set_up_page_of_an_object_leads_to_its_history(dora: Client) -> None:
    system = TicketSystemFactory()

    html = dora.get(f"/admin/tickets/ticketsystem/{system.pk}/change/").content.decode()

    assert f"/audit/?kind=tickets.ticketsystem&amp;key={system.pk}" in html
    assert shown(dora, f"?kind=tickets.ticketsystem&key={system.pk}") == ["object.created"]


def test_row_of_a_later_version_is_shown_as_it_is(dora: Client) -> None:
    row = entry(Action.CHANGED, target_type="later.thing", target_key=1, target_name="Thing", origin=origin_now())
    row.action = "thing.done"
    record_all([row])

    html = dora.get("/audit/").content.decode()

    assert "thing.done" in html
    assert "later.thing" in html


def test_task_is_named_and_requests_are_not(dora: Client) -> None:
    row = entry(Action.CHANGED, origin=origin_now(), now=timezone.now() + timedelta(seconds=1))
    row.source = "task billing.run 17"
    AuditRow.objects.bulk_create([row])

    html = dora.get("/audit/").content.decode()

    assert "task billing.run 17" in html
    assert "request " not in html[html.index("<tbody") :]
