"""What the stand-in stores when it is written to, and the faults before and after."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import CUSTOMER_PASSWORD, Ticket
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.writing import MAIL_FAILED
from tests.simulator.asking import Caller

TICKET = {"Title": "T", "Queue": "Support", "State": "new", "Priority": "3 normal", "CustomerUser": "h.mueller"}
ARTICLE = {"Subject": "S", "Body": "B", "ContentType": "text/plain; charset=utf-8"}
MAIL = ARTICLE | {"ArticleSend": 1, "To": "kunde@kunde10001.test"}


@pytest.fixture
def writer(own_data: DataSet) -> Any:
    with start_simulator(own_data) as simulator, Caller(simulator, timeout=5) as caller:
        yield caller


def written(caller: Caller, data: DataSet, article: dict[str, Any], **more: Any) -> Ticket:
    return data.ticket(caller.ask("TicketCreate", Ticket=TICKET, Article=article, **more)["TicketID"])


def test_new_ticket_has_customer_article_history_and_time_of_the_caller(writer: Caller, own_data: DataSet) -> None:
    ticket = written(writer, own_data, ARTICLE | {"TimeUnit": "7,5"})

    assert (ticket.customer_number, ticket.customer_user, ticket.state.name) == ("10001", "h.mueller", "new")
    kinds = ["NewTicket", "CustomerUpdate", "AddNote", "Misc", "TimeAccounting"]
    assert [line.kind for line in ticket.lines()] == kinds
    assert [(entry.units, entry.user_id) for entry in ticket.entries] == [(Decimal("7.50"), 2)]
    assert ticket.articles[0].visible is True


@pytest.mark.parametrize(
    ("typed", "units"), [("1.239", ["1.23"]), ("12.345", ["12.34"]), ("0", []), ("12345678901", []), (" 5 ", ["5.00"])]
)
def test_time_is_cut_or_dropped_with_success(writer: Caller, own_data: DataSet, typed: str, units: list[str]) -> None:
    ticket = written(writer, own_data, ARTICLE | {"TimeUnit": typed})

    assert [str(entry.units) for entry in ticket.entries] == units


def test_same_request_writes_and_books_again(writer: Caller, own_data: DataSet) -> None:
    ticket = written(writer, own_data, ARTICLE)

    for _ in range(2):
        writer.ask("TicketUpdate", TicketID=ticket.ticket_id, Article=ARTICLE | {"TimeUnit": 30})

    assert (len(ticket.articles), ticket.units()) == (3, Decimal(60))


def test_refused_article_leaves_the_state_alone(writer: Caller, own_data: DataSet) -> None:
    ticket = written(writer, own_data, ARTICLE)
    update = {"Ticket": {"State": "closed successful"}, "Article": ARTICLE | {"TimeUnit": "viel"}}

    code = writer.error_code("TicketUpdate", TicketID=ticket.ticket_id, **update)

    assert code == "TicketUpdate.InvalidParameter"
    assert (ticket.state.name, len(ticket.articles)) == ("new", 1)


def test_update_changes_state_queue_owner_title_and_fields(writer: Caller, own_data: DataSet) -> None:
    ticket = written(writer, own_data, ARTICLE)
    changes = {"State": "closed successful", "Queue": "Projekte", "Owner": "b.schmidt", "Title": "New"}

    fields = [{"Name": "Auftragsnummer", "Value": "AU-1"}]
    writer.ask("TicketUpdate", TicketID=ticket.ticket_id, Ticket=changes, DynamicField=fields)

    assert (ticket.state.name, ticket.queue.name, ticket.owner.login, ticket.title) == tuple(changes.values())
    assert ticket.dynamic_fields == {"Auftragsnummer": "AU-1"}
    assert ticket.closed == own_data.now


def test_customer_user_books_to_root(writer: Caller, own_data: DataSet) -> None:
    login = {"CustomerUserLogin": "h.mueller", "Password": CUSTOMER_PASSWORD}

    answer = writer.ask("TicketCreate", Ticket=TICKET, Article=ARTICLE | {"TimeUnit": 5}, **login)

    assert isinstance(answer["ArticleID"], str)
    assert own_data.ticket(answer["TicketID"]).entries[0].user_id == 1


def test_mail_is_queued_once_with_number_and_signature(writer: Caller, own_data: DataSet) -> None:
    ticket = written(writer, own_data, MAIL | {"Cc": "b@kunde.test", "IsVisibleForCustomer": 0})

    (mail,) = own_data.mails
    assert (mail.to, mail.cc, mail.bcc, mail.subject) == (
        "kunde@kunde10001.test", "b@kunde.test", "", f"[Ticket#{ticket.number}] S",
    )  # fmt: skip
    assert ticket.articles[0].body.startswith("B\n")
    assert (ticket.articles[0].channel, ticket.articles[0].visible) == (1, False)


@pytest.mark.parametrize("name", ["Sign", "Crypt"])
def test_failed_signature_stores_the_article_books_no_time_and_mails_nothing(
    writer: Caller, own_data: DataSet, name: str
) -> None:
    count = len(own_data.tickets)
    article = MAIL | {"TimeUnit": 5, name: {"Type": "SMIME", "Key": "3b630c80"}}

    with writer.send("TicketCreate", Ticket=TICKET, Article=article) as response:
        text = response.read().decode()

    newest = own_data.newest_first()[0]
    assert (response.status, MAIL_FAILED in text) == (500, True)
    assert (len(own_data.tickets), len(newest.articles), newest.entries) == (count + 1, 1, [])
    assert own_data.mails == []


def test_known_key_signs(writer: Caller, own_data: DataSet) -> None:
    own_data.mail_keys.add("3b630c80")

    written(writer, own_data, MAIL | {"Sign": {"Type": "SMIME", "Key": "3b630c80"}})

    assert own_data.mails[0].sign == {"Type": "SMIME", "Key": "3b630c80"}


def test_to_without_article_send_mails_nothing(writer: Caller, own_data: DataSet) -> None:
    written(writer, own_data, ARTICLE | {"To": "kunde@kunde10001.test"})

    assert own_data.mails == []


def test_attachment_comes_back_as_it_was(writer: Caller, own_data: DataSet) -> None:
    content = base64.b64encode(b"%PDF \x00\xff").decode()
    more = {"Attachment": [{"Content": content, "ContentType": "application/pdf", "Filename": "a-ä.pdf"}]}

    ticket = written(writer, own_data, ARTICLE, **more)

    told = writer.ask("TicketGet", TicketID=ticket.ticket_id, AllArticles=1, Attachments=1)["Ticket"][0]
    attachment = told["Article"][0]["Attachment"][0]
    assert (attachment["Content"], attachment["Filename"]) == (content, "a-ä.pdf")


def test_agent_without_the_group_may_not_write(writer: Caller, own_data: DataSet) -> None:
    login = {"UserLogin": "e.jung", "Password": own_data.agents["e.jung"].password}
    ticket = {**TICKET, "Queue": "Projekte"}

    assert writer.error_code("TicketCreate", Ticket=ticket, Article=ARTICLE, **login) == "TicketCreate.AccessDenied"


@pytest.mark.parametrize(("kind", "stored"), [("drop", 1), ("http_500", 1), ("late", 1), ("lost", 0), ("lost_500", 0),
                                              ("hang", 0)])  # fmt: skip
def test_fault_after_storing_keeps_the_ticket_and_one_before_does_not(
    own_data: DataSet, kind: str, stored: int
) -> None:
    count = len(own_data.tickets)
    with start_simulator(own_data, faults=[f"TicketCreate:{kind}:1"]) as simulator:
        simulator.faults.late_seconds = 0.05
        assert failed(simulator)

    assert len(own_data.tickets) - count == stored


def failed(simulator: RunningSimulator) -> bool:
    """Whether the write was answered with an error, or not at all."""
    with Caller(simulator, timeout=5) as caller:
        try:
            with caller.send("TicketCreate", Ticket=TICKET, Article=ARTICLE) as response:
                return response.status != 200
        except ConnectionError:
            return True
