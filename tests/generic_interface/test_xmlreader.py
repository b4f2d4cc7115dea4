import gzip
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface import xmlreader
from generic_interface.errors import BadAnswer, InterfaceError, TooLarge
from generic_interface.xmlreader import DEEPEST, LONGEST_TAG, PIECE, read_xml
from tests.generic_interface.replay import recorded_body


def read(body: bytes, *, remaining: Callable[[], float] = lambda: 1.0) -> Element:
    return read_xml(body, operation="TicketGet", remaining=remaining)


def test_names_carry_their_namespace_and_values_are_text() -> None:
    root = read('<?xml version="1.0" encoding="UTF-8"?><a xmlns="urn:x" n="1"><b>Grüße &amp; €</b><c/></a>'.encode())

    assert (root.tag, root.attrib) == ("{urn:x}a", {"n": "1"})
    assert [(child.tag, child.text) for child in root] == [("{urn:x}b", "Grüße & €"), ("{urn:x}c", None)]


def test_comments_and_instructions_do_not_split_a_text() -> None:
    assert read(b"<a>one<!-- - --> and<?x y?><![CDATA[ <two>]]></a>").text == "one and <two>"


def test_long_text_is_read_whole() -> None:
    text = "ü€🙂" * PIECE

    assert read(f"<a>{text}</a>".encode()).text == text


def test_as_many_levels_as_allowed_are_read() -> None:
    root = read(b"<a>" * DEEPEST + b"</a>" * DEEPEST)

    assert sum(1 for _ in root.iter()) == DEEPEST


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">'
    + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><a>&l9;</a>"
)
QUADRATIC = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 100_000 + b'">]><a>' + b"&b;" * 100_000 + b"</a>"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BILLION_LAUGHS, "declares a document type"),
        (QUADRATIC, "declares a document type"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares a document type"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><a/>', "declares a document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', "declares a document type"),
        (b'<!DOCTYPE a PUBLIC "-//x//y" "file:///etc/passwd"><a/>', "declares a document type"),
        (b"<!DOCTYPE html><html/>", "declares a document type"),
        (b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1), "nested too deep"),
        (b"<a>" * 1_000_000, "nested too deep"),
        (b'<a x="' + b"y" * 5_000_000 + b'"/>', "endless tag"),
        (b"<a " + b" ".join(b'x%d=""' % n for n in range(500_000)) + b"/>", "endless tag"),
        (b"<a><!--" + b"x" * 5_000_000 + b"--></a>", "endless tag"),
        (b"<" + b"a" * 5_000_000 + b"/>", "endless tag"),
        (b"", "no complete XML"),
        (b"   ", "no complete XML"),
        (b"{}", "no complete XML"),
        (b"<a", "no complete XML"),
        (b"<a>", "no complete XML"),
        (b"<a/>x", "no complete XML"),
        (b"<a/><a/>", "no complete XML"),
        (b"<a>&x;</a>", "no complete XML"),
        (b"<a>\0</a>", "holds a NUL"),
        (b"<a>&#0;</a>", "no complete XML"),
        (b"<a>&#1;</a>", "no complete XML"),
        (b"<a>&#xd800;</a>", "no complete XML"),
        (b"<a>\xed\xa0\x80</a>", "no complete XML"),
        (b"<a>\xe4</a>", "no complete XML"),
        (b"<soap:a/>", "no complete XML"),
        (b'<a x="1" x="2"/>', "no complete XML"),
        ("<a>ä</a>".encode("utf-16"), "not UTF-8"),
        ("<a>ä</a>".encode("utf-16-be"), "not UTF-8"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>ä</a>'.encode("latin-1"), "not declared as UTF-8"),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>', "not declared as UTF-8"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not declared as UTF-8"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_anything_but_one_sound_document_is_a_bad_answer(body: bytes, why: str) -> None:
    with pytest.raises(BadAnswer, match=rf"^The answer to TicketGet .*{why}.*Nothing of it was used") as caught:
        read(body)

    assert len(str(caught.value)) < 200


def test_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 1_000_000) * 200

    with pytest.raises(BadAnswer, match="holds a NUL or is not UTF-8"):
        read(bomb)


@pytest.mark.parametrize(
    "body",
    [b"<a>" + b"<b/>" * 100 + b"</a>", b"<a " + b" ".join(b'x%d=""' % n for n in range(100)) + b"/>"],
    ids=["elements", "attributes"],
)
def test_more_parts_than_allowed_are_too_large(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(xmlreader, "MOST_PARTS", 101)
    assert read(body).tag == "a"

    monkeypatch.setattr(xmlreader, "MOST_PARTS", 100)
    with pytest.raises(TooLarge, match="more than 100 XML elements and was not used"):
        read(body)


def test_reading_ends_with_the_deadline() -> None:
    seconds = iter([2.0, 1.0, 0.0])

    with pytest.raises(BadAnswer, match="could not be read in time"):
        read(b"<a>" + b"x" * 4 * PIECE + b"</a>", remaining=lambda: next(seconds))
    assert list(seconds) == []


def test_tag_of_bounded_length_is_read_even_across_pieces() -> None:
    value = b"y" * (LONGEST_TAG - PIECE)

    root = read(b"<a>" + b" " * (PIECE - 100) + b'<b x="' + value + b'"/></a>')

    assert len(root[0].attrib["x"]) == len(value)


@pytest.mark.parametrize("name", ["soap-generic-ticketget", "soap-timeaccounting-two-entries"])
def test_real_answer_cut_at_any_byte_is_a_bad_answer(name: str) -> None:
    body = recorded_body(name).rstrip()

    accepted = [end for end in range(len(body)) if isinstance(_root_or_refusal(body[:end]), Element)]

    assert accepted == []


@given(st.binary())
def test_any_bytes_give_a_document_or_a_bad_answer(body: bytes) -> None:
    assert isinstance(_root_or_refusal(body), Element | InterfaceError)


@given(st.lists(st.sampled_from(["<a>", "</a>", "<a/>", "<!--", "-->", "&lt;", "&x;", "<?", "?>", "<![CDATA[", "]]>",
    "<!DOCTYPE a [", '<!ENTITY x "y">', "]>", '<a b="', '"', ">", "text", "\0", 'xmlns:a="', '<?xml version="1.0"']),
    max_size=30))  # fmt: skip
def test_any_heap_of_markup_gives_a_document_or_a_bad_answer(parts: list[str]) -> None:
    assert isinstance(_root_or_refusal("".join(parts).encode()), Element | InterfaceError)


@given(st.data())
def test_a_real_answer_with_flipped_bytes_gives_a_document_or_a_bad_answer(data: st.DataObject) -> None:
    body = bytearray(recorded_body("soap-generic-ticketget"))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    assert isinstance(_root_or_refusal(bytes(body)), Element | InterfaceError)


def _root_or_refusal(body: bytes) -> Element | InterfaceError:
    try:
        return read(body)
    except InterfaceError as error:
        return error
