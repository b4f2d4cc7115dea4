"""Whatever comes back is an answer or none: nothing else is raised, and no secret is shown."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.client_answers import Answer, Keys, NoAnswer, read_answer, read_keys, request_fields, shown

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def element(**values: object) -> bytes:
    return json.dumps({"Success": 1, "Results": {"SystemRegistration": [{"Operation": "Update", **values}]}}).encode()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe{", "it is no JSON"),
        (b"[" * 60_000, "it is no JSON"),
        (b"[1]", "it is no JSON object"),
        (b'{"Success": 0}', "it reports no success"),
        (b'{"Success": 1.0}', "it reports no success"),
        (b'{"Success": 0, "ErrorMessage": "Wait\\u0000 key-1"}', "Wait ***"),
        (b'{"Success": 1}', "it does not speak of what was asked"),
        (b'{"Success": 1, "Results": []}', "it does not speak of what was asked"),
        (b'{"Success": 1, "Results": {"SystemRegistration": {}}}', "it does not speak of what was asked"),
        (
            b'{"Success": 1, "Results": {"SystemRegistration": [1, {"Operation": "Register"}]}}',
            "it does not speak of what was asked",
        ),
        (element(Success=0), "it reports no success and no reason"),
        (element(Success=0, Data=[]), "it reports no success and no reason"),
    ],
)
def test_unusable_answer_is_none(body: bytes, sentence: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        read_answer(body, operation="Update", secrets=["key-1"])

    assert f"cannot be used: {sentence}." in str(caught.value)


@pytest.mark.parametrize("success", [1, "1", True])
def test_good_answer_is_read_behind_others(success: object) -> None:
    body = json.loads(element(Success=success, Data={"UpdateID": "id-3"}))
    body["Results"]["SystemRegistration"].insert(0, {"Operation": "SupportDataAdd", "Success": 0})

    answer = read_answer(json.dumps(body).encode(), operation="Update", secrets=[])

    assert answer == Answer(True, {"UpdateID": "id-3"})


def test_reason_of_a_refusal_goes_before_its_message() -> None:
    refused = read_answer(element(Success=0, ErrorMessage="x", Data={"Reason": "No."}), operation="Update", secrets=[])
    trouble = read_answer(element(Success=0, ErrorMessage="Busy."), operation="Update", secrets=[])

    assert (refused.reason, refused.is_decided) == ("No.", True)
    assert (trouble.reason, trouble.is_decided) == ("Busy.", False)


def test_keys_do_not_show_the_key() -> None:
    keys = read_keys({"UniqueID": 7, "APIKey": "key-1", "LastUpdateID": "id-2", "NextUpdate": "3600"})

    assert (keys.unique_id, keys.api_key, keys.next_update) == ("7", "key-1", timedelta(hours=1))
    assert repr(keys) == "Keys('7')"
    assert isinstance(keys, Keys)


@pytest.mark.parametrize("value", ["", None, True, 1.5, [], {}, "x" * 501, "a\0b", "\ud800"])
def test_key_that_cannot_be_kept_is_none(value: object) -> None:
    with pytest.raises(NoAnswer, match="it has no usable APIKey"):
        read_keys({"UniqueID": "u", "APIKey": value, "LastUpdateID": "id-2"})


@given(body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_answer_or_none(body: bytes) -> None:
    with pytest.raises(NoAnswer):
        read_answer(body, operation="Update", secrets=[])


@given(success=JSON, message=JSON, data=JSON)
def test_any_element_is_an_answer_or_none(success: object, message: object, data: object) -> None:
    try:
        answer = read_answer(
            element(Success=success, ErrorMessage=message, Data=data), operation="Update", secrets=["s"]
        )
    except NoAnswer:
        return
    assert answer.success or answer.reason
    assert "s" not in answer.reason.replace("***", "")


@given(text=st.text(alphabet=st.characters(exclude_characters="k*")))
def test_shown_text_is_one_short_line_without_secrets(text: str) -> None:
    line = shown(f"{text}key-1{text}", ["", "key", "key-1"])

    assert (len(line) <= 300, "k" in line, "\n" in line) == (True, False, False)


def test_register_speaks_the_words_of_the_real_client() -> None:
    recorded = (RECORDINGS / "registration-register-ok-021.http").read_text(encoding="utf-8")
    fields = json.loads(recorded.partition("## form fields, decoded\n")[2].partition("\n\n## ---- response")[0])

    ours = request_fields("Register", fields["RequestData"]["SystemRegistration"][0]["Data"])

    assert {name: json.loads(value) if value.startswith("{") else value for name, value in ours.items()} == fields
