"""TicketCreate and TicketUpdate: every recorded request is produced or refused, every recorded answer is read."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.articles import Attachment, NewArticle, NewTicket
from generic_interface.client import MOST_MARKED, Client
from generic_interface.connection import Authentication
from generic_interface.errors import (
    AccessDenied,
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    OperationFailed,
    Unreachable,
    WrongRequest,
)
from generic_interface.mailing import Key, Mail, Protection
from generic_interface.records import FoundTicket, WrittenTicket
from tests.generic_interface.conftest import Serve
from tests.generic_interface.replay import NO_BYTE, RECORDINGS, answer, recorded, recorded_json

BODY = "Text aus dem Portal\nÜber REST"
CLIENT: dict[str, str] = {"to": "kunde@kunde10001.test"}
PGP = Key(protection=Protection.PGP_DETACHED, name="81877F5E")
SMIME = Key(protection=Protection.SMIME, name="3b630c80")


def ticket(**values: Any) -> NewTicket:
    given: dict[str, Any] = {"title": "Portal-Test", "queue": "Support", "state": "new", "customer_user": "h.mueller"}
    return NewTicket(**given | values)


def article(units: str | None = "12.5", *, to: str = "", **values: Any) -> NewArticle:
    keys = {name: values.pop(name) for name in ("sign", "crypt") if name in values}
    mail = Mail(to=[to], **keys) if to else None
    given: dict[str, Any] = {"subject": "Betreff äöü", "body": BODY, "time_units": Decimal(units) if units else None}
    return NewArticle(**given | {"mail": mail} | values)


def create(*, units: str | None = "12.5", to: str = "", **values: Any) -> Callable[[Client], WrittenTicket]:
    more = {name: values.pop(name) for name in ("dynamic_fields", "attachments") if name in values}
    keys = {name: values.pop(name) for name in ("sign", "crypt", "body") if name in values}
    return lambda client: client.ticket_create(ticket(**values), article(units, to=to, **keys), **more)


def update(ticket_id: str = "1173", **values: Any) -> Callable[[Client], WrittenTicket]:
    return lambda client: client.ticket_update(ticket_id, **values)


PRODUCED: dict[str, Callable[[Client], WrittenTicket]] = {
    "ticketcreate-article-send-sign-smime": create(title="Portal-Test Mail", to=CLIENT["to"], sign=SMIME),
    "ticketcreate-article-send-sign-unknown-key": create(title="Portal-Test Mail", to=CLIENT["to"], sign=PGP),
    "ticketcreate-bad-dropdown-value": create(dynamic_fields={"Leistungsart": "quatsch"}),
    "ticketcreate-bad-password": create(),
    "ticketcreate-closed-directly": create(state="closed successful"),
    "ticketcreate-emoji": create(title="Emoji 😀 im Titel", body="Emoji 😀 im Text"),
    "ticketcreate-ok-customer-email-unknown": create(customer_user="fremd@anderswo.test"),
    "ticketcreate-ok-with-attachment": create(
        attachments=[Attachment(filename="protokoll-ä.txt", content_type="text/plain", content=b"Protokoll")]
    ),
    "ticketcreate-ok-with-dynamicfields": create(dynamic_fields={"Auftragsnummer": "AU-1", "Abrechenbar": "1"}),
    "ticketcreate-timeunit-blank": create(units="5"),
    "ticketcreate-timeunit-comma": create(units="7.5"),
    "ticketcreate-timeunit-number": create(units="7.25"),
    "ticketcreate-unknown-customeruser": create(customer_user="gibtsnicht"),
    "ticketcreate-unknown-dynamicfield": create(dynamic_fields={"Gibtsnicht": "1"}),
    "ticketcreate-unknown-queue": create(queue="Gibtsnicht"),
    "ticketupdate-article-send": lambda client: client.article_send("1188", article("3", to=CLIENT["to"])),
    "ticketupdate-article-send-crypt-unknown-key": update("1188", article=article("4", to=CLIENT["to"], crypt=SMIME)),
    "ticketupdate-article-with-time-again": update(article=article("30")),
    "ticketupdate-close": update(changes={"State": "closed successful"}),
    "ticketupdate-dynamicfield": update(dynamic_fields={"Auftragsnummer": "AU-77"}),
    "ticketupdate-forbidden-ticket": update("311", changes={"State": "open"}),
    "ticketupdate-html-article": update(
        article=NewArticle(subject="HTML", body="<p>Hallo &auml;</p>", html=True, time_units=Decimal(1))
    ),
    "ticketupdate-queue-and-owner": update(changes={"Queue": "Entwicklung", "Owner": "b.schmidt"}),
    "ticketupdate-unknown-state": update(changes={"State": "geschlossen"}),
    "ticketupdate-unknown-ticket": update("999999", changes={"State": "open"}),
}
REFUSED: dict[str, Callable[[Client], WrittenTicket]] = {
    "ticketcreate-article-send-bad-to": create(to="keine adresse"),
    "ticketcreate-article-send-example-com": create(title="Portal-Test Mail", to="email@example.com"),
    "ticketcreate-article-send-missing-to": lambda client: client.article_send(
        "1188",
        article(mail=Mail(to=[])),  # there is no mail without a recipient
    ),
    "ticketcreate-missing-body": create(body=" "),
    "ticketcreate-missing-customeruser": create(customer_user=""),
    "ticketcreate-missing-queue": create(queue=""),
    "ticketcreate-missing-state": create(state=""),
    "ticketcreate-missing-subject": lambda client: client.ticket_create(ticket(), article(subject="")),
    "ticketcreate-missing-title": create(title=""),
    "ticketcreate-timeunit-float-artifact": create(units="0.30000000000000004"),
    "ticketcreate-timeunit-huge": create(units="12345678901"),
    "ticketcreate-timeunit-three-decimals": create(units="1.239"),
    "ticketcreate-timeunit-zero": create(units="0"),
    "ticketcreate-timeunit-zero-number": create(units="0.00"),
    "ticketupdate-article-send-bad-to": update("1188", article=article("3", to="kaputt")),
    "ticketupdate-article-timeunit-only": update(article=article("30", subject="", body="")),
    "ticketupdate-id-list": update("1173,2", changes={"State": "open"}),
    "ticketupdate-nothing-to-do": update(changes={}),
    "ticketupdate-timeunit-without-article": update(changes={"TimeUnit": "30"}),
}
"""The ticket system refuses these, or answers success and drops a part."""
NO_WORDS_FOR_IT = {
    "ticketcreate-article-send-sign-bad-type": "a key is PGP or S/MIME",
    "ticketcreate-missing-article": "a ticket comes with an article",
    "ticketcreate-missing-contenttype": "the type is always sent",
    "ticketcreate-missing-ticket": "a ticket comes with its fields",
    "ticketcreate-no-credentials": "login data are always sent",
    "ticketcreate-ok-two-articles": "one request writes one article, which every release takes",
    "ticketupdate-article-bad-timeunit": "time is a number",
    "ticketupdate-article-send-crypt-bad-type": "a key is PGP or S/MIME",
    "ticketupdate-article-to-without-articlesend": "whoever has a recipient is mailed to",
    "ticketupdate-put-method": "routes are GET, POST or PATCH",
}


def request_of(name: str) -> tuple[str, str, dict[str, Any]]:
    """Method, path and JSON of a recorded request."""
    content = (RECORDINGS / f"rest-{name}.http").read_text(encoding="utf-8").replace("\r\n", "\n")
    head, _, body = content.partition("## ---- request ----\n")[2].partition("\n\n")
    method, path, _ = head.split(" ", 2)
    return method, path, json.loads(body.partition("\n## ---- response")[0])


def alike(request: dict[str, Any]) -> dict[str, Any]:
    """As the ticket system reads it: charset by either name, units as numbers; whom it shows the article to is ours."""
    document: dict[str, Any] = json.loads(json.dumps(request))
    if "Article" in document:
        document["Article"].pop("IsVisibleForCustomer", None)
        document["Article"]["ContentType"] = document["Article"]["ContentType"].replace("utf-8", "utf8")
        if "TimeUnit" in document["Article"]:
            document["Article"]["TimeUnit"] = Decimal(str(document["Article"]["TimeUnit"]).strip().replace(",", "."))
    return document


def attempt(work: Callable[[Client], WrittenTicket], client: Client) -> WrittenTicket | InterfaceError:
    try:
        return work(client)
    except InterfaceError as error:
        return error


def test_every_recorded_write_is_produced_refused_or_has_no_words() -> None:
    names = {path.stem.removeprefix("rest-") for path in RECORDINGS.glob("rest-ticketcreate*.http")}
    names |= {path.stem.removeprefix("rest-") for path in RECORDINGS.glob("rest-ticketupdate*.http")}

    assert len(names) == 54
    assert {*PRODUCED, *REFUSED, *NO_WORDS_FOR_IT} == names
    assert len(PRODUCED) + len(REFUSED) + len(NO_WORDS_FOR_IT) == len(names)


@pytest.mark.parametrize("name", PRODUCED)
def test_recorded_request_is_produced_and_its_answer_read(serve: Serve, name: str) -> None:
    method, path, expected = request_of(name)
    login = {"login": expected["UserLogin"], "password": expected["Password"]}
    server, client = serve(recorded(f"rest-{name}"), preset="otrs6_sample", **login)

    result = attempt(PRODUCED[name], client)

    request = server.requests[0]
    assert (request.method, request.target, alike(request.json)) == (method, path, alike(expected))
    assert len(server.requests) == 1
    if recorded(f"rest-{name}").startswith(b"HTTP/1.1 200") and "Error" not in recorded_json(f"rest-{name}"):
        told = recorded_json(f"rest-{name}")
        article_id = str(told["ArticleID"]) if "ArticleID" in told else None
        assert result == WrittenTicket(ticket_id=told["TicketID"], number=told["TicketNumber"], article_id=article_id)
    else:
        assert isinstance(result, InterfaceError)


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_refused_or_dropped_is_not_sent(serve: Serve, name: str) -> None:
    server, client = serve()

    with pytest.raises(WrongRequest) as caught:
        REFUSED[name](client)

    assert server.requests == []
    assert caught.value.maybe_done is False


@pytest.mark.parametrize("name", sorted({*REFUSED, *NO_WORDS_FOR_IT} - {"ticketupdate-put-method"}))
def test_answers_to_what_we_never_send_are_read_as_well(serve: Serve, name: str) -> None:
    _, client = serve(recorded(f"rest-{name}"))

    asked = request_of(name)[1].rpartition("/")[2].partition(",")[0]
    result = attempt(update(asked, changes={"State": "open"}) if "update" in name else create(), client)

    body = recorded(f"rest-{name}").partition(b"\r\n\r\n")[2]
    if b'"Error"' in body:
        error = recorded_json(f"rest-{name}")["Error"]
        assert error["ErrorCode"] in str(result)
        assert not getattr(result, "maybe_done", True)
    elif b"faultstring" in body:
        assert isinstance(result, OperationFailed)
        assert result.maybe_done
    elif name == "ticketupdate-id-list":
        assert isinstance(result, BadAnswer)
    else:
        assert getattr(result, "ticket_id", None) == recorded_json(f"rest-{name}")["TicketID"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ticketcreate-bad-password", AuthenticationFailed),
        ("ticketupdate-unknown-ticket", AccessDenied),
        ("ticketupdate-forbidden-ticket", AccessDenied),
        ("ticketcreate-unknown-queue", ApplicationError),
        ("ticketcreate-article-send-sign-smime", OperationFailed),
    ],
)
def test_errors_have_their_kind(serve: Serve, name: str, kind: type[InterfaceError]) -> None:
    _, client = serve(recorded(f"rest-{name}"))

    with pytest.raises(kind) as caught:
        PRODUCED[name](client)

    assert caught.value.maybe_done is (kind is OperationFailed)
    assert "Portal-Api-1" not in str(caught.value)


@pytest.mark.parametrize("preset", ["billing_portal", "otrs6_sample", "znuny_sample"])
@pytest.mark.parametrize("work", [create(), update(changes={"State": "open"})])
def test_write_that_is_dropped_is_never_sent_again(
    serve: Serve, preset: str, work: Callable[[Client], WrittenTicket]
) -> None:
    server, client = serve(recorded("rest-ticketsearch-no-hit"), NO_BYTE, preset=preset,
                           authentication=Authentication.HEADER)  # fmt: skip
    client.any_ticket_visible()

    with pytest.raises(Unreachable) as caught:
        work(client)

    assert caught.value.maybe_done is True
    assert len(server.requests) == 2
    assert server.requests[0].connection != server.requests[1].connection


def test_dead_session_is_made_anew_before_a_write(serve: Serve) -> None:
    refused = answer({"Error": {"ErrorCode": "TicketCreate.AuthFail", "ErrorMessage": "no"}})
    session = recorded("rest-session-create-keepalive-service")
    server, client = serve(
        session, refused, session, recorded("rest-ticketcreate-emoji"), authentication=Authentication.SESSION
    )

    assert create()(client).ticket_id == "1187"
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "body", [{}, {"TicketID": "x", "TicketNumber": "1"}, {"TicketID": 12}, {"TicketID": "1", "TicketNumber": ""}]
)
def test_answer_that_names_no_ticket_may_have_written(serve: Serve, body: dict[str, object]) -> None:
    _, client = serve(answer(body))

    with pytest.raises(BadAnswer) as caught:
        create()(client)

    assert caught.value.maybe_done is True


def test_mail_goes_to_all_recipients_signed_and_encrypted(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketupdate-article-send"))
    mail = Mail(
        to=["Hans Müller <h@kunde.test>", "b@kunde.test"],
        cc=['"Groß, Paula" <p@kunde.test>'],
        bcc=["chef@firma.test"],
        sign=PGP,
        crypt=Key(protection=Protection.PGP_INLINE, name="AB12CD34"),
    )

    client.article_send("1188", NewArticle(subject="S", body="B", mail=mail), attachments=[pdf()])

    sent = server.requests[0].json
    assert {name: sent["Article"][name] for name in ("ArticleSend", "To", "Cc", "Bcc", "Sign", "Crypt")} == {
        "ArticleSend": 1,
        "To": "Hans Müller <h@kunde.test>, b@kunde.test",
        "Cc": '"Groß, Paula" <p@kunde.test>',
        "Bcc": "chef@firma.test",
        "Sign": {"Type": "PGP", "SubType": "Detached", "Key": "81877F5E"},
        "Crypt": {"Type": "PGP", "SubType": "Inline", "Key": "AB12CD34"},
    }
    assert base64.b64decode(sent["Attachment"][0]["Content"]) == b"%PDF"
    assert sent["Article"]["IsVisibleForCustomer"] == 0


def pdf() -> Attachment:
    return Attachment(filename="statement.pdf", content_type="application/pdf", content=b"%PDF")


def test_article_without_a_recipient_is_not_mailed(serve: Serve) -> None:
    server, client = serve()

    with pytest.raises(WrongRequest, match="without a recipient"):
        client.article_send("1188", article())

    assert server.requests == []


def test_marked_ticket_is_found_by_its_title_and_looked_at(serve: Serve) -> None:
    told = recorded_json("rest-ticketget-extended")
    told["Ticket"][0]["Title"] = "Work statement BPABCDEFGH12"
    server, client = serve(recorded("rest-ticketsearch-single-hit"), answer(told))

    found = client.find_marked("BPABCDEFGH12")

    assert found == (FoundTicket(ticket_id="614", number="2026101510000092"),)
    search = server.requests[0].json
    assert (search["Title"], search["SearchInArchive"], search["Limit"]) == (
        "%BPABCDEFGH12%", "AllTickets", MOST_MARKED,
    )  # fmt: skip


def test_no_marked_ticket(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketsearch-no-hit"))

    assert client.find_marked("BPABCDEFGH12") == ()


def test_search_that_ignores_titles_is_no_proof_that_nothing_was_written(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketsearch-single-hit"), recorded("rest-ticketget-extended"))

    with pytest.raises(BadAnswer, match="does not search by title"):
        client.find_marked("BPABCDEFGH12")


@pytest.mark.parametrize("marker", ["", "short", "with blank 1234", "percent%%%%%"])
def test_marker_with_search_operators_is_refused(serve: Serve, marker: str) -> None:
    _, client = serve()

    with pytest.raises(WrongRequest, match="is no marker"):
        client.find_marked(marker)


def test_articles_of_a_ticket_are_read_with_text_and_time(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketget-allarticles-attachments"))

    articles = client.articles("525")

    assert len(articles) == 20
    assert articles[0].time_units == Decimal("2.50")
    assert articles[0].holds("EDGE viele")
    assert articles[0].holds("Artikel")
    assert not articles[0].holds("BPX")
    assert server.requests[0].json["AllArticles"] == 1


def test_ticket_without_articles_has_none(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-extended"))

    assert client.articles("614") == ()


def test_articles_of_another_ticket_are_not_taken(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-extended"))

    with pytest.raises(BadAnswer, match="brought other tickets"):
        client.articles("615")


def test_answer_for_another_ticket_is_none(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketupdate-close"))

    with pytest.raises(BadAnswer, match="answered for ticket 1173") as caught:
        client.ticket_update("1188", changes={"State": "closed successful"})

    assert caught.value.maybe_done is True
