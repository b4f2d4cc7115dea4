"""TicketSearch, TicketGet and TicketHistoryGet against recorded bytes on a real socket."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.errors import AuthenticationFailed, BadAnswer
from generic_interface.records import Booking, StateChange
from tests.generic_interface.conftest import Serve
from tests.generic_interface.replay import Request, answer, recorded, recorded_json

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER: dict[str, Any] = {"start": datetime(2026, 10, 1, tzinfo=BERLIN), "end": datetime(2026, 11, 1, tzinfo=BERLIN)}


def test_closed_tickets_of_a_month_come_newest_first(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketsearch-closed-last-month"))

    ids = client.search_closed_tickets(**OCTOBER)

    assert ids == tuple(recorded_json("rest-ticketsearch-closed-last-month")["TicketID"])
    assert ids[:3] == ("1023", "1022", "1021")


@pytest.mark.parametrize(
    "name",
    [
        "rest-ticketsearch-no-hit",
        "rest-ticketsearch-newer-date-in-future",
        "rest-ticketsearch-statetype-unknown",
        "rest-ticketsearch-soap-user-no-rights",
    ],
)
def test_nothing_found_is_an_empty_object(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    assert client.search_changed_tickets(**OCTOBER) == ()


def test_page_of_exactly_500_counts_as_cut_off_and_is_split_by_time(serve: Serve) -> None:
    everything = recorded_json("rest-ticketsearch-limit-100000-mass-customer")["TicketID"]

    def search(request: Request) -> bytes:
        newer, older = request.json["TicketCloseTimeNewerDate"], request.json["TicketCloseTimeOlderDate"]
        if (newer, older) == ("2026-10-01 00:00:00", "2026-10-31 23:59:59"):
            return recorded("rest-ticketsearch-limit-omitted-mass-customer")
        half = everything[:270] if older == "2026-10-31 23:59:59" else everything[270:]
        return answer({"TicketID": half})

    server, client = serve(search)

    ids = client.search_closed_tickets(**OCTOBER)

    assert (len(ids), set(ids)) == (540, set(everything))
    assert [request.json["Limit"] for request in server.requests] == [10_000] * 3


def test_540_tickets_with_a_limit_above_are_complete_with_one_search(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketsearch-limit-100000-mass-customer"))

    assert len(client.search_closed_tickets(**OCTOBER)) == 540
    assert len(server.requests) == 1


def test_page_of_exactly_the_limit_counts_as_cut_off(serve: Serve) -> None:
    _, client = serve(
        recorded("rest-ticketsearch-limit-10-mass-customer"),
        answer({"TicketID": ["1023"]}),
        answer({"TicketID": ["1009", "900"]}),
        search_limit=10,
    )

    ids = client.search_closed_tickets(**OCTOBER)

    assert ids == (*recorded_json("rest-ticketsearch-limit-10-mass-customer")["TicketID"], "900")


@pytest.mark.parametrize("name", ["rest-ticketget-mix-good-and-unknown", "rest-ticketget-mix-good-and-forbidden",
                                  "rest-ticketget-deleted", "rest-ticketget-nonnumeric-id"])  # fmt: skip
def test_one_bad_id_spoils_the_call_and_is_found_by_halving(serve: Serve, name: str) -> None:
    server, client = serve(recorded(name), recorded("rest-ticketget-extended"), recorded(name))

    batch = client.get_tickets(["614", "999999"])

    assert ([ticket.ticket_id for ticket in batch.tickets], batch.unreadable) == (["614"], ("999999",))
    assert [request.json["TicketID"] for request in server.requests] == ["614,999999", "614", "999999"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (["614", "525"], "rest-ticketget-many-spaces"),
        (["614", "525"], "rest-ticketget-many-post-array-numbers"),
        (["614", "525", "252"], "rest-ticketget-many-list-route-get"),
    ],
)
def test_tickets_come_in_the_order_asked(serve: Serve, asked: list[str], name: str) -> None:
    _, client = serve(recorded(name))

    assert [ticket.ticket_id for ticket in client.get_tickets(asked).tickets] == asked


def test_closed_is_the_last_closing(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-extended-reopened"))

    assert client.get_tickets(["119"]).tickets[0].closed == datetime(2026, 10, 12, 8, tzinfo=UTC)


def test_merged_ticket_has_no_time_left_and_its_own_state_type(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-merged-secondary"))

    ticket = client.get_tickets(["377"]).tickets[0]

    assert (ticket.state_type, ticket.time_units) == ("merged", Decimal("0.00"))


def test_title_comes_verbatim_with_quotes_and_umlauts(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-special-characters"))

    title = 'Sonderzeichen "quoted"; Komma, Semikolon; Ümläute ß €'
    assert client.get_tickets(["642"]).tickets[0].title == title


def test_articles_that_nobody_asked_for_do_no_harm(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-everything"))

    assert client.get_tickets(["525"]).tickets[0].article_units is None


@pytest.mark.parametrize(
    ("name", "ticket_id", "units"),
    [
        ("rest-ticketget-everything", "525", "50"),
        ("rest-ticketget-everything-postgresql", "71", "90.5"),
        ("rest-ticketget-allarticles-attachments", "525", "50"),
        ("rest-ticketget-attachments-without-content", "525", "50"),
        ("rest-ticketget-merged-secondary", "377", "0"),
    ],
)
def test_time_of_the_articles_is_summed_where_it_was_asked_for(
    serve: Serve, name: str, ticket_id: str, units: str
) -> None:
    server, client = serve(recorded(name))

    ticket = client.get_tickets([ticket_id], with_articles=True).tickets[0]

    assert (ticket.article_units, ticket.time_units) == (Decimal(units), Decimal(units))
    assert server.requests[0].json["AllArticles"] == 1
    assert "Attachments" not in server.requests[0].json


def test_ticket_without_articles_has_none_of_their_time(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-extended"))

    assert client.get_tickets(["614"], with_articles=True).tickets[0].article_units == 0


def test_history_tells_bookings_and_state_changes(serve: Serve) -> None:
    server, client = serve(recorded("rest-tickethistory-ok"))

    history = client.get_histories(["119"]).histories[0]

    assert server.requests[0].json["TicketID"] == "119"
    assert [(booking.units, booking.creator_id, booking.booked_local) for booking in history.bookings] == [
        (Decimal("30.00"), 5, datetime(2026, 9, 10, 9, 30)),
        (Decimal("45.00"), 5, datetime(2026, 10, 5, 10, 30)),
    ]
    assert history.state_changes == (
        StateChange(at=datetime(2026, 9, 10, 9, tzinfo=BERLIN), old_state="", new_state="new"),
        StateChange(at=datetime(2026, 9, 20, 10, tzinfo=BERLIN), old_state="new", new_state="closed successful"),
        StateChange(at=datetime(2026, 10, 5, 10, tzinfo=BERLIN), old_state="closed successful", new_state="open"),
        StateChange(at=datetime(2026, 10, 12, 10, tzinfo=BERLIN), old_state="open", new_state="closed successful"),
    )


def test_history_tells_the_queue_at_the_time_of_each_booking(serve: Serve) -> None:
    _, client = serve(recorded("rest-tickethistory-time-and-move"))

    bookings = client.get_histories(["433"]).histories[0].bookings

    assert [(booking.units, booking.queue) for booking in bookings] == [
        (Decimal("10.00"), "Support"),
        (Decimal("20.00"), "Entwicklung"),
        (Decimal("30.00"), "Support::Vor-Ort"),
    ]


def test_history_after_a_merge_holds_bookings_from_before_the_ticket_began(serve: Serve) -> None:
    _, client = serve(recorded("rest-tickethistory-merged-main"))

    history = client.get_histories(["744"]).histories[0]

    assert history.bookings[0] == Booking(
        ticket_id="744",
        creator_id=3,
        booked_local=datetime(2026, 10, 6, 10),
        units=Decimal("25.00"),
        queue=None,
        article_id=835,
    )
    assert history.bookings[0].booked_local < history.state_changes[0].at.replace(tzinfo=None)


def test_history_of_several_tickets_comes_in_one_answer(serve: Serve) -> None:
    server, client = serve(recorded("rest-tickethistory-many"))

    batch = client.get_histories(["614", "119"])

    assert [(history.ticket_id, len(history.bookings)) for history in batch.histories] == [("614", 8), ("119", 2)]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "bad"), [("rest-tickethistory-unknown", "999999"), ("rest-tickethistory-forbidden", "311")]
)
def test_history_names_the_bad_id_and_the_rest_is_asked_again(serve: Serve, name: str, bad: str) -> None:
    server, client = serve(recorded(name), recorded("rest-tickethistory-ok"))

    batch = client.get_histories(["119", bad])

    assert ([history.ticket_id for history in batch.histories], batch.unreadable) == (["119"], (bad,))
    assert [request.json["TicketID"] for request in server.requests] == [f"119,{bad}", "119"]


def test_history_is_for_agents_only(serve: Serve) -> None:
    _, client = serve(recorded("rest-tickethistory-as-customer"))

    with pytest.raises(AuthenticationFailed, match="User needs to an Agent"):
        client.get_histories(["252"])


@pytest.mark.parametrize("name", ["rest-ticketget-extended", "rest-tickethistory-ok"])
def test_real_answer_cut_at_any_byte_and_without_length_is_never_a_shorter_list(serve: Serve, name: str) -> None:
    header, _, body = recorded(name).partition(b"\r\n\r\n")
    start = header.replace(b"Content-Length", b"X-Length") + b"\r\n\r\n"
    cuts = list(range(0, len(body), 37))
    _, client = serve(*(start + body[:cut] for cut in cuts))

    for _ in cuts:
        with pytest.raises(BadAnswer, match="no complete JSON"):
            client.get_tickets(["614"])


def test_progress_of_a_month_is_told_per_batch(serve: Serve) -> None:
    told: list[tuple[int, int]] = []
    _, client = serve(recorded("rest-tickethistory-ok"), recorded("rest-tickethistory-time-and-move"), batch_size=1)

    client.get_histories(["119", "433"], on_progress=lambda done, total: told.append((done, total)))

    assert told == [(1, 2), (2, 2)]


def test_search_windows_of_neighbouring_months_share_no_second(serve: Serve) -> None:
    server, client = serve(lambda request: recorded("rest-ticketsearch-no-hit"))

    client.search_closed_tickets(**OCTOBER)
    client.search_closed_tickets(start=OCTOBER["end"], end=OCTOBER["end"] + timedelta(days=30))

    assert server.requests[0].json["TicketCloseTimeOlderDate"] == "2026-10-31 23:59:59"
    assert server.requests[1].json["TicketCloseTimeNewerDate"] == "2026-11-01 00:00:00"
