"""Who reads what through the API: not one byte more than on the pages, and nothing without a good token."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from portal.api.scopes import Scope
from portal.api.tokens import revoke_token
from portal.token_models import ApiToken
from tests.api.asking import Asker, asker
from tests.api.paths import FOR_BILLING, FOR_UPLOADERS, SCOPE_OF, foreign_paths, names_in_use, paths
from tests.pages.world import MARK, MARKED_MINUTES, NOW, World

QUERIES = [
    "",
    "?period=2026-10",
    "?q=zebra",
    "?customer_name=zebra",
    "?queue=Zebra queue",
    "?standing=billed",
]
REPORTS = ["reports/customer", "reports/queue", "reports/ticket"]


def test_walk_knows_every_address(world: World) -> None:
    assert paths(world).keys() == names_in_use()


def test_manager_reads_no_byte_of_another_customer(world: World, asking: dict[str, Asker], settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1000
    marks = [MARK, *(f'"{minutes}"' for minutes in MARKED_MINUTES)]

    for path in [*paths(world).values(), *REPORTS]:
        for query in QUERIES:
            text = asking["manager"].get(path + query).content.decode()
            assert [mark for mark in marks if mark in text] == [], path + query


def test_filters_by_foreign_objects_find_nothing(world: World, asking: dict[str, Asker]) -> None:
    entry = world.foreign_ticket.entries.get()
    filters = [
        f"entries?customer={world.foreign.pk}",
        f"entries?ticket={world.foreign_ticket.pk}",
        f"entries?agent={entry.agent_id}",
        "entries?customer=none",
        f"tickets?customer={world.foreign.pk}",
        f"orders?customer={world.foreign.pk}",
        f"discrepancies?order={world.foreign_order.pk}",
        f"registrations?customer={world.foreign.pk}",
        f"reports/ticket?customer={world.foreign.pk}",
    ]

    assert {path: asking["manager"].read(path)["items"] for path in filters} == {path: [] for path in filters}


def test_foreign_objects_are_not_there(world: World, asking: dict[str, Asker]) -> None:
    manager, stranger = asking["manager"], asking["stranger"]

    assert {manager.get(path).status_code for path in foreign_paths(world)} == {404}
    assert {stranger.get(path).status_code for path in foreign_paths(world)} == {200}
    assert all(MARK in stranger.get(path).content.decode() for path in foreign_paths(world)[:3])


def test_permissions_are_those_of_the_pages(world: World, asking: dict[str, Asker]) -> None:
    refused: dict[str, set[str]] = {role: set() for role in asking}

    for role, asked in asking.items():
        statuses = {name: asked.get(path).status_code for name, path in paths(world).items()}
        refused[role] = {name for name, status in statuses.items() if status == 403}
        assert set(statuses.values()) <= {200, 403, 404}  # the stranger sees none of the first customer's objects

    both = FOR_BILLING | FOR_UPLOADERS
    assert refused == {"manager": both, "stranger": both, "billing": FOR_UPLOADERS, "admin": set()}


def test_scope_opens_what_it_names_and_nothing_else(world: World) -> None:
    admin = User.objects.get(username="dora")

    for scope in Scope:
        asked = asker(admin, scope)
        opened = {name for name, path in paths(world).items() if asked.get(path).status_code == 200}
        assert opened == {name for name, needed in SCOPE_OF.items() if needed == scope} | {"status"}


def expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(created_at=NOW - timedelta(days=9), expires_at=NOW)


def outlive_a_year(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=NOW + timedelta(days=400))


def revoke(token: ApiToken) -> None:
    assert revoke_token(token, by=token.user, now=NOW)


def deactivate(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


def delete_user(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).delete()


@pytest.mark.parametrize("spoil", [expire, outlive_a_year, revoke, deactivate, delete_user])
def test_spoilt_token_is_refused_from_the_next_request_on(
    db: None, now: None, django_user_model: type[User], spoil: Callable[[ApiToken], None]
) -> None:
    asked = asker(django_user_model.objects.create_user("eve"))
    assert asked.get("status").status_code == 200
    unknown = Asker(asked.token[:-1] + ("0" if asked.token[-1] != "0" else "1")).get("status")

    spoil(ApiToken.objects.get(user__username="eve"))

    answer = asked.get("status")
    assert answer.status_code == unknown.status_code == 401
    assert answer.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert answer["WWW-Authenticate"] == 'Bearer realm="portal"'


def test_without_a_token_nothing_is_told(world: World) -> None:
    unknown = f"Bearer bpt_{'0' * 8}_{'0' * 64}"
    headers = ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer bpt_", "Bearer \x00", "bpt_", unknown]
    asked = [(f"/api/v1/{path}", header) for path in paths(world).values() for header in headers]

    answers = [Client().get(path, headers={"Authorization": header}) for path, header in asked]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert len({answer.content.replace(answer.json()["request_id"].encode(), b"") for answer in answers}) == 1


def test_session_opens_nothing(world: World) -> None:
    client = world.clients["admin"]

    assert {client.get(f"/api/v1/{path}").status_code for path in paths(world).values()} == {401}
    assert client.get("/api/v1/docs/").status_code == 200


def test_permission_that_is_lost_counts_from_the_next_request(world: World) -> None:
    user = User.objects.get(username="clara")
    asked = asker(user)
    assert asked.get("runs").status_code == 200

    user.groups.remove(Group.objects.get(name="Billing"))

    assert asked.get("runs").status_code == 403
    assert asked.read("orders")["items"] == []


def test_customer_that_is_taken_away_is_gone_from_the_next_request(world: World, asking: dict[str, Asker]) -> None:
    manager = asking["manager"]
    assert manager.get(f"orders/{world.order.pk}").status_code == 200

    world.customer.account_managers.clear()

    assert manager.get(f"orders/{world.order.pk}").status_code == 404
    assert manager.read("entries")["items"] == []


def test_no_key_and_no_whole_otrs_id_is_told(world: World, asking: dict[str, Asker]) -> None:
    text = asking["admin"].get("registrations").content.decode()

    for secret in ("key_hash", world.registered.key_hash, world.registered.salt, world.registered.account.otrs_id):
        assert secret not in text
