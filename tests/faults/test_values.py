"""F35 to F37: numbers, texts and structures that no table of the ticket system's manual has in it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.client import Client
from generic_interface.errors import BadAnswer
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.wire import Call, Json
from tests.faults.support import assert_held, connected_to, first_closed, truth, watched
from tests.tickets.support import BERLIN, OCTOBER, dump_mirror, present, sync
from tickets.connect import open_client
from tickets.models import Ticket

NOON = datetime(2026, 10, 20, 12)
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NO_UNITS: list[Any] = [
    "1,5", "NaN", "Infinity", "1e2", "1e400", "1_0", "１２", "٣", "+5", ".5", "5.", " 5", "5 ", "0x5", "0.005", "--5",
    "", "5€", "123456789.00", None, True, [], {}, ["15.00"], float("nan"), float("inf"), 0.30000000000000004, 10**30,
]  # fmt: skip
UNITS = [("120.00", 120), (120, 120), ("-15", -15), ("0.30", "0.3"), (0.5, "0.5"), ("7.10000", "7.1"), ("-0.00", 0)]
TEXTS = {
    "NUL \x00 here": "NUL \ufffd here",
    "half a pair \ud83d": "half a pair \ufffd",
    "control \x1b[31m \x07": "control \x1b[31m \x07",
    "bidi \u202egnp.exe": "bidi \u202egnp.exe",
    "=cmd|' /C calc'!A0": "=cmd|' /C calc'!A0",
    "\U0001f469\u200d\U0001f692 e\u0301": "\U0001f469\u200d\U0001f692 e\u0301",
    "line\r\nbreak\ttab": "line\r\nbreak\ttab",
    "x" * 10_000: "x" * 299 + "…",
}
"""Titles as sent and as mirrored."""


def replacing(operation: str, place: list[str | int], value: object) -> Any:
    """Alters one value in each answer of the operation."""

    def after(call: Call, answer: Json) -> Json:
        if call.operation != operation:
            return answer
        target: Any = answer
        for step in place[:-1]:
            target = target[step]
        target[place[-1]] = value
        return answer

    return after


def ask_time(client: Client) -> object:
    return client.accounted_time("anna.mueller", start=OCTOBER.start(BERLIN), end=OCTOBER.end(BERLIN))


def test_f35_booked_units_in_another_form_are_refused(data: DataSet) -> None:
    """Only plain decimals with two places at most are units; Decimal alone would take half of these."""
    refused = []
    with watched(data) as running, open_client(connected_to(running, "both")) as client:
        server: Any = running.system
        for form in NO_UNITS:
            server.after = replacing("TimeAccountingGet", ["TimeAccountingResult", 0, "TimeUnit"], form)
            with pytest.raises(BadAnswer) as caught:
                ask_time(client)
            refused.append(str(caught.value))

    assert len(refused) == len(NO_UNITS)
    assert all("Nothing of" in sentence and len(sentence) < 250 for sentence in refused)


def test_f35_units_of_a_history_in_another_form_are_refused(data: DataSet) -> None:
    """The history holds the units within a text of its own form."""
    ticket = data.ticket(first_closed(data))
    booking = next(index for index, line in enumerate(ticket.lines()) if line.kind == "TimeAccounting")
    with watched(data) as running, open_client(connected_to(running, "both")) as client:
        server: Any = running.system
        for form in [form for form in NO_UNITS if isinstance(form, str)]:
            place: list[str | int] = ["TicketHistory", 0, "History", booking, "Name"]
            server.after = replacing("TicketHistoryGet", place, f"%%{form}%%20")
            with pytest.raises(BadAnswer, match=f"ticket {ticket.ticket_id}: the field Name"):
                client.get_histories([ticket.ticket_id])


@pytest.mark.parametrize(("sent", "read"), UNITS)
def test_f35_forms_that_mean_one_number_are_read(data: DataSet, sent: object, read: object) -> None:
    """Whole numbers, JSON numbers and further zeros are the same amount, to the cent."""
    after = replacing("TimeAccountingGet", ["TimeAccountingResult", 0, "TimeUnit"], sent)
    with watched(data, after=after) as running, open_client(connected_to(running, "both")) as client:
        lines: Any = ask_time(client)

    assert lines[0].units == Decimal(str(read))
    assert lines[0].units.as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("source", "operation", "place"),
    [
        ("agents", "TimeAccountingGet", ["TimeAccountingResult", 0, "TimeUnit"]),
        ("history", "TicketGet", ["Ticket", 0, "TimeUnit"]),
    ],
)
def test_f35_number_that_is_none_fails_the_month(data: DataSet, source: str, operation: str, place: list[Any]) -> None:
    """One unreadable amount is no reason to bill the others of the answer: nothing is written."""
    with watched(data) as running:
        system, server = connected_to(running, source), running.system
        sync(system)
        before = dump_mirror()
        server.after = replacing(operation, place, "1,5")  # type: ignore[attr-defined]

        run = sync(system)

    assert_held(run, before, "the field TimeUnit is no number of time units ('1,5')")


def test_f36_no_entry_is_lost_over_a_title(data: DataSet) -> None:
    """What no database stores is replaced, what is too long is cut and noted; the minutes are all there."""
    ids = {}
    for title in TEXTS:
        ids[title] = data.create(title=title, customer="K0001", at=NOON)
        data.book(ids[title], 5, at=NOON)
    with watched(data) as running:
        runs = [sync(connected_to(running, "both")), sync(connected_to(running, "agents"))]

    assert [run.error for run in runs] == ["", ""]
    for title, mirrored in TEXTS.items():
        number = data.ticket(ids[title]).number
        assert list(Ticket.objects.filter(number=number).values_list("title", flat=True)) == 2 * [mirrored]
    assert [run.complete for run in runs] == [True, True]
    assert present() == sorted(2 * truth(data))
    cut = data.ticket(ids["x" * 10_000]).number
    notes = [run.problems for run in runs]
    assert [found[-1] for found in notes] == 2 * [f"Ticket {cut}: a text was too long and was cut."]
    assert [len(found) for found in notes] == [2, 2]  # beside that, tickets that only the time accounting names


@pytest.mark.parametrize("field", ["CustomerID", "TicketNumber", "Owner"])
def test_f36_name_that_is_too_long_to_tell_one_from_another_stops_the_sync(data: DataSet, field: str) -> None:
    """A number or login is never cut: two different ones could become one."""
    with watched(data) as running:
        system, server = connected_to(running, "history"), running.system
        sync(system)
        before = dump_mirror()
        server.after = replacing("TicketGet", ["Ticket", 0, field], "9" * 10_000)  # type: ignore[attr-defined]

        run = sync(system)

    assert_held(run, before, "of 10000 characters: 9999")
    assert len(run.error) < 200
