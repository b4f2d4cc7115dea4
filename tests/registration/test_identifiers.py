import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from registration.identifiers import (
    UpdateId,
    api_keys_for,
    keyed_hash,
    keyed_hashes,
    matches,
    new_salt,
    new_token,
    read_update_id,
    write_update_id,
)

OLD = ["old-key"]
ROTATED = ["new-key", "old-key"]
LOST = ["new-key"]


def test_update_id_is_made_again_from_counter_and_salt() -> None:
    text = write_update_id("system", UpdateId(7, "00ff"))

    assert text.startswith("7.00ff.")
    assert text == write_update_id("system", UpdateId(7, "00ff"))
    assert read_update_id("system", text) == UpdateId(7, "00ff")
    assert read_update_id("another system", text) is None


@given(st.text(max_size=300) | st.from_regex(r"[0-9]{1,3}\.[0-9a-f]{2}\.[0-9a-f]{40}"))
def test_made_up_update_id_is_none(text: str) -> None:
    assert read_update_id("system", text) is None


@given(st.integers(0, 48), st.sampled_from(string.printable))
def test_changed_update_id_is_none(place: int, letter: str) -> None:
    text = write_update_id("system", UpdateId(123, "0123"))
    changed = text[:place] + letter + text[place + 1 :]

    assert (read_update_id("system", changed) is None) == (changed != text)


@pytest.mark.parametrize("text", ["", ".", "..", "07.00ff.", "٧.00ff.x", "-1.x.y", "9" * 201])
def test_wrong_form_is_none(text: str) -> None:
    assert read_update_id("system", text) is None


def test_rotated_key_knows_what_the_old_one_made(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = OLD
    update_id, stored = write_update_id("system", UpdateId(1, "ab")), keyed_hash("token", "secret")

    settings.FIELD_ENCRYPTION_KEYS = ROTATED
    assert read_update_id("system", update_id) == UpdateId(1, "ab")
    assert matches("token", "secret", stored)
    assert stored in keyed_hashes("token", "secret")
    assert stored != keyed_hash("token", "secret")
    settings.FIELD_ENCRYPTION_KEYS = LOST
    assert read_update_id("system", update_id) is None
    assert not matches("token", "secret", stored)


def test_hash_depends_on_purpose_and_text() -> None:
    found = {keyed_hash(purpose, text) for purpose in ("token", "api key") for text in ("a", "b")}

    assert len(found) == 4
    assert {len(each) for each in found} == {64}
    assert not matches("token", "a", keyed_hash("api key", "a"))


def test_api_key_belongs_to_its_token(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = OLD
    before = api_keys_for("a")
    settings.FIELD_ENCRYPTION_KEYS = ROTATED

    assert api_keys_for("a")[1:] == before
    assert len({*api_keys_for("a"), *api_keys_for("b")}) == 4


def test_tokens_and_salts_are_long_and_new() -> None:
    assert len({new_token() for _number in range(50)}) == 50
    assert (len(new_token()), len(new_salt())) == (64, 16)
