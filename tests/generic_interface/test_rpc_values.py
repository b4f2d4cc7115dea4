"""The codec of ``rpc.pl``, without a wire."""

from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface import xmlreader
from generic_interface.errors import WrongRequest
from generic_interface.rpc_values import (
    DEEPEST,
    ENCODING,
    INSTANCE,
    SCHEMA,
    Argument,
    NoValue,
    Value,
    dispatch_envelope,
    pairs,
    response_values,
    structures,
)
from tests.generic_interface.rpc_recordings import arguments_of, envelope_call, local

XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
DECLARED = f'xmlns:xsi="{INSTANCE}" xmlns:xsd="{SCHEMA}" xmlns:soapenc="{ENCODING}" xmlns:apachens="urn:apache"'


def response(inside: str) -> Element:
    return fromstring(f"<DispatchResponse {DECLARED}>{inside}</DispatchResponse>")  # noqa: S314 - written here


def values(inside: str) -> list[Value]:
    root = response(inside)
    return response_values(root, {name: each for each in root.iter() if (name := each.get("id"))})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "5"),
        ("int", "00042"),
        ("long", "2026101510000092"),
        ("float", "1234574.04"),
        ("float", "1E5"),
        ("float", "99999999999999999999"),
        ("string", "00012345"),
        ("string", " blanks around "),
        ("date", "2026-10-15"),
        ("boolean", "true"),
        ("anyURI", "http://kunde.test/"),
    ],
)
def test_type_guessed_by_the_server_never_alters_the_text(kind: str, text: str) -> None:
    assert values(f'<s-gensym7 xsi:type="xsd:{kind}">{text}</s-gensym7>') == [text]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('<a xsi:type="xsd:string" />', [""]),
        ('<a xsi:nil="true" />', [None]),
        ('<a xsi:nil="1" />', [None]),
        ('<a xsi:type="xsd:base64Binary">TcO8bGxlcg==</a>', ["Müller"]),
        ('<a xsi:type="soapenc:base64">TcO8\nbGxlcg==</a>', ["Müller"]),
        ('<a xsi:type="xsd:base64Binary">YYVi</a>', ["a\x85b"]),
        ("<a><Type>PGP</Type><Key>1</Key></a>", [{"Type": "PGP", "Key": "1"}]),
        ('<a soapenc:arrayType="xsd:int[2]"><item>1</item><item>2</item></a>', [["1", "2"]]),
        ('<a soapenc:arrayType="xsd:anyType[0]" xsi:type="soapenc:Array" />', [[]]),
        (
            '<a xsi:type="apachens:Map"><item><key>x y</key><value xsi:nil="true"/></item></a>',
            [{"x y": None}],
        ),
        ('<a href="#r" /><b href="#r" /><c id="r"><N>1</N></c>', [{"N": "1"}, {"N": "1"}, {"N": "1"}]),
    ],
)
def test_shapes_of_values(inside: str, expected: list[Value]) -> None:
    assert values(inside) == expected


def test_nil_response_holds_nothing() -> None:
    nothing = fromstring(f'<DispatchResponse {DECLARED} xsi:nil="true" />')  # noqa: S314 - written here

    assert response_values(nothing, {}) == []


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ('<a href="#gone" />', "refers to itself"),
        ('<a id="r"><b href="#r" /></a><c href="#r" />', "refers to itself"),
        ("<a><N>1</N><N>2</N></a>", "a key twice"),
        ('<a xsi:type="xsd:base64Binary">no base64!</a>', "base64"),
        ('<a xsi:type="apachens:Map"><item><value>1</value></item></a>', "key twice or none"),
        (
            '<a xsi:type="apachens:Map"><item><key>k</key></item><item><key>k</key></item></a>',
            "key twice or none",
        ),
    ],
)
def test_what_is_no_value_is_refused(inside: str, why: str) -> None:
    with pytest.raises(NoValue, match=why):
        values(inside)


def test_chain_of_references_ends_before_the_stack_does() -> None:
    chain = "".join(f'<a id="r{n}"><N href="#r{n + 1}" /></a>' for n in range(5000))

    with pytest.raises(NoValue, match="too deep"):
        values(f'<x href="#r0" />{chain}<a id="r5000" />')

    short = "".join(f'<a id="r{n}"><N href="#r{n + 1}" /></a>' for n in range(DEEPEST - 2))
    assert values(f'<x href="#r0" />{short}<a id="r{DEEPEST - 2}" />')[0] is not None


def test_deepest_values_that_are_taken_do_not_end_the_stack() -> None:
    depth = xmlreader.DEEPEST - 3
    nested = "<N>" * depth, "</N>" * depth
    chain = "".join(f'<a id="r{n}">{nested[0]}<N href="#r{n + 1}" />{nested[1]}</a>' for n in range(DEEPEST - 1))

    top: Any = values(f'<x href="#r0" />{chain}<a id="r{DEEPEST - 1}" />')[0]

    for _ in range((DEEPEST - 1) * (depth + 1)):
        top = top["N"]
    assert top == ""


def test_references_to_one_element_share_its_value() -> None:
    """A tree that doubles with every step would fill the memory if each reference were read anew."""
    doubling = "".join(f'<a id="r{n}"><L href="#r{n + 1}" /><R href="#r{n + 1}" /></a>' for n in range(7))

    top: Any = values(f'<x href="#r0" />{doubling}<a id="r7" />')[0]

    while isinstance(top, dict):
        assert top["L"] is top["R"]
        top = top["L"]


def test_flattened_hash_keeps_nothing_but_the_keys_asked_for() -> None:
    flat: list[Value] = ["UserPw", "a hash", "UserLogin", "c.weber", "UserTitle", None]

    assert pairs(flat, keys={"UserLogin", "UserTitle", "OutOfOffice"}) == {"UserLogin": "c.weber", "UserTitle": None}


@pytest.mark.parametrize(
    ("flat", "why"),
    [
        (["UserLogin"], "keys and values"),
        ([None, "x"], "keys and values"),
        ([{"a": "b"}, "x"], "keys and values"),
        (["UserLogin", "a", "UserLogin", "b"], "a key twice"),
    ],
)
def test_what_is_no_flattened_hash_is_refused(flat: list[Value], why: str) -> None:
    with pytest.raises(NoValue, match=why):
        pairs(flat, keys={"UserLogin"})


def test_doubled_key_that_says_the_same_or_is_not_asked_for_does_no_harm() -> None:
    assert pairs(["A", "1", "A", "1", "B", "1", "B", "2"], keys={"A"}) == {"A": "1"}


def test_list_of_hashes_keeps_nothing_but_the_keys_asked_for() -> None:
    assert structures([{"Name": "%%1%%1", "UserPw": "a hash"}, {}], keys={"Name"}) == [{"Name": "%%1%%1"}, {}]
    with pytest.raises(NoValue, match="structures"):
        structures(["Name", "x"], keys={"Name"})


@given(st.lists(st.one_of(XML_TEXT, st.just("a\rb"), st.just("a\r\nb"), st.just("\ttab"))))
def test_text_arrives_as_it_was_sent(texts: list[str]) -> None:
    assert arguments_of(envelope_call(dispatch_envelope(*texts))) == texts


def test_arguments_of_every_kind() -> None:
    arguments: list[Argument] = [
        "soapuser",
        7,
        Decimal("1.50"),
        b"\x00\xff",
        ["a", 1],
        [{"Filename": "a & b.pdf", "Content": b"x"}],
        {"Type": "PGP", "Key": "<81>"},
    ]

    call = envelope_call(dispatch_envelope(*arguments))

    assert local(call) == "Dispatch"
    assert arguments_of(call) == [
        "soapuser",
        "7",
        "1.50",
        "\x00ÿ",
        ["a", "1"],
        [{"Filename": "a & b.pdf", "Content": "x"}],
        {"Type": "PGP", "Key": "<81>"},
    ]


def test_text_beyond_ascii_travels_as_characters_and_bytes_as_base64() -> None:
    body = dispatch_envelope("Größe €", "Größe €".encode())

    assert 'xsi:type="xsd:string">Größe €<'.encode() in body
    assert b'xsi:type="xsd:base64Binary">R3LDtsOfZSDigqw=<' in body


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\ufffe", "\ud800"])
def test_text_that_xml_cannot_hold_is_refused_before_sending(text: str) -> None:
    with pytest.raises(WrongRequest, match="control characters"):
        dispatch_envelope(text)
