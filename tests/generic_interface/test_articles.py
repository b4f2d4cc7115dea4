"""What may be written, and what is refused before it is sent."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.articles import (
    LARGEST_ATTACHMENTS,
    Attachment,
    NewArticle,
    NewTicket,
    create_parameters,
    time_units_text,
    update_parameters,
)
from generic_interface.errors import WrongRequest
from generic_interface.mailing import Key, Mail, Protection, bare_address

NOTE = NewArticle(subject="S", body="B")


def new_ticket(**values: str) -> NewTicket:
    return NewTicket(**{"title": "T", "queue": "Q", "state": "new", "customer_user": "h.mueller"} | values)


@given(st.decimals(min_value="0.01", max_value="99999999.99", places=2))
def test_time_is_sent_as_it_is_meant(units: Decimal) -> None:
    text = time_units_text(units)

    assert Decimal(text) == units
    assert set(text) <= set("0123456789.")


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_time_is_sent_as_it_is_meant_or_refused(units: Decimal) -> None:
    try:
        text = time_units_text(units)
    except WrongRequest:
        return
    assert Decimal(text) == units
    assert 0 < units < 10**8


@pytest.mark.parametrize("units", ["0", "-15", "100000000", "0.001", "NaN", "Infinity", "1E-3", "1E+20"])
def test_time_that_would_be_dropped_cut_or_refused(units: str) -> None:
    with pytest.raises(WrongRequest, match="time"):
        time_units_text(Decimal(units))


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        ("a@kunde.test", "a@kunde.test"),
        ("Hans Müller <a.b+c@kunde-1.test>", "a.b+c@kunde-1.test"),
        ('"Groß, Paula" <p@kunde.test>', "p@kunde.test"),
        ("x@mail.example.com", "x@mail.example.com"),
        ("x@beispiel.example", "x@beispiel.example"),
    ],
)
def test_recipients(recipient: str, address: str) -> None:
    assert bare_address(recipient) == address


@pytest.mark.parametrize(
    "recipient",
    [
        "", "kaputt", "keine adresse", "a@b", "a@@b.test", "a b@c.test", "a..b@c.test", "a.@c.test", "a@-c.test",
        "a@c..test", "a@c.test, b@c.test", "Groß, Paula <p@c.test>", "a@c.test\nBcc: x@y.test", "ä@c.test",
        "email@example.com", "A <email@EXAMPLE.de>", "x@example.org", "a@c.test\x00", "<a@c.test> b",
    ],
)  # fmt: skip
def test_what_is_no_recipient(recipient: str) -> None:
    with pytest.raises(WrongRequest):
        bare_address(recipient)


@given(st.text(max_size=40))
def test_no_text_becomes_two_recipients_or_a_header(text: str) -> None:
    try:
        address = bare_address(text)
    except WrongRequest:
        return
    assert address in text
    assert address.count("@") == 1
    assert not {",", ";", "\n", "\r", " "} & set(address)


def test_mail_without_recipient() -> None:
    with pytest.raises(WrongRequest, match="needs a recipient"):
        Mail(to=()).parameters()


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, 'a"', "ü"])
def test_key_without_a_proper_name(name: str) -> None:
    with pytest.raises(WrongRequest, match="no name of a key"):
        Key(protection=Protection.SMIME, name=name).parameters()


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x" * 256}, {"title": "a\nb"}, {"title": " "}, {"queue": "\t"}, {"state": ""},
        {"customer_user": ""}, {"customer_user": "x@example.com"}, {"priority": ""},
    ],
)  # fmt: skip
def test_ticket_that_would_be_refused(values: dict[str, str]) -> None:
    with pytest.raises(WrongRequest):
        create_parameters(new_ticket(**values), NOTE)


@pytest.mark.parametrize("values", [{"subject": "a\rb"}, {"subject": ""}, {"body": ""}, {"body": "a\x00"}])
def test_article_that_would_be_refused(values: dict[str, Any]) -> None:
    with pytest.raises(WrongRequest):
        update_parameters(article=NewArticle(**{"subject": "S", "body": "B"} | values))


def test_ticket_says_its_customer_and_type_where_known() -> None:
    plain = create_parameters(new_ticket(), NOTE)["Ticket"]
    full = create_parameters(new_ticket(customer_id="10001", type="Incident"), NOTE)["Ticket"]

    assert plain == {"Title": "T", "Queue": "Q", "State": "new", "Priority": "3 normal", "CustomerUser": "h.mueller"}
    assert full == {**plain, "CustomerID": "10001", "Type": "Incident"}


def test_note_is_hidden_from_the_customer_unless_told_otherwise() -> None:
    hidden = update_parameters(article=NOTE)["Article"]
    shown = update_parameters(article=NewArticle(subject="S", body="B", visible=True))["Article"]

    assert (hidden["IsVisibleForCustomer"], shown["IsVisibleForCustomer"]) == (0, 1)  # type: ignore[index]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"filename": "a\nb"}, "file name"),
        ({"filename": ""}, "file name"),
        ({"content_type": "pdf"}, "type of a content"),
        ({"content": bytes(LARGEST_ATTACHMENTS + 1)}, "more than"),
    ],
)
def test_attachment_that_would_be_refused(values: dict[str, Any], words: str) -> None:
    given = {"filename": "a.pdf", "content_type": "application/pdf", "content": b"x"}

    with pytest.raises(WrongRequest, match=words):
        update_parameters(article=NOTE, attachments=[Attachment(**given | values)])


def test_attachment_needs_an_article() -> None:
    one = Attachment(filename="a.pdf", content_type="application/pdf; name=a", content=b"x")

    with pytest.raises(WrongRequest, match="needs an article"):
        update_parameters(changes={"State": "open"}, attachments=[one])
    assert "Attachment" in update_parameters(article=NOTE, attachments=[one])


def test_dynamic_field_needs_a_proper_name() -> None:
    with pytest.raises(WrongRequest, match="dynamic field"):
        update_parameters(dynamic_fields={"With blank": "1"})
