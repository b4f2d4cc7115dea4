"""Reading a month over the Generic Interface: the client beside the same requests sent by bare ``requests``.

The stand-in ticket system runs in a process of its own, so that its work does not share the interpreter with the
client's. It is measured twice: as fast as it can, which is much faster than any real server, and at the pace that was
measured on a real one (warm, OTRS 6 with mod_perl): 13 ms a search, 0.69 ms a ticket, 0.96 ms a history.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import requests

from benchmarks.stopwatch import Result, compare, seconds
from generic_interface.client import Client
from generic_interface.connection import Connection
from generic_interface.reach import Reach
from generic_interface.rest_transport import RestTransport
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD

ZONE = ZoneInfo("Europe/Berlin")
HERE = Reach.of(["http://127.0.0.1:*"])
SERVER = """
import sys, time
from generic_interface.simulator.data import build_month
from generic_interface.simulator.server import RunningSimulator
from generic_interface.simulator.system import SimulatedSystem

SECONDS = {"SessionCreate": 0.026, "TicketSearch": 0.013}
SECONDS_PER_TICKET = {"TicketGet": 0.00069, "TicketHistoryGet": 0.00096}

class Paced(SimulatedSystem):
    def answer(self, call):
        tickets = str(call.parameters.get("TicketID", "")).count(",") + 1
        time.sleep(SECONDS.get(call.operation, 0) + tickets * SECONDS_PER_TICKET.get(call.operation, 0))
        return super().answer(call)

kind = Paced if sys.argv[2] == "paced" else SimulatedSystem
month = (int(sys.argv[3]), int(sys.argv[4]))
server = RunningSimulator(kind(build_month(tickets=int(sys.argv[1]), month=month)))
print(server.base_url, flush=True)
sys.stdin.read()
"""


class RecordingTransport(RestTransport):
    """Notes every call that the client makes."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.calls: list[tuple[str, dict[str, object]]] = []

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        self.calls.append((operation, dict(parameters)))
        return super().call(operation, parameters)


@contextmanager
def stand_in(tickets: int, *, paced: bool, month: tuple[int, int] = (2026, 10)) -> Iterator[str]:
    """Base URL of a stand-in ticket system in a process of its own, with that many closed tickets of the month."""
    command = [sys.executable, "-c", SERVER, str(tickets), "paced" if paced else "fast", *map(str, month)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def read_month(client: Client) -> int:
    """What a sync asks: closed tickets, the tickets, their histories. Returns the number of bookings."""
    start, end = datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)
    ids = client.search_closed_tickets(start=start, end=end)
    client.get_tickets(ids)
    return sum(len(history.bookings) for history in client.get_histories(ids).histories)


def fetch_bare(base_url: str, calls: list[tuple[str, dict[str, object]]]) -> int:
    """The same requests over one kept-alive Session, bodies read and thrown away. Returns the bytes received."""
    session = requests.Session()
    root = f"{base_url}/nph-genericinterface.pl/Webservice/BillingPortal/"
    return sum(len(session.post(root + operation, json=body, timeout=60).content) for operation, body in calls)


def measure(*, tickets: int, paced: bool, rounds: int = 5) -> Result:
    """The client's month of ``tickets`` closed tickets against the bare requests."""
    with stand_in(tickets, paced=paced) as base_url:
        connection = Connection(base_url=base_url, login=DEMO_LOGIN, password=DEMO_PASSWORD, zone=ZONE, reach=HERE)
        transport = RecordingTransport(connection)
        with Client(connection, transport=transport) as client:
            bookings = read_month(client)
        size = fetch_bare(base_url, transport.calls)

        def own() -> float:
            with Client(connection) as client:
                return seconds(lambda: read_month(client))

        floor, product = compare(lambda: seconds(lambda: fetch_bare(base_url, transport.calls)), own, rounds=rounds)
    pace = "at a real server's pace" if paced else "stand-in at full speed"
    return Result(
        name=f"reading over REST, {pace}",
        size=tickets,
        of="tickets",
        floor_name=f"bare requests, {size / 1e6:.1f} MB",
        floor=floor,
        product=product,
        aim=1.2 if paced else None,
        note=f"{transport.requests_made} requests, {bookings:,} bookings",
    )
