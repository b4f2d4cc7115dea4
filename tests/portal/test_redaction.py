"""Whatever a library writes into a log, a secret is not in it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.redaction import REDACTED, redact, redact_all

SECRET = "tr0ub4dor&3-Zürich"


@pytest.mark.parametrize(
    "text",
    [
        'Posting {"UserLogin": "portal", "Password": "tr0ub4dor&3-Zürich"}',
        "Posting {'Password': 'tr0ub4dor&3-Zürich', 'TicketID': 7}",
        r'Body: "{\"SessionID\": \"tr0ub4dor&3-Zürich\"}"',
        "password=tr0ub4dor&3-Zürich",
        "X-OTRS-Header-Password: tr0ub4dor&3-Zürich",
        "X-OTRS-Header-SessionID: tr0ub4dor&3-Zürich",
        "Authorization: Bearer tr0ub4dor&3-Zürich",
        "Authorization: Basic tr0ub4dor&3-Zürich",
        "token=tr0ub4dor&3-Zürich&next=/",
        "csrfmiddlewaretoken: tr0ub4dor&3-Zürich",
        "connection to postgres://portal:tr0ub4dor&3-Zürich@db:5432/portal failed",
        "redis://:tr0ub4dor&3-Zürich@broker:6379/0",
        "<Password>tr0ub4dor&3-Zürich</Password>",
        "SECRET_KEY => 'tr0ub4dor&3-Zürich'",
    ],
)
def test_secret_is_cut_out_of_what_libraries_write(text: str) -> None:
    cut = redact(text)

    assert SECRET not in cut
    assert REDACTED in cut


@pytest.mark.parametrize(
    "text",
    [
        "Read 413 entries of October 2026 from Helpdesk.",
        "The password of the ticket system is wrong.",
        "postgres://portal@db:5432/portal",
        "passed: 7, failed: 0",
        "https://help.example.org:443/otrs",
        "The token has expired.",
    ],
)
def test_innocent_text_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(string.ascii_letters + string.digits + "!#$%+/=?^_.-", min_size=4, max_size=40))
def test_no_password_gets_through_however_it_looks(password: str) -> None:
    marked = f"Zq{password}qZ"

    for text in (f'"Password": "{marked}"', f"password={marked}", f"pwd='{marked}'", f"smtp://portal:{marked}@mail"):
        assert marked not in redact(text)


@given(st.text(max_size=200))
def test_any_text_is_taken_and_cut_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_known_values_go_wherever_they_stand_but_short_ones_stay() -> None:
    assert redact("x known-secret-1 y in", secrets=["known-secret-1", "in"]) == f"x {REDACTED} y in"


def test_stored_token_is_cut_out() -> None:
    assert redact("value gAAAAABlZmFrZWZha2VmYWtlZmFrZQ==") == f"value {REDACTED}"


def test_documents_lose_what_stands_under_the_name_of_a_secret() -> None:
    document = {"SessionID": ["a", "b"], "list": ["password=hidden", 7], "nested": {"api_key": 1, "month": "2026-10"}}

    assert redact_all(document) == {
        "SessionID": REDACTED,
        "list": [f"password={REDACTED}", 7],
        "nested": {"api_key": REDACTED, "month": "2026-10"},
    }
