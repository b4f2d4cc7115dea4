"""How requests are understood and answered: strictly, page by page, with entity tags, and never with a 500."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from portal.api import status_routes
from portal.api.document import document
from portal.token_models import ApiCounter, ApiToken
from tests.api.asking import Asker
from tests.api.paths import paths
from tests.pages.world import NOW, World

LISTS = ("tickets", "entries", "customers", "agents", "orders", "discrepancies", "runs", "readings", "registrations")

WRONG = {
    "tickets?colour=red": "colour",
    "status?limit=1": "limit",
    "tickets?q=%00": "q",
    "tickets?limit=0": "limit",
    "tickets?limit=501": "limit",
    "tickets?limit=many": "limit",
    "tickets?limit=1&limit=2": "limit",
    "tickets?q=" + 201 * "a": "q",
    "tickets?billed=maybe": "billed",
    "tickets?period=2026-13": "period",
    "tickets?customer=99999999999999999999": "customer",
    "entries?period=2026-02-30..2026-03-01": "period",
    "entries?period=2026-10&from=2026-10-01&to=2026-10-02": "period",
    "entries?from=2026-10-02&to=2026-10-01": "to",
    "entries?from=2026-10-02": "to",
    "entries?to=2026-10-02": "from",
    "entries?from=1970-01-01&to=2026-10-02": "from",
    "entries?from=yesterday&to=2026-10-02": "from",
    "entries?standing=lost": "standing",
    "entries?customer=some": "customer",
    "orders?customer=1.5": "customer",
    "entries?cursor=invented": "cursor",
    "entries?cursor=%00": "cursor",
    "reports/colour": "by",
    "orders?complete=perhaps": "complete",
    "tickets/0": "ticket",
    "tickets/99999999999999999999": "ticket",
}
"""Addresses with the parameter that is wrong."""


def test_what_cannot_be_understood_is_refused_by_name(asking: dict[str, Asker]) -> None:
    answers = {path: asking["admin"].get(path) for path in WRONG}

    named = {path: [error["parameter"] for error in answer.json()["errors"]] for path, answer in answers.items()}
    assert named == {path: [parameter] for path, parameter in WRONG.items()}
    assert {answer.status_code for answer in answers.values()} == {422}
    assert {answer["Content-Type"] for answer in answers.values()} == {"application/problem+json"}
    assert {answer["Cache-Control"] for answer in answers.values()} == {"no-store"}
    assert all(answer.json()["request_id"] == answer["X-Request-ID"] for answer in answers.values())


def test_cursor_of_another_list_is_refused(asking: dict[str, Asker]) -> None:
    cursor = asking["admin"].read("tickets?limit=1")["next"].partition("cursor=")[2]

    assert asking["admin"].get(f"orders?cursor={cursor}").status_code == 422


def test_what_is_not_there_is_said_in_the_same_form(asking: dict[str, Asker]) -> None:
    answers = [asking["admin"].get(path) for path in ("nothing", "tickets/one", "tickets/1/2", "")]

    assert {(answer.status_code, answer["Content-Type"]) for answer in answers} == {(404, "application/problem+json")}


def test_nothing_can_be_changed(db: None) -> None:
    client = Client(enforce_csrf_checks=True)

    for path in document()["paths"]:
        for method in (client.post, client.put, client.patch, client.delete, client.options, client.trace):
            answer = method(re.sub(r"{\w+}", "1", path))
            assert (answer.status_code, answer["Allow"], answer.json()["status"]) == (405, "GET, HEAD", 405), path


def test_too_many_parameters_are_no_error_of_ours(asking: dict[str, Asker]) -> None:
    answer = asking["admin"].get("tickets?" + "&".join(f"a{number}=1" for number in range(1001)))

    assert answer.status_code == 400


def test_error_of_ours_is_noted_and_told_in_the_same_form(
    asking: dict[str, Asker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("what nobody outside may read")

    monkeypatch.setattr(status_routes, "state_for", broken)
    manager = asking["manager"]
    manager.client.raise_request_exception = False

    answer = manager.get("status")

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert "nobody outside" not in answer.content.decode()
    assert "nobody outside" in caplog.text


def test_same_answer_is_sent_once(world: World, asking: dict[str, Asker]) -> None:
    manager = asking["manager"]
    first = manager.get("tickets?limit=1")

    again = manager.get("tickets?limit=1", **{"If-None-Match": first["ETag"]})
    weakly = manager.get("tickets?limit=1", **{"If-None-Match": f'"other", {first["ETag"].removeprefix("W/")}'})
    world.ticket.title = "Changed"
    world.ticket.save()
    changed = manager.get("tickets?limit=1", **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (weakly.status_code, changed.status_code) == (304, 200)
    assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Accept-Language"} <= {name.strip() for name in first["Vary"].split(",")}


def test_head_tells_all_but_the_content(asking: dict[str, Asker]) -> None:
    manager = asking["manager"]
    whole = manager.get("orders")

    head = manager.client.head("/api/v1/orders", headers={"Authorization": f"Bearer {manager.token}"})

    assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])
    assert head["Content-Length"] == str(len(whole.content))


def test_answers_are_guarded_like_pages(asking: dict[str, Asker]) -> None:
    answer = asking["manager"].get("status")

    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert not answer.cookies


def test_sentences_come_in_the_language_that_is_asked_for(asking: dict[str, Asker]) -> None:
    manager = asking["manager"]

    english = manager.get("orders/99999", **{"Accept-Language": "en"})
    german = manager.get("orders/99999", **{"Accept-Language": "de"})

    assert english.json()["detail"] == "There is nothing here that you may see."
    assert (english["Content-Language"], german["Content-Language"]) == ("en", "de")


def test_whoever_asks_too_often_waits(asking: dict[str, Asker], settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    manager, stranger = asking["manager"], asking["stranger"]

    statuses = [manager.get("status").status_code for _ in range(3)]
    refused = manager.get("status")

    assert statuses == [200, 200, 429]
    assert refused["Retry-After"] == "60"
    assert stranger.get("status").status_code == 200  # each token by itself
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert manager.get("status").status_code == 200
    assert ApiCounter.objects.count() == 3


def test_use_is_noted_once_a_minute(asking: dict[str, Asker]) -> None:
    def last_use() -> object:
        return ApiToken.objects.get(user__username="anna", name="Test").last_used_at

    asking["manager"].get("status")
    first = last_use()
    with time_machine.travel(NOW + timedelta(seconds=59), tick=False):
        asking["manager"].get("status")
        within = last_use()
    with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
        asking["manager"].get("status")

    assert (first, within, last_use()) == (NOW, NOW, NOW + timedelta(seconds=60))


def test_every_list_is_told_page_by_page(asking: dict[str, Asker]) -> None:
    """What is told one by one is what is told at once."""
    admin = asking["admin"]

    for name in LISTS:
        assert admin.all_items(f"{name}?limit=1") == admin.read(name)["items"], name


def test_links_lead_somewhere(world: World, asking: dict[str, Asker]) -> None:
    admin = asking["admin"]

    links = {link for path in paths(world).values() for link in _links(admin.read(path))}

    assert links
    assert {link: admin.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_pages_for_people_are_there(world: World, asking: dict[str, Asker]) -> None:
    pages = {page for path in paths(world).values() for page in _links(asking["admin"].read(path), key="page")}

    assert pages
    assert {page: world.clients["admin"].get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


def _links(found: object, key: str = "") -> list[str]:
    """Every text that begins with the API's address; or every one under the key."""
    if isinstance(found, dict):
        own = [found[key]] if key and key in found else []
        return own + [link for each in found.values() for link in _links(each, key)]
    if isinstance(found, list):
        return [link for each in found for link in _links(each, key)]
    return [found] if not key and isinstance(found, str) and found.startswith("/api/v1/") else []
