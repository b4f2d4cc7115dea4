"""Tickets, notes, mails and time over ``rpc.pl``, against the stand-in as OTRS 5 and as OTRS 6."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from generic_interface.connection import RpcAccess
from generic_interface.errors import AccessDenied, BadAnswer, InterfaceError, Unreachable, WrongRequest
from generic_interface.rpc import Rpc
from generic_interface.rpc_articles import create_article, send_article, write_article
from generic_interface.rpc_transport import RpcTransport
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Queue
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER, RpcSettings
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.generic_interface.conftest import make_connection
from tests.generic_interface.replay import NO_BYTE, ReplayServer, recorded

NOTE = {"Subject": "Abgerechnet: Auftrag 17", "Body": "Grüße", "ContentType": "text/plain; charset=utf-8"}
MAIL = {**NOTE, "ArticleSend": 1, "To": "Hans Müller <h.mueller@kunde.test>"}
TICKET = {
    "Title": "Leistungsnachweis Oktober",
    "Queue": "Support",
    "State": "new",
    "Priority": "3 normal",
    "CustomerUser": "h.mueller",
    "CustomerID": "10001",
}
KEY = "81877F5E"
PDF = {
    "Filename": "Leistungsnachweis.pdf",
    "ContentType": "application/pdf",
    "Content": base64.b64encode("%PDF ü".encode("latin-1")).decode(),
}


@pytest.fixture
def data() -> DataSet:
    return build_month(tickets=2, customers=1, entries_per_ticket=1)


@pytest.fixture
def otrs5(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data, rpc=RpcSettings(version=5, keys=frozenset({KEY}))) as running:
        yield running


@pytest.fixture
def otrs6(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        yield running


def opened(url: str) -> Rpc:
    return Rpc(make_connection(rpc=RpcAccess(url=url, user=RPC_USER, password=RPC_PASSWORD, user_id=2)))


@pytest.fixture
def rpc(otrs5: RunningSimulator) -> Iterator[Rpc]:
    made = opened(otrs5.rpc_url)
    yield made
    made.close()


@pytest.fixture
def ticket_id(data: DataSet) -> str:
    return next(iter(data.tickets))


def methods(simulator: RunningSimulator) -> list[str]:
    return [method.partition(".")[2] for method, _ in simulator.rpc.requests]


def given(simulator: RunningSimulator, method: str) -> dict[str, object]:
    return next(arguments for name, arguments in simulator.rpc.requests if name.endswith(f".{method}"))


@pytest.mark.parametrize(("visible", "kind"), [(0, "note-internal"), (1, "note-external")])
def test_note_is_stored_with_its_file(
    rpc: Rpc, otrs5: RunningSimulator, data: DataSet, ticket_id: str, visible: int, kind: str
) -> None:
    article_id = create_article(rpc, ticket_id, {**NOTE, "IsVisibleForCustomer": visible}, [PDF])

    article = data.ticket(ticket_id).articles[-1]
    assert str(article.article_id) == article_id
    assert (article.subject, article.body, article.visible) == (NOTE["Subject"], "Grüße", bool(visible))
    assert [file.content for file in article.attachments] == ["%PDF ü".encode("latin-1")]
    arguments = given(otrs5, "ArticleCreate")
    assert (arguments["ArticleType"], arguments["SenderType"], arguments["UserID"]) == (kind, "agent", "2")
    assert (arguments["Charset"], arguments["MimeType"]) == ("utf-8", "text/plain")
    assert (arguments["HistoryType"], arguments["HistoryComment"]) == ("AddNote", "%%Note")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, {}),
        ({"Sign": {"Type": "PGP", "SubType": "Inline", "Key": KEY}}, None),
        ({"Crypt": {"Type": "PGP", "SubType": "Detached", "Key": KEY}}, None),
        ({"Sign": {"Type": "SMIME", "Key": KEY}, "Crypt": {"Type": "SMIME", "Key": KEY}}, None),
    ],
)
def test_mail_goes_to_all_named_signed_and_encrypted(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str, keys: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    article = {**MAIL, "Cc": "c@kunde.test", "Bcc": "b@kunde.test", **keys}

    article_id = send_article(rpc, ticket_id, article, [PDF])

    mail = otrs5.rpc.mails[0]
    assert (mail.ticket_id, str(mail.article_id)) == (ticket_id, article_id)
    arguments = mail.arguments
    assert (arguments["To"], arguments["Cc"], arguments["Bcc"]) == (MAIL["To"], "c@kunde.test", "b@kunde.test")
    assert arguments["From"] == '"Example Support" <support@otrs.example.test>'
    assert {name: arguments[name] for name in ("Sign", "Crypt") if name in arguments} == (
        keys if expected is None else expected
    )


def test_mail_with_a_sender_asks_for_none(rpc: Rpc, otrs5: RunningSimulator, ticket_id: str) -> None:
    send_article(rpc, ticket_id, {**MAIL, "From": "billing@firma.test"})

    assert methods(otrs5) == ["ArticleSend"]
    assert otrs5.rpc.mails[0].arguments["From"] == "billing@firma.test"


def test_mail_that_cannot_be_signed_is_told_as_perhaps_stored(
    rpc: Rpc, otrs5: RunningSimulator, data: DataSet, ticket_id: str
) -> None:
    before = len(data.ticket(ticket_id).articles)

    with pytest.raises(BadAnswer, match="failed when a part was stored") as caught:
        send_article(rpc, ticket_id, {**MAIL, "Sign": {"Type": "PGP", "SubType": "Inline", "Key": "unknown"}})

    assert caught.value.maybe_done
    assert otrs5.rpc.mails == []
    assert len(data.ticket(ticket_id).articles) == before + 1


@pytest.mark.parametrize(
    ("article", "files", "sentence"),
    [
        ({**MAIL, "To": ""}, [], "needs a recipient"),
        ({**MAIL, "Sign": "81877F5E"}, [], "Sign needs a type"),
        ({**MAIL, "Crypt": {"Type": "PGP"}}, [], "Crypt needs a type"),
        ({**MAIL, "Crypt": {"Type": "PGP", "Key": "1", "Passphrase": "x"}}, [], "Crypt needs a type"),
        (MAIL, [{**PDF, "Content": "no base64"}], "no base64"),
    ],
)
def test_mail_that_cannot_be_meant_is_refused_before_sending(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str, article: dict[str, Any], files: list[Any], sentence: str
) -> None:
    with pytest.raises(WrongRequest, match=sentence):
        send_article(rpc, ticket_id, article, files)

    assert otrs5.rpc.requests == []


def test_mail_from_a_ticket_that_is_not_there_is_not_sent(rpc: Rpc, otrs5: RunningSimulator) -> None:
    with pytest.raises(WrongRequest, match="shows no ticket 999999"):
        send_article(rpc, "999999", MAIL)

    assert "ArticleSend" not in methods(otrs5)


def test_mail_from_a_queue_without_address_is_not_sent(
    rpc: Rpc, otrs5: RunningSimulator, data: DataSet, ticket_id: str
) -> None:
    data.ticket(ticket_id).queue = Queue(99, "Somewhere", 4)

    with pytest.raises(WrongRequest, match="no address to send from"):
        send_article(rpc, ticket_id, MAIL)

    assert "ArticleSend" not in methods(otrs5)


@pytest.mark.parametrize("fault", ["TicketObject.TicketGet:drop", "TicketObject.TicketGet:wrong_type"])
def test_failure_before_the_mail_has_stored_nothing(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str, fault: str
) -> None:
    otrs5.faults.add(fault)

    with pytest.raises(InterfaceError) as caught:
        send_article(rpc, ticket_id, MAIL)

    assert not caught.value.maybe_done
    assert otrs5.rpc.mails == []


def test_mail_whose_answer_is_lost_is_sent_once(rpc: Rpc, otrs5: RunningSimulator, ticket_id: str) -> None:
    otrs5.faults.add("TicketObject.ArticleSend:drop")

    with pytest.raises(Unreachable) as caught:
        send_article(rpc, ticket_id, MAIL)

    assert caught.value.maybe_done
    assert len(otrs5.rpc.mails) == 1


def test_time_is_booked_to_the_acting_agent(rpc: Rpc, data: DataSet, ticket_id: str) -> None:
    article_id = write_article(rpc, ticket_id, {**NOTE, "TimeUnit": "7.5"})

    entry = data.ticket(ticket_id).entries[-1]
    assert (str(entry.units), str(entry.article_id), entry.user_id) == ("7.50", article_id, 2)


def test_article_whose_time_is_not_known_to_be_booked_is_named(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str
) -> None:
    otrs5.faults.add("TicketObject.TicketAccountTime:http_500")

    with pytest.raises(BadAnswer, match=r"Article \d+ is stored on ticket .* whether its time is booked") as caught:
        write_article(rpc, ticket_id, {**NOTE, "TimeUnit": "7.5"})

    assert caught.value.maybe_done


def test_otrs_6_is_said_to_lack_articles(otrs6: RunningSimulator, data: DataSet, ticket_id: str) -> None:
    before = len(data.ticket(ticket_id).articles)
    for article in (NOTE, {**MAIL, "From": "x@firma.test"}):
        with pytest.raises(BadAnswer, match="OTRS 6 and what came after lack it") as caught:
            write_article(opened(otrs6.rpc_url), ticket_id, article)

        assert not caught.value.maybe_done
    assert len(data.ticket(ticket_id).articles) == before


# TicketCreate and TicketUpdate in the shape of the Generic Interface.


def test_ticket_is_created_with_its_mail(rpc: Rpc, otrs5: RunningSimulator, data: DataSet) -> None:
    answer: Any = RpcTransport(rpc).call(
        "TicketCreate", {"UserLogin": "x", "Password": "y", "Ticket": TICKET, "Article": MAIL, "Attachment": [PDF]}
    )

    ticket = data.ticket(answer["TicketID"])
    assert answer == {
        "TicketID": ticket.ticket_id,
        "TicketNumber": ticket.number,
        "ArticleID": str(ticket.articles[0].article_id),
    }
    assert (ticket.title, ticket.customer_number, ticket.customer_user) == (TICKET["Title"], "10001", "h.mueller")
    assert (ticket.owner.user_id, ticket.state.name, ticket.queue.name) == (2, "new", "Support")
    assert len(otrs5.rpc.mails) == 1
    assert given(otrs5, "TicketCreate")["Lock"] == "unlock"


def test_ticket_alone_can_be_created_on_otrs_6_too(otrs6: RunningSimulator, data: DataSet) -> None:
    answer: Any = RpcTransport(opened(otrs6.rpc_url)).call("TicketCreate", {"Ticket": TICKET})

    assert set(answer) == {"TicketID", "TicketNumber"}
    assert data.ticket(answer["TicketID"]).articles == []


def test_ticket_whose_article_could_not_be_stored_is_not_even_created(otrs6: RunningSimulator, data: DataSet) -> None:
    before = set(data.tickets)

    with pytest.raises(BadAnswer, match="OTRS 6 and what came after lack it") as caught:
        RpcTransport(opened(otrs6.rpc_url)).call("TicketCreate", {"Ticket": TICKET, "Article": NOTE})

    assert not caught.value.maybe_done
    assert set(data.tickets) == before


@pytest.mark.parametrize("fault", ["TicketObject.TicketNumberLookup:auth_fail", "TicketObject.ArticleCreate:drop:2"])
def test_ticket_that_is_created_is_named_when_the_rest_fails(
    rpc: Rpc, otrs5: RunningSimulator, data: DataSet, fault: str
) -> None:
    otrs5.faults.add(fault)

    with pytest.raises(BadAnswer, match=r"Ticket \d+ was created") as caught:
        RpcTransport(rpc).call("TicketCreate", {"Ticket": TICKET, "Article": NOTE})

    assert caught.value.maybe_done
    assert methods(otrs5).count("TicketCreate") == 1


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"Ticket": {**TICKET, "Service": "x"}}, "cannot create a ticket with Service"),
        ({"Ticket": {**TICKET, "CustomerID": ""}}, "needs the CustomerID"),
        ({"Ticket": TICKET, "DynamicField": [{"Name": "A", "Value": "1"}]}, "sets no dynamic fields"),
    ],
)
def test_ticket_that_the_script_cannot_write_is_refused_before_sending(
    rpc: Rpc, otrs5: RunningSimulator, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(WrongRequest, match=sentence):
        RpcTransport(rpc).call("TicketCreate", parameters)

    assert otrs5.rpc.requests == []


def test_ticket_is_updated_with_a_note_and_a_state(rpc: Rpc, data: DataSet, ticket_id: str) -> None:
    changes = {"State": "open", "Queue": "Projekte", "Title": "Neu"}

    answer: Any = RpcTransport(rpc).call("TicketUpdate", {"TicketID": ticket_id, "Ticket": changes, "Article": NOTE})

    ticket = data.ticket(ticket_id)
    assert (ticket.state.name, ticket.queue.name, ticket.title) == ("open", "Projekte", "Neu")
    assert answer == {
        "TicketID": ticket_id,
        "TicketNumber": ticket.number,
        "ArticleID": str(ticket.articles[-1].article_id),
    }


@pytest.mark.parametrize(
    ("ticket", "fault", "kind"),
    [
        ("999999", "none:drop", AccessDenied),
        ("", "TicketObject.TicketNumberLookup:drop", Unreachable),
    ],
)
def test_update_whose_ticket_is_not_shown_has_written_nothing(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str, ticket: str, fault: str, kind: type[InterfaceError]
) -> None:
    otrs5.faults.add(fault)

    with pytest.raises(kind) as caught:
        RpcTransport(rpc).call("TicketUpdate", {"TicketID": ticket or ticket_id, "Article": NOTE})

    assert not caught.value.maybe_done
    assert set(methods(otrs5)) == {"TicketNumberLookup"}


def test_state_alone_is_changed_without_a_note(
    rpc: Rpc, otrs5: RunningSimulator, data: DataSet, ticket_id: str
) -> None:
    answer = RpcTransport(rpc).call("TicketUpdate", {"TicketID": ticket_id, "Ticket": {"State": "open"}})

    assert answer == {"TicketID": ticket_id, "TicketNumber": data.ticket(ticket_id).number}
    assert methods(otrs5) == ["TicketNumberLookup", "TicketStateSet"]


def test_change_that_the_script_does_not_know_is_refused_before_the_note(
    rpc: Rpc, otrs5: RunningSimulator, ticket_id: str
) -> None:
    with pytest.raises(WrongRequest, match="changes no SLA"):
        RpcTransport(rpc).call("TicketUpdate", {"TicketID": ticket_id, "Ticket": {"SLA": "x"}, "Article": NOTE})

    assert otrs5.rpc.requests == []


def test_change_that_fails_after_the_note_is_named(rpc: Rpc, ticket_id: str) -> None:
    changes = {"State": "no such state"}

    with pytest.raises(BadAnswer, match=f"The State of ticket {ticket_id} is not known to be changed") as caught:
        RpcTransport(rpc).call("TicketUpdate", {"TicketID": ticket_id, "Ticket": changes, "Article": NOTE})

    assert caught.value.maybe_done


def test_sender_without_a_name_is_the_bare_address() -> None:
    whole = recorded("rpc-ticketget-extended"), recorded("rpc-ticketget-extended"), NO_BYTE
    body = whole[1].partition(b"<DispatchResponse")
    pairs = (
        b'<DispatchResponse xmlns="/Core"><a>RealName</a><b></b><c>Email</c><d>s@firma.test</d>'
        b"</DispatchResponse></soap:Body></soap:Envelope>"
    )
    content = body[0].partition(b"\r\n\r\n")[2] + pairs
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    with ReplayServer(whole[0], head + content, NO_BYTE) as server:
        with pytest.raises(Unreachable):
            send_article(opened(f"{server.base_url}/rpc.pl"), "614", MAIL)

        assert b'xsi:type="xsd:string">s@firma.test<' in server.requests[2].body
