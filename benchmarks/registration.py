"""Updates of registered systems a second, through gunicorn as the portal runs it, and clients of OTRS over years.

10,000 systems with two years of weekly events are in the database already. The load comes from this machine too, over
kept-alive connections, and each system updates once; the floor is the same number of requests that the server answers
without asking the database.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlencode

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from benchmarks.bulk import fill, settle, stored_moment
from benchmarks.summary import Line
from portal.serving import GUNICORN
from registration.identifiers import UpdateId, keyed_hash, new_salt, write_update_id
from registration.models import Account, RegisteredSystem, RegistrationEvent

SYSTEMS, WEEKS, UPDATES, CONNECTIONS = 10_000, 104, 3_000, 8
AIM = 200.0
API_KEY = "key-of-the-benchmark"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WAIT_SECONDS = 60
NOTHING = urlencode({"Action": "PublicCloudService", "RequestData": '{"None": [{"Operation": "None"}]}'}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Requests a second; the slowest is the 99th percentile in milliseconds."""

    systems: int
    updates: float
    median: float
    slowest: float
    floor: float

    def lines(self) -> list[Line]:
        met = self.updates >= AIM
        name = "registration, one update"
        return [
            Line(name=name, size=self.systems, cost=1000 / self.updates, unit="ms", aim=f"{AIM:g} updates/s", met=met)
        ]

    def __str__(self) -> str:
        return (
            f"registration, {self.systems:,} systems: {self.updates:.0f} updates/s (aim {AIM:g} "
            f"{'met' if self.updates >= AIM else 'MISSED'}), median {self.median:.0f} ms, 99 % within "
            f"{self.slowest:.0f} ms; {self.floor:.0f} requests/s that ask nothing of the database"
        )


def build_systems(*, systems: int = SYSTEMS, weeks: int = WEEKS) -> None:
    """Registered systems with keys 1 to their number, of 50 accounts, and the events of their weekly updates."""
    now, hashed = timezone.now(), keyed_hash("api key", API_KEY)
    password, first = make_password(API_KEY), now - timedelta(weeks=weeks)
    Account.objects.bulk_create(Account(otrs_id=f"bench{number}", password=password) for number in range(50))
    accounts = list(Account.objects.filter(otrs_id__startswith="bench").values_list("pk", flat=True))
    names = ["id", "account_id", "unique_id", "key_hash", "fqdn", "product_version", "salt", "registered_at"]
    rows = (
        (
            pk,
            accounts[pk % 50],
            f"bench-{pk}",
            hashed,
            f"otrs{pk:05}.example.com",
            f"6.0.{pk % 40}",
            _salt(pk),
            *3 * (moment,),
        )
        for pk in range(1, systems + 1)
        if (moment := stored_moment(_reported(now, pk)))
    )
    fill(RegisteredSystem, [*names, "last_ok_at", "next_due_at"], rows)
    moments = [stored_moment(first + timedelta(weeks=week)) for week in range(weeks)]
    events = (("updated", pk, moment, "{}") for moment in moments for pk in range(1, systems + 1))
    fill(RegistrationEvent, ["kind", "system_id", "at", "facts"], events)
    settle()


def _reported(now: datetime, pk: int) -> datetime:
    """Nine in ten within the last week, the others up to two months ago."""
    return now - timedelta(hours=pk % 168 if pk % 10 else pk % 1_440)


def _salt(pk: int) -> str:
    return f"{pk:016x}"


@contextmanager
def server() -> Iterator[int]:
    """The port of a gunicorn over the same database, with the options of the portal."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "portal.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    environment = os.environ | {"DATABASE_URL": _database_url()}
    with subprocess.Popen([*command, "--no-control-socket", *GUNICORN], env=environment) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _database_url() -> str:
    """Of the database that this process works on, which is not the one of its environment."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


def _wait_for(port: int) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"gunicorn did not start within {WAIT_SECONDS} seconds")


def measure(*, systems: int = SYSTEMS, weeks: int = WEEKS, updates: int = UPDATES) -> Throughput:
    build_systems(systems=systems, weeks=weeks)
    bodies = [_update(pk) for pk in range(1, updates + 1)]
    with server() as port:
        _send(port, [NOTHING] * 200)
        floor_times, floor = _send(port, [NOTHING] * updates)
        times, seconds = _send(port, bodies)
    if RegisteredSystem.objects.filter(counter=2).count() != updates:
        raise AssertionError("not every update was processed once")
    return Throughput(
        systems=systems,
        updates=updates / seconds,
        median=statistics.median(times) * 1000,
        slowest=sorted(times)[len(times) * 99 // 100] * 1000,
        floor=len(floor_times) / floor,
    )


def _update(pk: int) -> bytes:
    key = {"UniqueID": f"bench-{pk}", "APIKey": API_KEY}
    data = {
        "LastUpdateID": write_update_id(f"bench-{pk}", UpdateId(1, _salt(pk))),
        "AttemptID": new_salt(),
        "FQDN": f"otrs{pk:05}.example.com",
        "OTRSVersion": "6.0.30",
        "OSType": "Linux",
        "OSVersion": "debian 12.11",
        "PerlVersion": "5.36.0",
        "DatabaseVersion": "MariaDB 10.11.19",
        "SupportDataSending": "No",
        "State": "active",
        "APIVersion": 2,
    }
    request = {"SystemRegistration": [{"Operation": "Update", "Data": data}]}
    fields = {"Action": "PublicCloudService", "OTRSIDAuth": "", "UniqueIDAuth": json.dumps(key)}
    return urlencode(fields | {"RequestData": json.dumps(request)}).encode()


def _send(port: int, bodies: list[bytes]) -> tuple[list[float], float]:
    """Seconds of each request, and of all of them together."""

    def one_connection(number: int) -> list[float]:
        http, times = HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS), []
        for body in bodies[number::CONNECTIONS]:
            start = time.perf_counter()
            http.request("POST", "/otrs/public.pl", body, FORM)
            response = http.getresponse()
            content = response.read()
            times.append(time.perf_counter() - start)
            if (response.status, response.reason) != (200, "OK"):
                raise AssertionError(f"{response.status} {response.reason}: {content!r}")
        http.close()
        return times

    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        times = [each for part in pool.map(one_connection, range(CONNECTIONS)) for each in part]
    return times, time.perf_counter() - start
