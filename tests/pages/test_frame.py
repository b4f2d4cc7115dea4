"""What holds for every page: headers, nothing inline, hostile data escaped, no error whatever the address says."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from portal.urls import urlpatterns as portal_patterns
from tests.pages.pages import FILES, Address, addresses, inline_parts
from tests.pages.world import HOSTILE, World
from tickets.models import Customer, Ticket

pytestmark = pytest.mark.slow

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
}
BAD_QUERIES = [
    "period=",
    "period=2026-13",
    "period=0000-00",
    "period=9999-12",
    "period=1999-12",
    "period=%00",
    "period=2026-10%27--",
    "period=%F0%9F%92%A9&period=all",
    "period=" + "9" * 400,
    "page=0",
    "page=-1",
    "page=" + "9" * 5000,
    "page=%00",
    "sort=nothing",
    "sort=-",
    "sort=--number",
    "sort=pk&sort=number&sort=number",
    "sort=select",
    "q=%00",
    "q=" + "x" * 3000,
    "q=%25%27%22%5C",
    "q=%F0%9F%92%A9%E2%80%AE",
    "q=%ff%fe",
    "queue=nothing&state=nothing&billed=perhaps",
    "state=draft%00",
    "complete=2",
    "customer=%00",
    "per_page=-1",
    "ticket=%00",
    "ticket=" + "9" * 3000,
    "ticket=%ff%fe%F0%9F%92%A9",
]
BAD_EXPORTS = ["export=", "export=pdf", "export=%00"]
SCRIPT = "<svg onload="


def pages(world: World) -> list[Address]:
    return [address for address in addresses(world) if not address.posts and address.name not in FILES]


def set_up_pages(world: World) -> list[str]:
    return [
        "/admin/",
        "/admin/tickets/ticketsystem/",
        f"/admin/tickets/ticketsystem/{world.system.pk}/change/",
        f"/admin/tickets/ticketsystem/{world.system.pk}/check/",
        "/admin/tickets/agent/",
        "/admin/tickets/agent/import/",
        "/admin/tickets/customer/",
        f"/admin/tickets/customer/{world.customer.pk}/change/",
        "/admin/tickets/ticket/",
        f"/admin/tickets/ticket/{world.ticket.pk}/change/",
        "/admin/billing/agreement/add/",
        "/admin/auth/user/add/",
    ]


def test_every_page_carries_the_strict_headers(world: World) -> None:
    for path_ in [address.path for address in pages(world)] + set_up_pages(world) + ["/nothing/here/"]:
        response = world.clients["admin"].get(path_)

        assert set(response["Content-Security-Policy"].split("; ")) == POLICY, path_
        assert response["X-Content-Type-Options"] == "nosniff", path_
        assert response["Referrer-Policy"] == "same-origin", path_
        assert response["X-Frame-Options"] == "DENY", path_


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_page_holds_inline_script_or_style(world: World, language: str) -> None:
    client = world.clients["admin"]

    found = {
        path_: inline_parts(client.get(path_, headers={"accept-language": language}).content.decode())
        for path_ in [address.path for address in pages(world)] + set_up_pages(world)
    }

    assert {path_: parts for path_, parts in found.items() if parts} == {}


def test_inline_parts_are_found_where_they_are() -> None:
    html = '<p style="x" onclick="y"><script>z</script><style></style><a href="javascript:1">'

    assert inline_parts(html) == ["style", "onclick", "<script>", "<style>", "a javascript:1"]


def test_hostile_data_are_escaped_everywhere(world: World) -> None:
    Customer.objects.update(name=HOSTILE)
    fields = {"state": HOSTILE, "queue": HOSTILE, "service": HOSTILE, "type": HOSTILE, "customer_user": HOSTILE}
    Ticket.objects.update(**fields)
    queries = ("", "?period=all", f"?period=all&q={SCRIPT}1)>&customer={SCRIPT}>", f"?period={SCRIPT}alert(1)>")

    for path_ in [address.path + query for address in pages(world) for query in queries] + set_up_pages(world):
        html = world.clients["admin"].get(path_, follow=True).content.decode()

        assert SCRIPT not in html, path_


def test_hostile_titles_are_shown_as_they_are(world: World) -> None:
    html = world.clients["manager"].get(f"/tickets/{world.ticket.pk}/").content.decode()

    assert "=1+1 &lt;svg onload=alert(1)&gt; &quot;quoted&quot; &amp; &#x27;so&#x27;" in html


def test_exports_keep_spreadsheets_from_computing_titles(world: World) -> None:
    text = world.clients["manager"].get("/tickets/?export=csv").content.decode()

    assert "'=1+1 <svg" in text


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_query_is_answered_with_a_page(world: World, query: str) -> None:
    for path_ in ("/", "/tickets/", "/orders/", f"/orders/{world.order.pk}/", "/orders/left-out/", "/orders/runs/"):
        response = world.clients["billing"].get(f"{path_}?{query}", follow=True)

        assert response.status_code == 200, path_


@pytest.mark.parametrize("query", BAD_EXPORTS)
def test_unknown_kind_of_export_is_a_bad_request_without_a_traceback(
    world: World, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    for path_ in ("/tickets/", "/orders/", "/orders/left-out/"):
        response = world.clients["billing"].get(f"{path_}?{query}")

        assert response.status_code == 400, path_
        assert "choose csv, csv-german or xlsx" in response.content.decode(), path_
        assert [record.exc_info for record in caplog.records if record.exc_info] == [], path_


def test_object_that_cannot_be_is_not_there(world: World) -> None:
    too_large = 10**30

    for path_ in (f"/tickets/{too_large}/", f"/orders/{too_large}/", f"/orders/runs/{too_large}/", "/tickets/-1/"):
        assert world.clients["billing"].get(path_).status_code == 404, path_


def test_unknown_address_gets_the_page_for_it(world: World) -> None:
    response = world.clients["manager"].get("/nothing/here/")

    assert response.status_code == 404
    assert "Nothing is here" in response.content.decode()
    assert 'aria-label="Main"' in response.content.decode()


def test_refusal_gets_the_page_for_it(world: World) -> None:
    html = world.clients["manager"].get("/orders/runs/").content.decode()

    assert "Your account may not do this" in html
    assert 'aria-label="Main"' in html


def test_visitor_finds_the_page_for_an_unknown_address_without_navigation(world: World) -> None:
    html = world.clients["anonymous"].get("/nothing/here/").content.decode()

    assert "Nothing is here" in html
    assert 'aria-label="Main"' not in html


def test_expired_form_gets_the_page_for_it(world: World) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "anna"})

    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("marker-of-an-inner-detail")


urlpatterns = [path("broken/", broken), path("", include(portal_patterns))]


@override_settings(ROOT_URLCONF="tests.pages.test_frame")
def test_error_page_needs_nothing_and_tells_no_detail(world: World) -> None:
    client = world.clients["manager"]
    client.raise_request_exception = False

    response = client.get("/broken/")

    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert "marker-of-an-inner-detail" not in response.content.decode()


def test_pages_ask_no_other_host(world: World) -> None:
    for address in pages(world):
        html = world.clients["admin"].get(address.path, follow=True).content.decode()
        foreign = [part for part in html.split('"') if part.startswith(("http://", "https://", "//"))]

        assert [part for part in foreign if not part.startswith("http://127.0.0.1:9/otrs")] == [], address


def test_language_is_kept_and_leads_back(world: World) -> None:
    client = world.clients["manager"]

    response = client.post("/language/", {"language": "de", "next": "/orders/?period=2026-10"})

    assert response["Location"] == "/orders/?period=2026-10"
    assert "Aufträge" in client.get("/orders/").content.decode()


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1"])
def test_language_switch_leads_to_no_other_host(world: World, target: str) -> None:
    response = world.clients["manager"].post("/language/", {"language": "de", "next": target})

    assert "evil" not in response["Location"]
    assert "javascript" not in response["Location"]
