"""F28 to F34: answers that are slow, endless, compressed, cut off, or not the ticket system's at all."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from generic_interface.client import Client
from generic_interface.errors import BadAnswer
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.faults.support import assert_held, connected_to, first_closed
from tests.generic_interface.replay import ReplayServer, Request, answer
from tests.tickets.support import dump_mirror, sync
from tickets.connect import connection_of, open_client
from tickets.models import TicketSystem

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OPERATIONS = ["SessionCreate", "TicketSearch", "TicketGet", "TicketHistoryGet", "TimeAccountingGet"]
MEGABYTE = 1024 * 1024


def client_with(**settings: Any) -> Callable[[TicketSystem], Client]:
    return lambda system: Client(replace(connection_of(system), **settings))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_f28_dripping_answer_ends_with_the_deadline_of_the_call(data: DataSet, operation: str) -> None:
    """A byte now and then never runs into the read timeout; the total deadline ends it, and nothing is written."""
    with start_simulator(data, faults=FaultPlan(drip_seconds=0.02)) as running:
        system = connected_to(running, "both")
        sync(system)
        before = dump_mirror()
        running.faults.add(f"{operation}:slow")

        run = sync(system, make_client=client_with(read_timeout=30, total_deadline=0.15))

    assert_held(run, before, f"The answer to {operation} was not complete within 0.15 s.")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_f29_endless_answer_is_not_read_beyond_the_cap(data: DataSet, operation: str) -> None:
    """A gigabyte is announced by nothing; reading stops at the cap, whatever part of it was asked for."""
    with start_simulator(data, faults=FaultPlan(huge_bytes=1024 * MEGABYTE)) as running:
        system = connected_to(running, "both")
        sync(system)
        before = dump_mirror()
        running.faults.add(f"{operation}:huge")

        run = sync(system, make_client=client_with(max_bytes=MEGABYTE))

    assert_held(run, before, f"The answer to {operation} is larger than {MEGABYTE} bytes and was not used")


def test_f30_compressed_answer_is_neither_asked_for_nor_unpacked(system: TicketSystem) -> None:
    """A few kilobytes can unpack to gigabytes: the portal asks for plain answers and refuses others unread."""
    bomb = gzip.compress(b"[" * 20 * MEGABYTE)
    with ReplayServer(lambda request: answer(bomb, more="Content-Encoding: gzip\r\n")) as server:
        system.base_url = server.base_url
        system.save()
        before = dump_mirror()

        run = sync(system)

    assert len(bomb) < MEGABYTE / 10
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert_held(run, before, "is compressed although that was not asked for; not read")


@pytest.mark.parametrize("kind", ["truncated", "cut"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_f31_f32_answer_that_breaks_off_is_no_shorter_answer(data: DataSet, operation: str, kind: str) -> None:
    """Whether its length was announced (F31) or not (F32), half an answer is none, and nothing is written."""
    with start_simulator(data) as running:
        system = connected_to(running, "both")
        sync(system)
        before = dump_mirror()
        running.faults.add(f"{operation}:{kind}")

        run = sync(system)

    assert_held(run, before, "Nothing of it was used")


def test_f32_answer_cut_anywhere_and_without_length_is_refused(data: DataSet) -> None:
    """No beginning of an answer passes for a whole one. Every single byte is cut in the tests of the JSON reader."""
    with (
        start_simulator(data, faults=["TicketGet:cut"]) as running,
        open_client(connected_to(running, "both")) as client,
    ):
        refused = []
        for cut in range(0, 700, 9):
            running.faults.cut_at = cut
            with pytest.raises(BadAnswer) as caught:
                client.get_tickets([first_closed(data)])
            refused.append(str(caught.value))
        client.close()

    assert len(refused) == 78
    assert all("is no complete JSON" in sentence for sentence in refused)


STRANGERS = [
    (answer("<form>Login</form>", content_type="text/html"), "instead of JSON; is a login page or a proxy in between?"),
    (answer("", status="204 No Content"), "HTTP 204"),
    (answer("", status="302 Found", more="Location: /login\r\n"), "was redirected (HTTP 302) to /login"),
    (
        answer("<p>Sign in</p>", status="401 Unauthorized", content_type="text/html"),
        "or a proxy, not the ticket system",
    ),
    (answer("", status="407 Proxy Authentication Required"), "or a proxy, not the ticket system"),
    (answer("<p>Bad</p>", status="502 Bad Gateway", content_type="text/html"), "is not available at the moment"),
    (answer("", status="503 Busy", more="Retry-After: 3600\r\n"), "is not available at the moment (HTTP 503"),
]


@pytest.mark.parametrize(("strange", "sentence"), STRANGERS, ids=lambda value: str(value)[:12])
def test_f33_page_of_somebody_else_is_told_as_what_it_is(system: TicketSystem, strange: bytes, sentence: str) -> None:
    """Login pages, proxies and gateways answer too: one sentence with a bounded excerpt, and nothing is written."""
    sync(system)
    before = dump_mirror()

    def reply(request: Request) -> bytes:
        return answer({"SessionID": "s"}) if request.path.endswith("SessionCreate") else strange + b"x" * 5000

    with ReplayServer(reply) as server:
        system.base_url = server.base_url
        system.save()
        run = sync(system)

    assert_held(run, before, sentence)
    assert len(run.error) < 500


@pytest.mark.parametrize("operation", OPERATIONS)
def test_f34_redirect_is_not_followed(helpdesk: RunningSimulator, operation: str) -> None:
    """Wherever it leads, the password does not travel along; the address must be set by a person."""
    system = connected_to(helpdesk, "both")
    sync(system)
    before = dump_mirror()
    helpdesk.faults.add(f"{operation}:redirect")

    run = sync(system)

    assert_held(run, before, f"{operation} was redirected (HTTP 302)")
    assert helpdesk.strays == []
