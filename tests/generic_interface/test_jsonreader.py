from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.errors import BadAnswer
from generic_interface.jsonreader import read_object
from tests.generic_interface.replay import recorded_body


def read(body: bytes) -> dict[str, object]:
    return read_object(body, operation="TicketGet")


def test_numbers_are_decimals_from_their_text() -> None:
    answer = read(b'{"a":75,"b":2.5,"c":1234574.04,"d":0.30000000000000004,"e":12345678901234567890123}')

    assert [str(value) for value in answer.values()] == [
        "75", "2.5", "1234574.04", "0.30000000000000004", "12345678901234567890123",
    ]  # fmt: skip


def test_lone_surrogates_and_nul_survive_until_the_values_are_read() -> None:
    assert read(b'{"a":"\\ud800\\u0000\\ud83d\\ude42"}') == {"a": "\ud800\x00\U0001f642"}
    assert read(b'{"a":"\xed\xa0\x80\xed\xb9\x82"}') == {"a": "\ud800\ude42"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no complete JSON"),
        (b"   ", "no complete JSON"),
        (b"{", "no complete JSON"),
        (b"{}x", "no complete JSON"),
        (b"{}{}", "no complete JSON"),
        (b"\xef\xbb\xbf{}", "no complete JSON"),
        (b'{"a":1,}', "no complete JSON"),
        (b'{"a":"line\nbreak"}', "no complete JSON"),
        (b"<html></html>", "no complete JSON"),
        (b'{"a":"\xe4"}', "not UTF-8"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"17", "no JSON object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1,"a":1}', "a key twice"),
        (b'{"a":{"b":1,"b":2}}', "a key twice"),
        (b'{"a":' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a":1e9999999999999999999999}', "too large"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "nested too deep"),
    ],
)
def test_anything_but_one_sound_object_is_a_bad_answer(body: bytes, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        read(body)


@pytest.mark.parametrize("name", ["rest-ticketget-extended", "rest-tickethistory-ok", "rest-ticketsearch-by-customer"])
def test_real_answer_cut_at_any_byte_is_a_bad_answer(name: str) -> None:
    body = recorded_body(name)

    accepted = [end for end in range(len(body)) if _is_read(body[:end])]

    assert accepted == []


@given(st.binary())
def test_any_bytes_give_an_object_or_a_bad_answer(body: bytes) -> None:
    assert isinstance(_object_or_refusal(body), dict | BadAnswer)


@given(st.data())
def test_a_real_answer_with_flipped_bytes_gives_an_object_or_a_bad_answer(data: st.DataObject) -> None:
    body = bytearray(recorded_body("rest-ticketget-extended"))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    assert isinstance(_object_or_refusal(bytes(body)), dict | BadAnswer)


@given(st.dictionaries(st.text(), st.integers(-(10**50), 10**50)))
def test_whole_numbers_of_any_object_are_kept(document: dict[str, Any]) -> None:
    text = "{" + ",".join(f"{_quoted(key)}:{value}" for key, value in document.items()) + "}"

    assert read(text.encode("utf-8", "surrogatepass")) == {key: Decimal(value) for key, value in document.items()}


def _quoted(key: str) -> str:
    return '"' + "".join(f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else sign for sign in key) + '"'


def _object_or_refusal(body: bytes) -> dict[str, object] | BadAnswer:
    try:
        return read(body)
    except BadAnswer as error:
        return error


def _is_read(body: bytes) -> bool:
    return isinstance(_object_or_refusal(body), dict)
