"""Tokens: made on the page or by command, shown once, never stored or logged, and revoked."""

import json
import logging
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from audit.models import AuditRow
from common.limits import KEPT
from portal.api.scopes import Scope, in_words
from portal.api.tokens import MOST_TOKENS, TokenRefused, make_token, recognise, revoke_token
from portal.redaction import redact
from portal.roles import ADMINISTRATOR
from portal.session_limits import SIGNED_IN_AT
from portal.tasks import forget_requests
from portal.token_models import ApiCounter, ApiToken
from tests.api.asking import Asker, asker
from tests.pages.world import NOW, account, signed_in

GIVEN: dict[str, Any] = {"name": "Report", "scopes": ["reports:read"], "days": 30}
NEW_KEY = "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU="


@pytest.fixture
def user(db: None, now: None, django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("anna", password="correct horse battery")


@pytest.fixture
def signed(user: User) -> Client:
    """Has just entered the password."""
    client = signed_in(user)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    return client


def make(user: User, **others: Any) -> tuple[ApiToken, str]:
    return make_token(user=user, **GIVEN | others, now=NOW)


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("api_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_token_is_stored_as_a_keyed_hash_alone(user: User) -> None:
    token, text = make(user)

    stored = json.dumps([list(row) for row in ApiToken.objects.values_list()], default=str)
    assert text.rpartition("_")[2] not in stored
    assert recognise(text, now=NOW) == token
    assert token.expires_at - token.created_at == timedelta(days=30)


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"days": 366},
        {"scopes": []},
        {"scopes": ["orders:write"]},
        {"name": " "},
        {"name": 81 * "a"},
        {"name": "a\0"},
    ],
)
def test_token_without_end_name_or_scope_is_not_made(user: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        make(user, **wrong)

    assert not ApiToken.objects.exists()


def test_database_refuses_what_the_code_would_not_write(user: User) -> None:
    token, _text = make(user)

    for values in ({"expires_at": token.created_at}, {"name": ""}, {"scopes": ""}, {"expires_at": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.filter(pk=token.pk).update(**values)


def test_nobody_has_more_tokens_than_can_be_looked_after(user: User) -> None:
    for number in range(MOST_TOKENS):
        make(user, name=str(number))

    with pytest.raises(TokenRefused, match="Revoke one"):
        make(user)


def test_inactive_user_gets_none(user: User) -> None:
    user.is_active = False

    with pytest.raises(TokenRefused, match="may not sign in"):
        make(user)


def test_token_outlives_the_key_it_was_hashed_with(user: User, settings: Settings) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS
    asked = asker(user)

    settings.FIELD_ENCRYPTION_KEYS = [NEW_KEY, *old]
    assert asked.get("status").status_code == 200
    settings.FIELD_ENCRYPTION_KEYS = [NEW_KEY]

    assert asked.get("status").status_code == 200


def test_token_is_shown_once(signed: Client, user: User) -> None:
    made = signed.post("/api-tokens/", GIVEN)
    again = signed.get("/api-tokens/")

    (text,) = re.findall(r"bpt_[0-9a-f]{8}_[0-9a-f]{64}", made.content.decode())
    assert "bpt_" in again.content.decode()
    assert text not in again.content.decode()
    assert made["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert Asker(text).get("status").status_code == 200
    assert Asker(text).get("orders").status_code == 403


def test_page_offers_the_scopes_that_open_something(signed: Client, user: User) -> None:
    before = signed.get("/api-tokens/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename="upload_out_of_office"))

    after = signed.get("/api-tokens/").content.decode()

    assert ("uploads:read" in before, "uploads:read" in after) == (False, True)
    assert "readings:read" not in after


def test_what_is_wrong_is_said_at_its_field(signed: Client, user: User) -> None:
    html = signed.post("/api-tokens/", {"name": "", "days": 9999}).content.decode()

    assert "Choose what the token may read." in html
    assert not ApiToken.objects.exists()


def test_refusal_is_said_on_the_page(signed: Client, user: User) -> None:
    for number in range(MOST_TOKENS):
        make(user, name=str(number))

    assert "Revoke one of them first" in signed.post("/api-tokens/", GIVEN).content.decode()


def test_password_is_asked_for_again_before_a_token_is_made(user: User) -> None:
    client = signed_in(user)
    session = client.session
    session[SIGNED_IN_AT] -= 3600
    session.save()

    answer = client.post("/api-tokens/", GIVEN)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()


def test_own_token_is_revoked_and_nobody_elses(signed: Client, user: User, django_user_model: type[User]) -> None:
    own, other = asker(user), asker(django_user_model.objects.create_user("bernd"))
    mine, foreign = ApiToken.objects.get(user=user), ApiToken.objects.exclude(user=user).get()

    done, not_there = (signed.post(f"/api-tokens/{token.pk}/revoke/") for token in (mine, foreign))

    assert (done.status_code, not_there.status_code) == (302, 404)
    assert (own.get("status").status_code, other.get("status").status_code) == (401, 200)
    mine.refresh_from_db()
    assert (mine.revoked_at, mine.revoked_by) == (NOW, user)
    assert "revoked" in signed.get("/api-tokens/").content.decode()
    assert signed.post(f"/api-tokens/{mine.pk}/revoke/").status_code == 302
    assert not revoke_token(mine, by=None, now=NOW)


def test_expired_token_is_called_so(signed: Client, user: User) -> None:
    token, _text = make(user)
    ApiToken.objects.filter(pk=token.pk).update(created_at=NOW - timedelta(days=9), expires_at=NOW)

    assert "expired" in signed.get("/api-tokens/").content.decode()


def test_administrator_revokes_those_of_others(user: User) -> None:
    asked, token = asker(user), ApiToken.objects.get(user=user)
    admin = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    assert admin.get(f"/admin/portal/apitoken/{token.pk}/change/").status_code == 200
    assert admin.get(f"/admin/portal/apitoken/{token.pk}/delete/").status_code == 403
    listed = admin.get("/admin/portal/apitoken/").content.decode()
    admin.post("/admin/portal/apitoken/", {"action": "revoke", "_selected_action": token.pk})

    assert token.beginning in listed
    assert token.key_hash not in listed
    assert asked.get("status").status_code == 401
    token.refresh_from_db()
    assert token.revoked_by == User.objects.get(username="dora")


def test_tokens_go_with_their_account(user: User) -> None:
    make(user)
    admin = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    admin.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})

    assert not ApiToken.objects.exists()


def test_command_makes_lists_and_revokes(user: User) -> None:
    text = told("create", "anna", "--name", "Report", "--scope", "orders:read", "--scope", "tickets:read")
    listed = json.loads(told("list", "--user", "anna", "--json"))["tokens"]
    revoked = told("revoke", text[:12])

    assert re.fullmatch(r"bpt_[0-9a-f]{8}_[0-9a-f]{64}", text)
    assert (listed[0]["user"], listed[0]["scopes"], listed[0]["revoked_at"]) == (
        "anna",
        "tickets:read orders:read",
        None,
    )
    assert text not in json.dumps(listed)
    assert "is revoked" in revoked
    assert Asker(text).get("status").status_code == 401
    assert "Report" in told("list")
    with pytest.raises(SystemExit) as ended:
        told("revoke", text[4:12], "--json")
    assert ended.value.code == 1


def test_command_says_what_is_wrong(user: User) -> None:
    assert told("list") == "There are no API tokens."
    wrong = [("create", "nobody"), ("create", "anna", "--days", "0")]
    for arguments in [*((*each, "--name", "a", "--scope", "orders:read") for each in wrong), ("revoke", "00000000")]:
        with pytest.raises(CommandError) as refused:
            told(*arguments)
        assert refused.value.returncode == 2
    made = json.loads(told("create", "anna", "--name", "a", "--scope", "orders:read", "--json"))
    assert recognise(made["token"], now=NOW) is not None


def test_tokens_stand_in_no_log(user: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        asked = asker(user, Scope.TICKETS)
        asked.get("status")
        asked.get("orders")
        Asker(asked.token + "0").get("status")
        revoke_token(ApiToken.objects.get(user=user), by=user, now=NOW)

    secret = asked.token.rpartition("_")[2]
    assert secret not in caplog.text
    assert secret not in str(list(AuditRow.objects.values()))
    assert secret not in redact(f"what a library quotes: {asked.token}")


def test_old_counters_are_forgotten(user: User) -> None:
    asker(user).get("status")
    ApiCounter.objects.update(begun_at=NOW - KEPT - timedelta(minutes=1))
    asker(user).get("status")

    forget_requests()

    assert [str(counter) for counter in ApiCounter.objects.all()] == [f"token {NOW} 1"]


def test_scope_that_is_no_more_is_shown_as_it_is_written() -> None:
    assert in_words(["orders:write"]) == ["orders:write"]
