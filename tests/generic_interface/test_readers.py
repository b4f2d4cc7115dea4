from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.errors import BadAnswer, IncompleteAnswer
from generic_interface.jsonreader import read_object
from generic_interface.readers import read_accounted_time, read_histories, read_tickets
from generic_interface.records import TicketHistory, TicketRecord
from tests.generic_interface.replay import recorded_body

BERLIN = ZoneInfo("Europe/Berlin")


def real(name: str) -> Any:
    return read_object(recorded_body(name), operation=name)


def tickets(answer: Any, *asked: str) -> dict[str, TicketRecord]:
    return read_tickets(answer, asked, zone=BERLIN)


def histories(answer: Any, *asked: str) -> dict[str, TicketHistory]:
    return read_histories(answer, asked, zone=BERLIN)


def history_with(**line: Any) -> Any:
    full = {"HistoryType": "TimeAccounting", "Name": "%%30%%30", "CreateTime": "2026-10-01 10:00:00", "CreateBy": "3",
            "QueueID": "5", "ArticleID": "0", "TicketID": "7"}  # fmt: skip
    return {"TicketHistory": [{"TicketID": "7", "History": [{**full, **line}]}]}


def time_with(**line: Any) -> Any:
    full = {"Created": "2026-10-01 10:00:00", "TimeUnit": "15.00", "TicketNumber": "1", "TicketTitle": None,
            "TicketCustomerID": None, "Queue": None}  # fmt: skip
    return {"TimeAccountingResult": [{**full, **line}]}


def test_ticket_is_read_with_all_its_fields() -> None:
    read = tickets(real("rest-ticketget-extended-reopened"), "119")

    assert read["119"] == TicketRecord(
        ticket_id="119",
        number="2026091010000022",
        title="EDGE Wiedereröffnet: zu Sep, wieder auf Okt, zu Okt",
        state="closed successful",
        state_type="closed",
        queue="Support",
        type="Unclassified",
        service="",
        sla="",
        priority="3 normal",
        owner_login="anna.mueller",
        owner_id=3,
        responsible_login="root@localhost",
        responsible_id=1,
        customer_id="10003",
        customer_user="s.jaeger",
        created=datetime(2026, 9, 10, 9, tzinfo=BERLIN),
        changed=datetime(2026, 10, 12, 10, tzinfo=BERLIN),
        closed=datetime(2026, 10, 12, 10, tzinfo=BERLIN),
        time_units=Decimal("75.00"),
        age=timedelta(seconds=6335529),
    )


def test_ticket_of_a_stock_system_has_the_same_fields_in_another_order() -> None:
    assert tickets(real("stock-ticketget"), "614")["614"].time_units == Decimal("1234574.04")


@pytest.mark.parametrize("age", [None, "", "-1", "1.0", "1" * 12, str(10**11), -1, True, 1.5, [], 10**11])
def test_ticket_whose_age_is_no_number_of_seconds_is_read_without_it(age: object) -> None:
    answer = real("rest-ticketget-extended")
    answer["Ticket"][0]["Age"] = age

    assert tickets(answer, "614")["614"].age is None


def test_age_counts_as_text_too() -> None:
    answer = real("rest-ticketget-extended")
    answer["Ticket"][0]["Age"] = "3311782"

    assert tickets(answer, "614")["614"].age == timedelta(seconds=3311782)


def test_single_ticket_object_counts_as_a_list_of_one() -> None:
    answer = {"Ticket": real("rest-ticketget-extended")["Ticket"][0]}

    assert list(tickets(answer, "614")) == ["614"]


@pytest.mark.parametrize(
    "field",
    ["TicketID", "TicketNumber", "Title", "State", "StateType", "Queue", "Priority", "Owner", "OwnerID", "Responsible",
     "ResponsibleID", "CustomerID", "CustomerUserID", "Created", "Changed", "TimeUnit"],
)  # fmt: skip
def test_ticket_without_a_field_is_a_bad_answer(field: str) -> None:
    answer = real("rest-ticketget-extended")
    del answer["Ticket"][0][field]

    with pytest.raises(BadAnswer, match=f"the field {field} is missing"):
        tickets(answer, "614")


def test_ticket_with_a_field_more_is_read() -> None:
    answer = real("rest-ticketget-extended")
    answer["Ticket"][0]["New"] = {"any": ["thing"]}

    assert list(tickets(answer, "614")) == ["614"]


def test_ticket_that_was_not_asked_for_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="ticket 614, which was not asked for"):
        tickets(real("rest-ticketget-extended"), "615")


def test_ticket_that_comes_twice_is_a_bad_answer() -> None:
    answer = real("rest-ticketget-extended")

    with pytest.raises(BadAnswer, match="ticket 614 twice"):
        tickets({"Ticket": answer["Ticket"] * 2}, "614")


def test_ticket_that_is_left_out_is_an_incomplete_answer() -> None:
    with pytest.raises(IncompleteAnswer, match=r"left out 2 of 3 tickets without a word .first: 525."):
        tickets(real("rest-ticketget-extended"), "614", "525", "252")


def units_of_articles(*articles: dict[str, Any]) -> Decimal | None:
    answer = real("rest-ticketget-extended")
    answer["Ticket"][0]["Article"] = list(articles)
    return read_tickets(answer, ["614"], zone=BERLIN, with_articles=True)["614"].article_units


@pytest.mark.parametrize(
    ("units", "total"),
    [
        ([0, 0], "0"),
        ([15, Decimal("2.5"), -5], "12.5"),
        (["7.25", 1], "8.25"),
        ([Decimal("0.1")] * 30, "3"),
        ([Decimal("0.30000000000000004"), Decimal("1234567.89")], "1234568.19"),
    ],
)
def test_time_of_articles_is_added_exactly(units: list[Any], total: str) -> None:
    articles = [{"ArticleID": number, "TimeUnit": each} for number, each in enumerate(units, start=1)]

    assert units_of_articles(*articles) == Decimal(total)


@pytest.mark.parametrize("units", ["", None, "1,5", "1e3", Decimal("0.005"), True, []])
def test_article_with_time_of_another_form_is_a_bad_answer_that_names_it(units: Any) -> None:
    with pytest.raises(BadAnswer, match="TicketGet, ticket 614, article 9: the field TimeUnit"):
        units_of_articles({"ArticleID": 9, "TimeUnit": units})


def test_article_that_says_nothing_of_time_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="article 9: the field TimeUnit is missing"):
        units_of_articles({"ArticleID": 8, "TimeUnit": 5}, {"ArticleID": 9})


@pytest.mark.parametrize("answer", [{}, {"Ticket": None}, {"Ticket": "614"}, {"Ticket": ["614"]}])
def test_answer_without_a_list_of_tickets_is_a_bad_answer(answer: Any) -> None:
    with pytest.raises(BadAnswer, match="TicketGet: the field Ticket"):
        tickets(answer, "614")


@pytest.mark.parametrize(
    "line",
    [
        {"Name": "30"}, {"Name": "%%30"}, {"Name": "x%%30%%30"}, {"Name": "%%30%%30%%30"}, {"Name": "%%1,5%%2"},
        {"Name": "%%%%30"}, {"Name": "%%1e2%%30"}, {"Name": "%%0.005%%0"}, {"Name": None}, {"CreateBy": None},
        {"CreateTime": "2026-10-01"}, {"TicketID": "8"}, {"QueueID": ""}, {"HistoryType": ""}, {"HistoryType": None},
        {"HistoryType": "StateUpdate", "Name": "%%new%%open"}, {"HistoryType": "Move", "Name": "%%a%%1"},
        {"HistoryType": "NewTicket", "Name": "New Ticket"},
    ],
)  # fmt: skip
def test_history_line_of_another_form_is_a_bad_answer_that_names_the_ticket(line: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer, match="TicketHistoryGet, ticket 7: the field"):
        histories(history_with(**line), "7")


def test_history_line_of_an_unknown_type_is_skipped() -> None:
    read = histories(history_with(HistoryType="TicketLinkAdd", Name="whatever"), "7")

    assert read["7"] == TicketHistory(ticket_id="7", bookings=(), state_changes=())


def test_negative_booking_is_read() -> None:
    read = histories(history_with(Name="%%-15%%0"), "7")

    assert read["7"].bookings[0].units == Decimal("-15.00")


def test_booking_without_article_has_none() -> None:
    assert histories(history_with(), "7")["7"].bookings[0].article_id is None


def test_running_total_of_a_booking_is_not_looked_at() -> None:
    read = histories(history_with(Name="%%0.1%%0.30000000000000004"), "7")

    assert read["7"].bookings[0].units == Decimal("0.10")


def test_booking_in_a_queue_that_the_history_never_names_has_no_queue() -> None:
    assert histories(history_with(), "7")["7"].bookings[0].queue is None


def test_queue_after_a_move_is_the_new_one_and_the_old_one_keeps_its_name() -> None:
    move = {"HistoryType": "Move", "Name": "%%B%%6%%A%%5"}
    lines = [{}, move, {"QueueID": "6"}, {"QueueID": "5"}]
    answer = {"TicketHistory": [{"TicketID": "7", "History": [_line(**line) for line in lines]}]}

    bookings = histories(answer, "7")["7"].bookings

    assert [booking.queue for booking in bookings] == [None, "B", "A"]


def _line(**line: Any) -> Any:
    return history_with(**line)["TicketHistory"][0]["History"][0]


@pytest.mark.parametrize(
    "line",
    [{"TimeUnit": None}, {"TimeUnit": "1,5"}, {"Created": "2026-10-01"}, {"TicketNumber": None}, {"TicketTitle": []}],
)
def test_line_of_time_with_a_bad_field_is_a_bad_answer_that_names_the_agent(line: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer, match=r"TimeAccountingGet for b.schmidt: the field"):
        _accounted(time_with(**line))


@pytest.mark.parametrize("field", ["Created", "TimeUnit", "TicketNumber", "TicketTitle", "TicketCustomerID", "Queue"])
def test_line_of_time_without_a_field_is_a_bad_answer(field: str) -> None:
    answer = time_with()
    del answer["TimeAccountingResult"][0][field]

    with pytest.raises(BadAnswer, match=f"the field {field} is missing"):
        _accounted(answer)


@pytest.mark.parametrize("created", ["2026-09-30 23:59:59", "2026-11-01 00:00:00"])
def test_line_of_time_outside_the_window_is_a_bad_answer(created: str) -> None:
    with pytest.raises(BadAnswer, match="outside the window"):
        _accounted(time_with(Created=created))


@pytest.mark.parametrize("created", ["2026-10-01 00:00:00", "2026-10-31 23:59:59"])
def test_line_of_time_at_either_end_of_the_window_is_kept(created: str) -> None:
    assert len(_accounted(time_with(Created=created))) == 1


def test_answer_without_the_list_of_times_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="TimeAccountingResult is missing"):
        _accounted({"Other": "1"})


def _accounted(answer: Any) -> Any:
    first, last = datetime(2026, 10, 1), datetime(2026, 10, 31, 23, 59, 59)
    return read_accounted_time(answer, login="b.schmidt", first=first, last=last)
