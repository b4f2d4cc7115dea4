"""F37: whatever stands in an answer, the reading ends with records or with an ``InterfaceError``, never otherwise."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.answers import Call as Asked
from generic_interface.answers import Reply, read_reply
from generic_interface.errors import InterfaceError
from generic_interface.readers import read_accounted_time, read_histories, read_tickets
from generic_interface.records import AccountedTime, TicketHistory, TicketRecord
from generic_interface.routes import Route
from generic_interface.simulator.data import build_month
from generic_interface.simulator.wire import Call, Json
from generic_interface.values import Fields
from tests.faults.mutations import mutated, mutated_bytes
from tests.faults.support import connected_to, truth, watched
from tests.generic_interface.replay import recorded_json
from tests.tickets.support import dump_mirror, present, sync

ZONE = ZoneInfo("Europe/Berlin")
FIRST, LAST = datetime(2026, 10, 1), datetime(2026, 10, 31, 23, 59, 59)
ROUNDS = 500


def tickets(answer: dict[str, object]) -> list[Any]:
    return list(read_tickets(answer, ["614"], zone=ZONE).values())


def tickets_with_articles(answer: dict[str, object]) -> list[Any]:
    return list(read_tickets(answer, ["71"], zone=ZONE, with_articles=True).values())


def histories(answer: dict[str, object]) -> list[Any]:
    return list(read_histories(answer, ["433"], zone=ZONE).values())


def times(answer: dict[str, object]) -> list[Any]:
    return list(read_accounted_time(answer, login="b.schmidt", first=FIRST, last=LAST))


def ids(answer: dict[str, object]) -> list[Any]:
    return Fields(answer, "TicketSearch").identifiers("TicketID") if answer else []


SAMPLES: dict[str, tuple[str, Callable[[dict[str, object]], list[Any]]]] = {
    "TicketGet": ("rest-ticketget-extended", tickets),
    "TicketGet with articles": ("rest-ticketget-everything-postgresql", tickets_with_articles),
    "TicketHistoryGet": ("rest-tickethistory-time-and-move", histories),
    "TimeAccountingGet": ("rest-timeaccounting-date-duplicates", times),
    "TicketSearch": ("rest-ticketsearch-by-customer", ids),
}


def read(body: bytes, reader: Callable[[dict[str, object]], list[Any]]) -> list[Any] | InterfaceError:
    reply = Reply(status=200, content_type="application/json", location="", body=body)
    try:
        return reader(read_reply(reply, Asked("TicketGet", Route("POST", "BillingPortal", "/TicketGet"))))
    except InterfaceError as error:
        return error


def sound(record: object) -> bool:
    match record:
        case str():
            return record.isdecimal()
        case TicketRecord():
            return bool(record.number.strip() and record.owner_login.strip()) and record.time_units.is_finite()
        case TicketHistory():
            return all(booking.units.is_finite() and booking.ticket_id == "433" for booking in record.bookings)
        case AccountedTime():
            return record.units.as_tuple().exponent == -2 and FIRST <= record.booked_local <= LAST
    return False


@pytest.mark.parametrize("name", SAMPLES)
def test_f37_answer_with_anything_in_it_gives_sound_records_or_an_interface_error(name: str) -> None:
    """Fields missing, more, of another type, one object instead of a list: refused or read, never a crash."""
    recording, reader = SAMPLES[name]
    sample, dice = recorded_json(recording), random.Random(name)
    assert isinstance(read(json.dumps(sample).encode(), reader), list)

    bodies = [
        json.dumps(mutated(sample, dice), ensure_ascii=False).encode("utf-8", "surrogatepass") for _ in range(ROUNDS)
    ]
    bodies += [mutated_bytes(sample, dice) for _ in range(ROUNDS)]
    results = [read(body, reader) for body in bodies]

    refused = [result for result in results if isinstance(result, InterfaceError)]
    assert ROUNDS / 2 < len(refused) < len(results)
    assert all(len(str(error)) < 500 for error in refused)
    assert all(sound(record) for result in results if isinstance(result, list) for record in result)


def fuzz_the_sync(seeds: range, source: str) -> set[str]:
    """The states of one sync per seed, each with one answer of each operation altered; none of them may crash."""
    data, states = build_month(tickets=3, customers=3, entries_per_ticket=2), set()
    dice, odds = random.Random(), 1.0

    def spoil(call: Call, answer: Json) -> Json:
        return mutated(answer, dice) if dice.random() < odds else answer

    with watched(data, after=spoil) as running:
        system = connected_to(running, source, authentication="body")
        for seed in seeds:
            dice.seed(seed)
            odds = 0.4
            before = dump_mirror()
            run = sync(system, accept_losses=True)
            states.add(run.state)
            assert run.state in {"done", "partly", "failed"}
            assert run.state != "failed" or dump_mirror() == before
            assert len(run.error) < 600
        odds = 0.0
        last = sync(system, accept_losses=True)
    assert (last.state, present()) == ("done", truth(data))
    return states


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["history", "agents"])
def test_f37_sync_of_mutated_answers_ends_in_words(source: str) -> None:
    """Over the socket: every run ends in a state and a sentence, and a failed one has written nothing."""
    assert fuzz_the_sync(range(12), source) >= {"failed"}


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("source", ["history", "both", "agents"])
def test_f37_sync_of_many_mutated_answers_ends_in_words(source: str) -> None:
    """The same for longer."""
    assert fuzz_the_sync(range(150), source) >= {"done", "partly", "failed"}
