"""The files that were handed over: listed for those who may see all that is in them, and given again byte for byte."""

import hashlib
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.handover import Format, export_orders, record_export
from billing.models import Export
from billing.statement_files import statement_file
from tests.billing.scenes import NOVEMBER, OCTOBER, bill, issue, read_completely, ticket_of
from tests.pages.world import MARK, NOW, World

FILES_QUERIES = 12
LINK = re.compile(r'href="(/orders/exports/\d+/)"')


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def hand_over() -> list[Export]:
    """All formats of the month, over all customers; the latest first."""
    issue(now=NOW)
    clara = User.objects.get(username="clara")
    for format in Format:  # noqa: A001 - the field's word
        export_orders(month=OCTOBER, format=format, user=clara, now=NOW)
    return list(Export.objects.all())


def test_every_format_is_downloaded_again_byte_for_byte(world: World, client: Client) -> None:
    exports = hand_over()
    statement_file(world.order, language="de", user=None, now=NOW)

    for export in [*exports, Export.objects.get(format="pdf")]:
        response = client.get(f"/orders/exports/{export.pk}/")
        assert response.content == bytes(export.content)
        assert hashlib.sha256(response.content).hexdigest() == export.sha256
        assert response["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
        assert response["X-Content-Type-Options"] == "nosniff"
    assert len(exports) == 4


def test_page_of_an_order_and_of_a_run_list_all_files_with_who_when_size_and_digest(
    world: World, client: Client
) -> None:
    exports = hand_over()

    for path in (f"/orders/{world.order.pk}/", f"/orders/runs/{world.run.pk}/", "/orders/exports/"):
        html = page(client, path)
        assert sorted(set(LINK.findall(html))) == sorted(f"/orders/exports/{export.pk}/" for export in exports)
        for export in exports:
            assert export.sha256 in html
        assert "clara" in html
        assert "2026-11-20 10:00" in html
    kivitendo = Export.objects.get(format="kivitendo")
    assert f"{len(kivitendo.content):,}" in page(client, "/orders/exports/")


def test_file_with_an_order_of_a_stranger_is_not_there(world: World) -> None:
    exports, manager = hand_over(), world.clients["manager"]
    own = world.export

    statuses = {manager.get(f"/orders/exports/{export.pk}/").status_code for export in exports}
    pages = [page(manager, path) for path in ("/orders/exports/", f"/orders/{world.order.pk}/")]

    assert statuses == {404}
    assert manager.get(f"/orders/exports/{own.pk}/").content == b"kept"
    for html in pages:
        assert LINK.findall(html) == [f"/orders/exports/{own.pk}/"]
        assert MARK not in html


def test_stranger_finds_neither_file_nor_line_of_it(world: World) -> None:
    own, stranger = world.export, world.clients["stranger"]

    assert stranger.get(f"/orders/exports/{own.pk}/").status_code == 404
    assert "No stored files" in page(stranger, "/orders/exports/")


def test_list_of_a_month_holds_the_files_of_its_orders(world: World, client: Client) -> None:
    hand_over()
    read_completely(world.system, NOVEMBER)
    ticket_of(world.customer, 10, closed=NOVEMBER)
    bill(NOVEMBER, now=NOW)
    issue(now=NOW)
    later = export_orders(month=NOVEMBER, format=Format.CSV, now=NOW)

    assert page(client, "/orders/exports/?period=2026-11").count(later.sha256) == 1
    assert later.sha256 not in page(client, "/orders/exports/?period=2026-10")
    assert "No stored files" in page(client, "/orders/exports/?period=2026-09")


def test_file_whose_bytes_are_others_by_now_is_not_given_out(world: World, client: Client) -> None:
    export = world.export
    broken = Export.objects.create(
        file_name="broken.csv", format="csv", content=b"other", sha256=export.sha256, created_at=NOW
    )
    broken.orders.set([world.order])

    response = client.get(f"/orders/exports/{broken.pk}/")

    assert response.status_code == 400
    assert "The stored bytes of broken.csv are not those that were handed over" in response.content.decode()


def test_format_of_a_later_version_is_given_out_as_bytes(world: World, client: Client) -> None:
    export = record_export("odt", [world.order], b"later", "later.odt", None, NOW)

    assert client.get(f"/orders/exports/{export.pk}/")["Content-Type"] == "application/octet-stream"
    assert "odt" in page(client, "/orders/exports/")


def test_list_is_a_file_too(world: World, client: Client) -> None:
    sha256 = world.export.sha256

    text = client.get("/orders/exports/?export=csv").content.decode()

    assert f"kept.csv,csv,1,2026-11-20 10:00:00,command line,4,{sha256}" in text


@pytest.mark.parametrize("files", [1, 3])
def test_list_costs_no_more_for_more_files(
    world: World, client: Client, files: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(files):
        record_export("csv", [world.order, world.foreign_order], b"x", f"{number}.csv", None, NOW)

    with django_assert_num_queries(FILES_QUERIES):
        html = page(client, "/orders/exports/")

    assert len(LINK.findall(html)) == files


def test_exporting_twice_warns(world: World, client: Client) -> None:
    issue(now=NOW)
    first = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    second = export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)

    assert second.content == first.content
    assert second.problems == [
        "This is the file that was handed over at 2026-11-20 10:00; do not import it twice.",
    ]
    assert "Do not import it twice." in page(client, "/orders/?period=2026-10")
    assert "Never import one twice." in page(client, "/orders/exports/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["b.csv", "a.xlsx"]),
        ("q=B.C", ["b.csv"]),
        ("format=xlsx", ["a.xlsx"]),
        ("format=nonsense", ["b.csv", "a.xlsx"]),
        ("period=2026-10&format=csv&q=b", ["b.csv"]),
        ("period=2026-09&q=b", []),
    ],
)
def test_files_are_found_by_name_and_format(world: World, client: Client, query: str, found: list[str]) -> None:
    for name, kind in (("a.xlsx", "xlsx"), ("b.csv", "csv")):
        record_export(kind, [world.order], b"x", name, None, NOW)

    html = page(client, f"/orders/exports/?{query}")

    assert [name for name in ("b.csv", "a.xlsx") if f">{name}</a>" in html] == found
    assert ("none passes the filters" in html) is (not found)
