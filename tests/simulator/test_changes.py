from datetime import datetime
from decimal import Decimal

import pytest

from generic_interface.simulator.data_set import DataSet, plain
from generic_interface.simulator.store import UnknownName


def history(data: DataSet, ticket_id: str) -> list[tuple[str, str]]:
    return [(line.kind, line.name) for line in data.ticket(ticket_id).lines()]


def test_booking_writes_a_note_and_the_running_total(own_data: DataSet) -> None:
    ticket_id = own_data.create(title="Neu", customer="0042")

    own_data.book(ticket_id, 30)
    own_data.book(ticket_id, "12.50", agent="b.schmidt")

    assert history(own_data, ticket_id)[-3:] == [
        ("AddNote", "%%Note"),
        ("Misc", "Reset of unlock time."),
        ("TimeAccounting", "%%12.50%%42.5"),
    ]
    assert own_data.minutes_of(ticket_id) == Decimal("42.50")
    assert own_data.entries_of(ticket_id)[-1].user_id == 4


def test_more_than_two_decimals_are_cut_not_rounded(own_data: DataSet) -> None:
    ticket_id = own_data.create(title="Neu", customer="0042")

    assert own_data.book(ticket_id, "1.239").units == Decimal("1.23")


def test_change_moves_now_forward_but_never_back(own_data: DataSet) -> None:
    later = datetime(2026, 11, 5, 10)
    ticket_id = own_data.create(title="Neu", customer="0042", at=later)

    own_data.book(ticket_id, 5, at=datetime(2026, 10, 1, 8))

    assert own_data.now == later
    assert own_data.ticket(ticket_id).changed == later


def test_closing_again_keeps_every_close_event(own_data: DataSet) -> None:
    ticket_id = own_data.create(title="Neu", customer="0042", at=datetime(2026, 11, 1, 10))

    own_data.close(ticket_id, at=datetime(2026, 11, 2, 10))
    own_data.reopen(ticket_id, at=datetime(2026, 11, 3, 10))
    own_data.close(ticket_id, at=datetime(2026, 11, 4, 10), state="closed unsuccessful")

    ticket = own_data.ticket(ticket_id)
    assert ticket.close_times() == (datetime(2026, 11, 2, 10), datetime(2026, 11, 4, 10))
    assert ticket.closed == datetime(2026, 11, 4, 10)
    assert ("StateUpdate", "%%open%%closed unsuccessful%%") in history(own_data, ticket_id)


def test_merge_takes_bookings_and_their_lines_along(own_data: DataSet) -> None:
    main, away = own_data.create(title="Haupt", customer="0042"), own_data.create(title="Neben", customer="0042")
    own_data.book(main, 10)
    own_data.book(away, 25)

    own_data.merge(main, away)

    assert (own_data.minutes_of(main), own_data.minutes_of(away)) == (Decimal(35), Decimal(0))
    assert {entry.ticket_id for entry in own_data.entries_of(main)} == {main}
    assert ("TimeAccounting", "%%25%%25") in history(own_data, main)
    assert "TimeAccounting" not in dict(history(own_data, away))
    assert own_data.ticket(away).state.state_type == "merged"
    assert [article.subject for article in own_data.ticket(away).articles] == ["Ticket Merged"]


def test_deleted_ticket_takes_its_bookings_along(own_data: DataSet) -> None:
    ticket_id = own_data.special["moved"]
    before = len(own_data.entries())

    own_data.delete(ticket_id)

    assert len(own_data.entries()) == before - 3
    with pytest.raises(UnknownName):
        own_data.delete(ticket_id)


def test_customer_and_title_change_for_the_past_too(own_data: DataSet) -> None:
    ticket_id = own_data.special["moved"]

    own_data.change_customer(ticket_id, "10%")
    own_data.rename(ticket_id, "Neuer Titel")

    ticket = own_data.ticket(ticket_id)
    assert (ticket.customer_number, ticket.customer_user, ticket.title) == ("10%", "p.zehn", "Neuer Titel")
    assert history(own_data, ticket_id)[-2:] == [
        ("CustomerUpdate", "%%CustomerID=10%;CustomerUser=p.zehn;"),
        ("TitleUpdate", "%%Wandert durch drei Queues%%Neuer Titel"),
    ]


def test_queue_of_a_booking_is_the_one_of_its_time(own_data: DataSet) -> None:
    ticket = own_data.ticket(own_data.special["moved"])

    queues = [ticket.queue_id_at(entry.booked) for entry in ticket.entries]

    assert queues == [7, 7, 6]
    assert ticket.queue_id_at(datetime(2020, 1, 1)) is None


@pytest.mark.parametrize(
    ("units", "text"), [("0", "0"), ("10", "10"), ("2.50", "2.5"), ("-15", "-15"), ("0.01", "0.01")]
)
def test_running_total_has_no_trailing_zeros(units: str, text: str) -> None:
    assert plain(Decimal(units)) == text
