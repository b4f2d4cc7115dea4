"""Reading a month over the Generic Interface: the client beside the same requests sent by bare ``requests``.

The stand-in ticket system runs in a process of its own, so that its work does not share the interpreter with the
client's. Its answers are made faster than a real server's; the overhead shown is therefore an upper bound.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import requests

from benchmarks.stopwatch import Result, compare, seconds
from generic_interface.client import Client
from generic_interface.connection import Connection
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD
from generic_interface.transport import RestTransport

ZONE = ZoneInfo("Europe/Berlin")
SERVER = """
import sys
from generic_interface.simulator.data import build_month
from generic_interface.simulator.server import start_simulator
server = start_simulator(build_month(tickets=int(sys.argv[1])))
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
def stand_in(tickets: int) -> Iterator[str]:
    """Base URL of a stand-in ticket system in a process of its own, with that many closed tickets of October 2026."""
    command = [sys.executable, "-c", SERVER, str(tickets)]
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


def measure(*, tickets: int, rounds: int = 7) -> Iterator[Result]:
    """One line: the client's month of ``tickets`` closed tickets against the bare requests."""
    with stand_in(tickets) as base_url:
        connection = Connection(base_url=base_url, login=DEMO_LOGIN, password=DEMO_PASSWORD, zone=ZONE)
        transport = RecordingTransport(connection)
        with Client(connection, transport=transport) as client:
            began = time.perf_counter()
            bookings = read_month(client)
            first = time.perf_counter() - began
            size = fetch_bare(base_url, transport.calls)

        def bare() -> float:
            return seconds(lambda: fetch_bare(base_url, transport.calls))

        def own() -> float:
            with Client(connection) as client:
                return seconds(lambda: read_month(client))

        floor, product = compare(bare, own, rounds=rounds)
    yield Result(
        name=f"reading a month of {tickets:,} closed tickets",
        floor_name=f"bare requests, {size / 1e6:.1f} MB",
        floor=floor,
        product=product,
        aim="<= 1.2x",
        note=f"{transport.requests_made} requests, {bookings:,} bookings, first time {first:.2f} s",
    )
