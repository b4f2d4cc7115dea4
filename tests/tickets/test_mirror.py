"""The writing half, fed with readings that no honest system gives."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generic_interface.records import Booking
from tests.factories.tickets import (
    AgentFactory,
    CustomerFactory,
    TicketClosingFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
)
from tests.tickets.support import (
    BERLIN,
    NOW,
    OCTOBER,
    accounted,
    booking,
    dump_mirror,
    present,
    snapshot,
    ticket_record,
    windows,
)
from tickets import entry_rows, ticket_rows
from tickets.mirror import MoreTicketsNeeded, Outcome, write_month
from tickets.models import Agent, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.snapshot import MonthSnapshot, SyncStopped

pytestmark = pytest.mark.django_db
BOOKED = "2026-10-05 10:00:00"


@pytest.fixture
def history_system() -> TicketSystem:
    system: TicketSystem = TicketSystemFactory(time_source="history")
    return system


@pytest.fixture
def both_system() -> TicketSystem:
    system: TicketSystem = TicketSystemFactory(time_source="both")
    return system


@pytest.fixture
def agents_system() -> TicketSystem:
    system: TicketSystem = TicketSystemFactory(time_source="agents", look_back_days=0)
    return system


def write(system: TicketSystem, reading: MonthSnapshot, *, accept_losses: bool = False) -> Outcome:
    return write_month(system, reading, now=NOW, accept_losses=accept_losses)


def test_ticket_is_mirrored_with_everything_it_tells(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    ticket = Ticket.objects.get()
    assert (ticket.ticket_id, ticket.number, ticket.title, ticket.state_type) == ("7", "N7", "Printer", "closed")
    assert (ticket.owner, ticket.customer) == (
        Agent.objects.get(login="anna"),
        Customer.objects.get(customer_id="10001"),
    )
    assert (ticket.created_at, ticket.read_at) == (datetime(2026, 10, 5, 6, tzinfo=UTC), NOW)
    assert ticket.time_units == 15
    entry = TimeEntry.objects.get()
    assert (entry.booked_at, entry.local_day) == (datetime(2026, 10, 5, 8, tzinfo=UTC), date(2026, 10, 5))
    assert (entry.units, entry.minutes, entry.queue, entry.source) == (15, 15, "Support", "history")
    assert Agent.objects.filter(login="root@localhost", user_id=1).exists()
    assert TicketClosing.objects.get().month == date(2026, 10, 1)


def test_ticket_without_customer_owner_and_closing_is_mirrored(history_system: TicketSystem) -> None:
    record = ticket_record(customer_id="  ", owner_login="", responsible_login="", closed=None, time_units=Decimal(0))

    write(history_system, snapshot(tickets=[record], closed=()))

    ticket = Ticket.objects.get()
    assert (ticket.customer, ticket.owner, ticket.closed_at) == (None, None, None)
    assert not Agent.objects.exists()
    assert not TicketClosing.objects.exists()


@pytest.mark.parametrize(
    ("booked", "instant"),
    [
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-03-29 02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-01 00:00:00", datetime(2026, 9, 30, 22, tzinfo=UTC)),
    ],
)
def test_local_time_becomes_an_instant(history_system: TicketSystem, booked: str, instant: datetime) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking(booked=booked)]))

    entry = TimeEntry.objects.get()
    assert (entry.booked_at, entry.local_day.isoformat()) == (instant, booked[:10])


def test_what_did_not_change_is_not_written(history_system: TicketSystem) -> None:
    reading = snapshot(tickets=[ticket_record(), ticket_record("8", time_units=Decimal(0))], bookings=[booking()])
    write(history_system, reading)
    later = NOW.replace(hour=12)
    changed = replace(reading, tickets=(reading.tickets[0], replace(reading.tickets[1], title="Scanner")))

    write_month(history_system, changed, now=later)

    assert list(Ticket.objects.order_by("ticket_id").values_list("title", "read_at")) == [
        ("Printer", NOW),
        ("Scanner", later),
    ]


def test_text_longer_than_its_column_is_cut_and_named(history_system: TicketSystem) -> None:
    outcome = write(history_system, snapshot(tickets=[ticket_record(title="x" * 301, time_units=Decimal(0))]))

    assert Ticket.objects.get().title == "x" * 299 + "…"
    assert outcome.findings.notes == ("Ticket N7: a text was too long and was cut.",)
    assert outcome.findings.gaps == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number": "9" * 51}, "The ticket system sent a number of 51 characters: 999"),
        ({"customer_id": "c" * 151}, "The ticket system sent a CustomerID of 151 characters: ccc"),
        ({"created": datetime(1, 1, 1, tzinfo=BERLIN)}, "Ticket N7 has a date in the year 1."),
        ({"owner_id": 2**31}, "The ticket system names the UserID 2147483648, which is too large."),
        ({"owner_login": "z" * 201}, "The ticket system sent a login of 201 characters: zzz"),
        ({"responsible_login": "Anna"}, "The ticket system shows the login Anna with two UserIDs (3 and 1)"),
    ],
)
def test_ticket_that_cannot_be_true_stops_the_sync(
    history_system: TicketSystem, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SyncStopped) as caught:
        write(history_system, snapshot(tickets=[ticket_record(**changes)]))

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith("Nothing was changed.")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (booking(booked="0001-01-01 00:00:00"), "The ticket system sent a booking dated 0001-01-01 00:00:00."),
        (booking(units="99999999.00"), "A booking of 99999999.00 units at 2026-10-05 10:00:00 is too large"),
    ],
)
def test_booking_that_cannot_be_true_stops_the_sync(line: Booking, sentence: str) -> None:
    system = TicketSystemFactory(minutes_per_unit=Decimal(480))

    with pytest.raises(SyncStopped) as caught:
        write(system, snapshot(tickets=[ticket_record()], bookings=[line]))

    assert str(caught.value).startswith(sentence)


def test_customer_that_is_known_is_used(history_system: TicketSystem) -> None:
    customer = CustomerFactory(system=history_system, customer_id="10001", name="Müller & Söhne GmbH")

    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    assert Ticket.objects.get().customer == customer
    assert Customer.objects.count() == 1


def test_equal_ticket_numbers_of_two_systems_stay_apart(history_system: TicketSystem) -> None:
    other = TicketSystemFactory()
    reading = snapshot(tickets=[ticket_record()], bookings=[booking()])

    write(history_system, reading)
    write(other, reading)

    assert sorted(Ticket.objects.values_list("system", "number")) == [(history_system.pk, "N7"), (other.pk, "N7")]
    assert TimeEntry.objects.count() == 2


def test_moved_entry_follows_to_a_ticket_read_in_the_same_run(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))
    entry = TimeEntry.objects.get()
    reading = snapshot(
        tickets=[ticket_record(time_units=Decimal(0)), ticket_record("8")], bookings=[booking("8")], closed=("8",)
    )

    outcome = write(history_system, reading)

    assert (outcome.inserted, outcome.moved, outcome.gone) == (0, 1, 0)
    assert (TimeEntry.objects.get().pk, TimeEntry.objects.get().ticket.ticket_id) == (entry.pk, "8")


def test_equal_entry_on_a_ticket_that_was_not_read_is_asked_for_first(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    with pytest.raises(MoreTicketsNeeded) as caught:
        write(history_system, snapshot(tickets=[ticket_record("8")], bookings=[booking("8")]))

    assert caught.value.ticket_ids == frozenset({"7"})


def test_equal_entry_on_an_unreadable_ticket_is_moved_and_named(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))
    reading = snapshot(tickets=[ticket_record("8")], bookings=[booking("8")], unreadable=frozenset({"7", "99"}))

    outcome = write(history_system, reading)

    assert present() == [("anna", BOOKED, Decimal(15), "N8")]
    assert outcome.findings.gaps == (
        "Ticket N7 cannot be read: it was deleted or the portal's agent may not see it or its history.",
        "Ticket with TicketID 99 cannot be read: it was deleted or the portal's agent may not see it or its history.",
        (
            "15.00 units booked at 2026-10-05 10:00:00 were taken for moved here from a ticket that cannot be read. "
            "Look whether they were booked twice."
        ),
    )


def test_equal_entry_on_a_ticket_without_ticket_id_is_moved_and_named(history_system: TicketSystem) -> None:
    agent = AgentFactory(system=history_system, login="anna", user_id=3)
    named = TicketFactory(system=history_system, number="N5", number_only=True)
    entry = TimeEntryFactory(ticket=named, agent=agent)

    outcome = write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    assert (TimeEntry.objects.get().pk, TimeEntry.objects.get().ticket.number) == (entry.pk, "N7")
    assert len(outcome.findings.gaps) == 1


def test_entry_that_comes_back_is_the_same_row(history_system: TicketSystem) -> None:
    with_time = snapshot(tickets=[ticket_record()], bookings=[booking()])
    write(history_system, with_time)
    entry = TimeEntry.objects.get()

    write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(0))]))
    gone_at = TimeEntry.objects.get().gone_at
    write(history_system, with_time)

    assert gone_at == NOW
    assert (TimeEntry.objects.get().pk, TimeEntry.objects.get().gone_at) == (entry.pk, None)


def test_time_of_a_vanished_ticket_stays_until_a_person_says_otherwise(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))
    reading = snapshot(vanished=frozenset({"7"}))

    first = write(history_system, reading)
    kept, closings = present(), TicketClosing.objects.count()
    second = write(history_system, reading, accept_losses=True)

    assert (first.gone, first.findings.notes, len(kept), closings) == (0, (), 1, 1)
    assert first.findings.gaps == (
        (
            "Ticket N7, known from an earlier sync, is neither found nor shown any more. Its 15 minutes are kept. Give "
            "the portal's agent the right to read it; if it was deleted, run the sync again and accept losses."
        ),
    )
    assert (second.gone, second.findings.gaps, present()) == (1, (), [])
    assert second.findings.notes == (
        (
            "Ticket N7, known from an earlier sync, is neither found nor shown any more; 15 minutes of it are marked "
            "as gone."
        ),
    )
    assert not TicketClosing.objects.exists()


def test_vanished_ticket_without_time_is_noted(history_system: TicketSystem) -> None:
    write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(0))]))

    outcome = write(history_system, snapshot(vanished=frozenset({"7"})))

    assert (outcome.findings.gaps, len(outcome.findings.notes)) == ((), 1)
    assert not TicketClosing.objects.exists()


def test_time_of_a_vanished_ticket_is_gone_where_time_accounting_confirms_it(both_system: TicketSystem) -> None:
    other = ticket_record("8", time_units=Decimal(30))
    other_line = accounted(number="N8", units="30.00")
    reading = snapshot(
        tickets=[ticket_record(time_units=Decimal(20)), other],
        bookings=[booking(), booking(booked="2026-09-05 10:00:00", units="5.00"), booking("8", units="30.00")],
        windows=windows("anna"),
        accounted=(accounted(), other_line),
    )
    write(both_system, reading)

    outcome = write(
        both_system,
        snapshot(
            tickets=[other],
            bookings=[booking("8", units="30.00")],
            windows=windows("anna"),
            accounted=(other_line,),
            vanished=frozenset({"7"}),
        ),
    )

    assert [row[1:3] for row in present()] == [("2026-09-05 10:00:00", 5), (BOOKED, 30)]
    assert [each.partition("any more")[2][:24] for each in outcome.findings.gaps] == [". Its 5 minutes are kept"]
    (note,) = outcome.findings.notes
    assert note.endswith("any more; 15 minutes of it are marked as gone.")


def test_accepted_ticket_that_agents_still_account_for_stays_and_is_noted(agents_system: TicketSystem) -> None:
    write(agents_system, agents_reading())
    reading = replace(agents_reading(), tickets=(), closed=(), vanished=frozenset({"7"}))

    kept = write(agents_system, reading)
    accepted = write(agents_system, reading, accept_losses=True)

    assert (len(kept.findings.gaps), len(accepted.findings.gaps), len(accepted.findings.notes)) == (1, 0, 1)
    assert len(present()) == 1


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, False),
        ({"closed": datetime(2026, 10, 1, tzinfo=BERLIN)}, False),
        ({"closed": datetime(2026, 11, 1, tzinfo=BERLIN)}, True),
        ({"closed": datetime(2026, 9, 30, 23, 59, 59, tzinfo=BERLIN)}, True),
        ({"closed": None}, True),
        ({"state_type": "open"}, True),
    ],
)
def test_ticket_closed_in_the_month_that_the_search_did_not_find_leaves_a_gap(
    history_system: TicketSystem, changes: dict[str, Any], found: bool
) -> None:
    outcome = write(history_system, snapshot(tickets=[ticket_record(**changes)], bookings=[booking()], closed=()))

    sentence = (
        "Ticket N7 says that it was closed in 2026-10, but the search for closed tickets did not find it. "
        "Run the sync again."
    )
    assert outcome.findings.gaps == (() if found else (sentence,))


def test_nothing_is_gone_from_a_ticket_that_says_more_than_was_shown(history_system: TicketSystem) -> None:
    other = ticket_record("8", time_units=Decimal(5))
    shown = [booking("8", units="5.00")]
    write(history_system, snapshot(tickets=[ticket_record(), other], bookings=[booking(), *shown]))

    outcome = write(history_system, snapshot(tickets=[ticket_record(), other], bookings=shown), accept_losses=True)

    assert (outcome.gone, len(present())) == (0, 2)
    assert outcome.findings.gaps == ("Ticket N7: its bookings add up to 0 units, the ticket itself says 15.",)


def test_queue_of_a_booking_that_is_too_long_is_cut_and_named_once(history_system: TicketSystem) -> None:
    lines = [booking(queue="q" * 201), booking(booked="2026-10-06 10:00:00", queue="q" * 201)]

    outcome = write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(30))], bookings=lines))

    assert set(TimeEntry.objects.values_list("queue", flat=True)) == {"q" * 199 + "…"}
    assert outcome.findings.notes == ("Ticket N7: a text was too long and was cut.",)


def test_only_a_ticket_that_gets_its_id_has_a_key_column_written(agents_system: TicketSystem) -> None:
    named = TicketFactory(system=agents_system, number="N7", number_only=True)
    write(agents_system, agents_reading())

    with CaptureQueriesContext(connection) as captured:
        write(agents_system, agents_reading(title="Scanner"))

    named.refresh_from_db()
    (update,) = [query["sql"] for query in captured if 'UPDATE "tickets_ticket" SET' in query["sql"]]
    assert (named.ticket_id, named.title) == ("7", "Scanner")
    columns = update.partition(" SET ")[2].partition(" FROM ")[0].partition(" WHERE ")[0]
    assert '"title" = ' in columns
    assert "ticket_id" not in columns


def test_every_column_is_named_where_rows_are_inserted() -> None:
    for model, columns in ((Ticket, ticket_rows.COLUMNS), (TimeEntry, entry_rows.COLUMNS)):
        assert {*columns, "id"} == {field.attname for field in model._meta.concrete_fields}


def test_ticket_whose_bookings_add_up_to_less_leaves_a_gap(history_system: TicketSystem) -> None:
    outcome = write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(20))], bookings=[booking()]))

    assert outcome.findings.gaps == ("Ticket N7: its bookings add up to 15.00 units, the ticket itself says 20.",)


def test_ticket_whose_bookings_add_up_to_more_is_noted(history_system: TicketSystem) -> None:
    outcome = write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(10))], bookings=[booking()]))

    assert outcome.findings.gaps == ()
    assert outcome.findings.notes == ("Ticket N7: its bookings add up to 15.00 units, the ticket itself says 10.",)


def test_ticket_without_readable_history_is_not_compared(history_system: TicketSystem) -> None:
    reading = replace(snapshot(tickets=[ticket_record()]), histories=(), unreadable=frozenset({"7"}))

    outcome = write(history_system, reading)

    assert len(outcome.findings.gaps) == 1


def test_closings_are_only_added_while_something_is_missing(history_system: TicketSystem) -> None:
    old = TicketClosingFactory(ticket__system=history_system)
    other_month = TicketClosingFactory(ticket=old.ticket, month=date(2026, 9, 1))

    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()], unreadable=frozenset({"99"})))
    kept = set(TicketClosing.objects.values_list("ticket__number", "month"))
    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    new = ("N7", date(2026, 10, 1))
    assert kept == {new, (old.ticket.number, old.month), (old.ticket.number, other_month.month)}
    assert set(TicketClosing.objects.values_list("ticket__number", "month")) == {
        new,
        (old.ticket.number, other_month.month),
    }


def fill(system: TicketSystem, count: int) -> None:
    """A ticket with that many entries of 60 units by anna."""
    ticket = TicketFactory(system=system, ticket_id="7", number="N7")
    agent = AgentFactory(system=system, login="anna", user_id=3)
    for hour in range(count):
        TimeEntryFactory(ticket=ticket, agent=agent, booked_local=second_of(hour), units=Decimal(60))


def second_of(hour: int) -> str:
    return f"2026-10-{5 + hour // 24:02} {hour % 24:02}:00:00"


def lines(count: int) -> list[Booking]:
    return [booking(booked=second_of(hour), units="60.00") for hour in range(count)]


@pytest.mark.parametrize(("known", "left"), [(24, 13), (60, 49), (9, 7), (2, 0)])
def test_much_time_that_vanishes_at_once_stops_the_sync(history_system: TicketSystem, known: int, left: int) -> None:
    fill(history_system, known)
    record = ticket_record(time_units=Decimal(60 * left))
    before = dump_mirror()["TimeEntry"]

    with pytest.raises(
        SyncStopped, match=rf"{60 * (known - left)}.00 of {60 * known}.00 known time units would be gone"
    ):
        write(history_system, snapshot(tickets=[record], bookings=lines(left)))

    assert dump_mirror()["TimeEntry"] == before


@pytest.mark.parametrize(("known", "left"), [(1, 0), (10, 8), (50, 40)])
def test_some_time_may_vanish(history_system: TicketSystem, known: int, left: int) -> None:
    fill(history_system, known)

    outcome = write(
        history_system, snapshot(tickets=[ticket_record(time_units=Decimal(60 * left))], bookings=lines(left))
    )

    assert outcome.gone == known - left


def test_much_time_may_vanish_when_a_person_says_so(history_system: TicketSystem) -> None:
    fill(history_system, 24)

    outcome = write(history_system, snapshot(tickets=[ticket_record(time_units=Decimal(0))]), accept_losses=True)

    assert outcome.gone == 24


def test_booking_seen_by_both_sources_is_one_entry(both_system: TicketSystem) -> None:
    outcome = write(
        both_system,
        snapshot(tickets=[ticket_record()], bookings=[booking()], windows=windows("anna"), accounted=(accounted(),)),
    )

    assert present() == [("anna", BOOKED, Decimal(15), "N7")]
    assert (outcome.matched, outcome.findings.gaps, outcome.findings.notes) == (1, (), ())


def test_booking_that_one_source_lacks_is_kept_once_and_named(both_system: TicketSystem) -> None:
    outcome = write(
        both_system,
        snapshot(
            tickets=[ticket_record(time_units=Decimal(45))],
            bookings=[booking()],
            windows=windows("anna"),
            accounted=(accounted(booked="2026-10-06 10:00:00", units="30.00"),),
        ),
    )

    assert [row[2] for row in present()] == [15, 30]
    assert outcome.findings.gaps == (
        (
            "anna booked 15.00 units at 2026-10-05 10:00:00 on ticket N7 according to the ticket's history; "
            "the agent's time accounting does not show it."
        ),
        (
            "anna booked 30.00 units at 2026-10-06 10:00:00 on ticket N7 according to the agent's time accounting; "
            "the ticket's history does not show it."
        ),
    )


def test_booking_that_both_sources_see_on_different_tickets_is_one_entry(both_system: TicketSystem) -> None:
    outcome = write(
        both_system,
        snapshot(
            tickets=[ticket_record(time_units=Decimal(0))],
            bookings=[booking()],
            windows=windows("anna"),
            accounted=(accounted(number="N8"),),
        ),
    )

    assert present() == [("anna", BOOKED, Decimal(15), "N8")]
    assert outcome.findings.gaps == ()
    assert outcome.findings.notes == (
        (
            "anna, 2026-10-05 10:00:00, 15.00 units: the ticket's history and the time accounting name different "
            "tickets; it is kept on ticket N8, which the time accounting names."
        ),
        (
            "1 ticket with booked time was never shown to the portal's agent; only the time accounting names it, so "
            "nothing else could be compared: N8. Open tickets are read together with each agent's own time. If it is "
            "still named here after that, give the portal's agent the right to read it."
        ),
    )


def test_agent_without_login_is_named_when_agents_are_asked(both_system: TicketSystem) -> None:
    outcome = write(
        both_system,
        snapshot(
            tickets=[ticket_record(time_units=Decimal(30))],
            bookings=[booking(creator_id=9), booking(creator_id=9, booked="2026-09-30 10:00:00")],
            windows=windows("anna"),
        ),
    )

    assert outcome.findings.gaps == (
        (
            "UserID 9 booked time in 2026-10, but no login is known, so time on other tickets cannot be read. "
            "Add the agent's login."
        ),
    )
    assert len(present()) == 2


def test_ticket_that_only_time_accounting_names_follows_title_and_customer(agents_system: TicketSystem) -> None:
    reading = snapshot(windows=windows("anna"), accounted=(accounted(number="N9", customer_id=""),))
    write(agents_system, reading)
    later = replace(reading, accounted=(accounted(number="N9", title="Scanner", customer_id="10002"),))

    write(agents_system, later)

    ticket = Ticket.objects.get()
    assert (ticket.ticket_id, ticket.title, ticket.customer) == (
        None,
        "Scanner",
        Customer.objects.get(customer_id="10002"),
    )
    assert TimeEntry.objects.get().source == "agent"


def test_ticket_that_is_known_by_id_is_found_by_number(agents_system: TicketSystem) -> None:
    known = TicketFactory(system=agents_system, number="N9")

    write(agents_system, snapshot(windows=windows("anna"), accounted=(accounted(number="N9"),)))

    assert (Ticket.objects.get().pk, Ticket.objects.get().ticket_id) == (known.pk, known.ticket_id)


def test_new_ticket_with_the_number_of_a_known_one_is_another_ticket(history_system: TicketSystem) -> None:
    TicketFactory(system=history_system, ticket_id="6", number="N7")

    write(history_system, snapshot(tickets=[ticket_record()], bookings=[booking()]))

    assert sorted(Ticket.objects.values_list("ticket_id", "number")) == [("6", "N7"), ("7", "N7")]


SHORT = "Ticket N7: its bookings add up to 15.00 units, the ticket itself says 20."
SHORT_OF_AGENTS = f"{SHORT} Raise the months read back of the ticket system, or add the agent whose time is missing."


def agents_reading(**changes: Any) -> MonthSnapshot:
    return replace(
        snapshot(tickets=[ticket_record(**changes)], windows=windows("anna"), accounted=(accounted(),)), histories=()
    )


@pytest.mark.parametrize("count", [1, 2, 21])
def test_tickets_that_only_time_accounting_names_are_named(agents_system: TicketSystem, count: int) -> None:
    numbers = [f"A{number:02}" for number in range(count)]
    lines = tuple(
        accounted(number=number, booked=f"2026-10-07 10:00:{place:02}") for place, number in enumerate(numbers)
    )
    reading = agents_reading()

    first = write(agents_system, replace(reading, accounted=(*reading.accounted, *lines)))
    for number in numbers[1:]:
        Ticket.objects.filter(number=number).update(ticket_id=f"id of {number}")
    second = write(agents_system, replace(reading, accounted=(*reading.accounted, *lines)))

    (note,), (later,) = first.findings.notes, second.findings.notes
    assert note.startswith(f"{count} ticket{'s' if count > 1 else ''} with booked time w")
    assert ", ".join(numbers[:20]) + (", …." if count > 20 else ".") in note
    assert "compared: A00." in later
    assert first.findings.gaps == second.findings.gaps == ()


def test_ticket_inside_the_window_whose_time_is_not_accounted_leaves_a_gap(agents_system: TicketSystem) -> None:
    outcome = write(agents_system, agents_reading(time_units=Decimal(20)))

    assert outcome.findings.gaps == (SHORT_OF_AGENTS,)


@pytest.mark.parametrize("closed", [("7",), ()])
@pytest.mark.parametrize(
    "changes",
    [
        {"created": datetime(2026, 9, 30, 23, tzinfo=BERLIN)},
        {"changed": datetime(2026, 11, 1, tzinfo=BERLIN)},
    ],
)
def test_time_outside_the_windows_is_a_gap_for_closed_tickets_and_a_note_for_others(
    agents_system: TicketSystem, changes: dict[str, Any], closed: tuple[str, ...]
) -> None:
    reading = agents_reading(**{"time_units": Decimal(20), "state_type": "open"} | changes)

    outcome = write(agents_system, replace(reading, closed=closed))

    findings = outcome.findings
    assert (findings.gaps, findings.notes) == (((SHORT_OF_AGENTS,), ()) if closed else ((), (SHORT,)))


def test_open_ticket_that_contradicts_itself_keeps_its_time_and_leaves_a_gap(agents_system: TicketSystem) -> None:
    other = accounted(number="N8")
    reading = agents_reading(time_units=Decimal(20), state_type="open", created=datetime(2026, 7, 1, tzinfo=BERLIN))
    write(agents_system, replace(reading, closed=(), accounted=(accounted(units="5.00"), other)))

    outcome = write(agents_system, replace(reading, closed=(), accounted=(other,)))

    assert (outcome.gone, len(present()), len(outcome.findings.gaps)) == (0, 2, 1)


def test_ticket_with_more_accounted_time_than_it_says_is_noted(agents_system: TicketSystem) -> None:
    outcome = write(agents_system, agents_reading(time_units=Decimal(10)))

    assert (outcome.findings.gaps, len(outcome.findings.notes)) == ((), 1)


def test_entries_outside_the_window_stay_where_agents_tell_the_time(agents_system: TicketSystem) -> None:
    write(agents_system, agents_reading())
    ticket, agent = Ticket.objects.get(), Agent.objects.get(login="anna")
    TimeEntryFactory(ticket=ticket, agent=agent, booked_local="2026-09-30 23:59:59", units=Decimal(5))

    outcome = write(agents_system, agents_reading(time_units=Decimal(20)))

    assert (outcome.gone, outcome.findings.gaps, outcome.findings.notes) == (0, (), ())


def test_agent_whose_known_time_vanishes_stops_the_sync(agents_system: TicketSystem) -> None:
    write(agents_system, agents_reading())

    with pytest.raises(SyncStopped, match="shows no time of agent anna in 2026-10 any more"):
        write(agents_system, replace(agents_reading(time_units=Decimal(0)), accounted=()))


def test_agent_whose_entry_was_deleted_among_others_goes_on(agents_system: TicketSystem) -> None:
    second = accounted(booked="2026-10-06 10:00:00")
    write(agents_system, replace(agents_reading(), accounted=(accounted(), second)))

    outcome = write(agents_system, agents_reading())

    assert (outcome.gone, present()) == (1, [("anna", BOOKED, Decimal(15), "N7")])


def test_month_is_that_of_the_local_time(agents_system: TicketSystem) -> None:
    write(agents_system, replace(agents_reading(), accounted=(accounted(booked="2026-10-01 00:00:00"),)))

    assert TimeEntry.objects.booked_in(OCTOBER).count() == 1
