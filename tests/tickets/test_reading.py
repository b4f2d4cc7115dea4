"""The reading half, asked of ticket systems that answer oddly."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.records import TicketRecord
from tests.factories.tickets import TicketSystemFactory
from tests.tickets.support import BERLIN, NOW, OCTOBER, FakeClient, accounted, booking, ticket_record
from tickets.reading import read_month, read_more
from tickets.snapshot import Known, MonthSnapshot, SyncStopped, Window

NOTHING = Known()


def read(
    client: FakeClient,
    *,
    known: Known = NOTHING,
    now: datetime = NOW,
    accept_losses: bool = False,
    steps: list[tuple[str, int, int]] | None = None,
    **system: Any,
) -> MonthSnapshot:
    return read_month(
        client,
        system=TicketSystemFactory.build(**system),
        month=OCTOBER,
        known=known,
        now=now,
        on_step=lambda *step: steps.append(step) if steps is not None else None,
        accept_losses=accept_losses,
    )


def test_closed_and_changed_tickets_are_read_once_each() -> None:
    client = FakeClient(closed=[("7", "8")], changed=[("8", "9")], tickets=[ticket_record(each) for each in "789"])

    snapshot = read(client)

    assert client.asked == ["closed", "changed", "tickets 7,8,9", "histories 7,8,9"]
    assert (snapshot.closed, [ticket.ticket_id for ticket in snapshot.tickets]) == (("7", "8"), ["7", "8", "9"])


def test_empty_answer_is_asked_again() -> None:
    client = FakeClient(closed=[(), ("7",)], changed=[("7",)], tickets=[ticket_record()])

    snapshot = read(client)

    assert client.asked[:3] == ["closed", "closed", "changed"]
    assert snapshot.closed == ("7",)


def test_empty_month_of_a_system_that_shows_tickets_is_empty() -> None:
    client = FakeClient()

    snapshot = read(client)

    assert client.asked == ["closed", "closed", "visible", "changed", "tickets ", "histories "]
    assert snapshot == MonthSnapshot(month=OCTOBER)


def test_system_that_shows_no_ticket_at_all_is_not_believed() -> None:
    with pytest.raises(SyncStopped, match=r"shows no ticket at all to the portal's agent portal-api\. Give the agent"):
        read(FakeClient(visible=False))


@pytest.mark.parametrize(
    ("closed", "said"),
    [({"7"}, "but 1 is known from an earlier sync"), ({"7", "8"}, "but 2 are known from an earlier sync")],
)
def test_known_closings_that_are_no_longer_found_stop_the_sync(closed: set[str], said: str) -> None:
    with pytest.raises(SyncStopped, match=said):
        read(FakeClient(), known=Known(closed=frozenset(closed)))


def test_known_closings_may_be_gone_when_a_person_says_so() -> None:
    snapshot = read(FakeClient(), known=Known(closed=frozenset({"7"})), accept_losses=True)

    assert (snapshot.closed, snapshot.vanished) == ((), frozenset({"7"}))


def test_closed_tickets_without_any_change_contradict_each_other() -> None:
    client = FakeClient(closed=[("7",)], tickets=[ticket_record()])

    with pytest.raises(SyncStopped, match="contradicts itself"):
        read(client)

    assert client.asked == ["closed", "changed", "changed"]


def test_changed_tickets_are_asked_again_before_they_contradict() -> None:
    client = FakeClient(closed=[("7",)], changed=[(), ("7",)], tickets=[ticket_record()])

    assert read(client).closed == ("7",)


def test_month_in_the_future_is_not_searched() -> None:
    client = FakeClient()

    snapshot = read(client, now=datetime(2026, 9, 30, 21, 59, tzinfo=UTC))

    assert client.asked == ["tickets ", "histories "]
    assert snapshot == MonthSnapshot(month=OCTOBER)


def test_known_tickets_that_are_not_found_are_asked_for() -> None:
    client = FakeClient(closed=[("7",)], changed=[("7",)], tickets=[ticket_record("7"), ticket_record("8")])

    snapshot = read(client, known=Known(closed=frozenset({"8"}), booked=frozenset({"9"})))

    assert client.asked[2:] == ["tickets 7,8,9", "histories 7,8"]
    assert (snapshot.vanished, snapshot.unreadable) == (frozenset({"9"}), frozenset())


def test_tickets_that_are_found_but_not_shown_are_unreadable() -> None:
    client = FakeClient(closed=[("7", "8")], changed=[("7",)], tickets=[ticket_record("7")], hidden=["7"])

    snapshot = read(client)

    assert snapshot.unreadable == frozenset({"7", "8"})
    assert snapshot.histories == ()


def test_agents_are_asked_month_by_month_each_once() -> None:
    client = FakeClient(
        closed=[("7",)],
        tickets=[ticket_record(owner_login="anna", responsible_login="")],
        times=[accounted("anna"), accounted("b.schmidt", booked="2026-08-01 00:00:00")],
    )
    steps: list[tuple[str, int, int]] = []

    snapshot = read(client, known=Known(logins=("Anna", "b.schmidt")), time_source="agents", steps=steps)

    months = [OCTOBER.shift(-3), OCTOBER.shift(-2), OCTOBER.previous, OCTOBER, OCTOBER.next]
    assert snapshot.windows == tuple(Window(login, month) for login in ("anna", "b.schmidt") for month in months)
    assert len(snapshot.accounted) == 2
    assert snapshot.histories == ()
    assert client.asked == [
        "closed",
        "tickets 7",
        *(f"time {login} {month}" for login in ("anna", "b.schmidt") for month in months),
    ]
    assert steps[-1] == ("Reading the time of agent b.schmidt", 9, 10)


def test_agents_are_not_asked_beyond_a_month_that_lies_ahead() -> None:
    client = FakeClient(times=[accounted("anna", booked="2026-09-01 00:00:00")])
    september = datetime(2026, 9, 30, 21, 59, tzinfo=UTC)

    snapshot = read(client, known=Known(logins=("anna",)), now=september, time_source="agents", look_back_days=30)

    assert snapshot.windows == (Window("anna", OCTOBER.previous), Window("anna", OCTOBER))


@pytest.mark.parametrize("source", ["agents", "both"])
def test_month_without_closings_is_checked_against_changes_whatever_the_source(source: str) -> None:
    client = FakeClient(closed=[()], changed=[("7",)], tickets=[ticket_record()], times=[accounted("anna")])

    snapshot = read(client, time_source=source)

    assert client.asked[:5] == ["closed", "closed", "visible", "changed", "tickets 7"]
    assert (snapshot.closed, [ticket.ticket_id for ticket in snapshot.tickets]) == ((), ["7"])


def test_both_sources_read_the_month_alone() -> None:
    client = FakeClient(closed=[("7",)], tickets=[ticket_record(responsible_login="anna", responsible_id=3)])

    snapshot = read(client, time_source="both")

    assert client.asked == ["closed", "tickets 7", "histories 7", "time anna 2026-10"]
    assert snapshot.windows == (Window("anna", OCTOBER),)


def test_known_tickets_with_time_are_not_asked_for_where_agents_tell_the_time() -> None:
    client = FakeClient(closed=[("7",)], tickets=[ticket_record()], times=[accounted("anna")])

    read(client, known=Known(closed=frozenset({"8"}), booked=frozenset({"9"})), time_source="agents")

    assert client.asked[1] == "tickets 7,8"


def test_nobody_to_ask_stops_the_sync() -> None:
    with pytest.raises(SyncStopped, match="No agent of this ticket system is known"):
        read(FakeClient(), time_source="agents")


def test_silence_of_all_agents_is_not_believed_when_tickets_have_time() -> None:
    client = FakeClient(closed=[("7",)], tickets=[ticket_record(time_units=Decimal(15))])

    with pytest.raises(SyncStopped, match="but ticket N7 alone has 15 units"):
        read(client, time_source="agents")


@pytest.mark.parametrize(
    "ticket",
    [ticket_record(time_units=Decimal(0)), ticket_record(created=datetime(2026, 6, 30, 23, tzinfo=BERLIN))],
)
def test_silence_of_all_agents_is_believed_when_no_ticket_contradicts(ticket: TicketRecord) -> None:
    snapshot = read(FakeClient(closed=[("7",)], tickets=[ticket]), time_source="agents")

    assert snapshot.accounted == ()


def test_further_tickets_are_added_to_what_was_read() -> None:
    client = FakeClient(tickets=[ticket_record("8")], bookings=[booking("8")])
    before = MonthSnapshot(month=OCTOBER, tickets=(ticket_record("7"),), unreadable=frozenset({"5"}))

    system = TicketSystemFactory.build()

    after = read_more(client, before, {"9", "8"}, system=system, on_step=lambda *step: None)

    assert client.asked == ["tickets 8,9", "histories 8"]
    assert [ticket.ticket_id for ticket in after.tickets] == ["7", "8"]
    assert [line.bookings for line in after.histories] == [(booking("8"),)]
    assert (after.unreadable, after.vanished) == (frozenset({"5"}), frozenset({"9"}))


def test_ticket_that_is_read_again_counts_once_as_it_is_now() -> None:
    client = FakeClient(tickets=[ticket_record("8", title="Scanner")])
    before = MonthSnapshot(month=OCTOBER, tickets=(ticket_record("8"), ticket_record("7")))

    after = read_more(client, before, {"8"}, system=TicketSystemFactory.build(), on_step=lambda *step: None)

    assert [(ticket.ticket_id, ticket.title) for ticket in after.tickets] == [("7", "Printer"), ("8", "Scanner")]


def test_articles_are_asked_for_where_the_system_says_so() -> None:
    system = TicketSystemFactory.build(reads_articles=True)
    client = FakeClient(closed=[("7",)], changed=[("7",)], tickets=[ticket_record("7"), ticket_record("8")])

    snapshot = read(client, reads_articles=True)
    read_more(client, snapshot, {"8"}, system=system, on_step=lambda *step: None)

    assert [asked for asked in client.asked if "tickets" in asked] == [
        "tickets with articles 7",
        "tickets with articles 8",
    ]
