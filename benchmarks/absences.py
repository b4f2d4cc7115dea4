"""Checking a file of absences: parser and checks beside ``csv.reader`` alone, and the upload with its page.

Parser and checks are pure, so their time for a row is that of the processor; what a person waits for is wall time.
"""

import csv
import io
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from benchmarks.stopwatch import compare, seconds
from benchmarks.summary import Line
from outofoffice.checks import check_file, check_rows, read_book
from outofoffice.models import Upload, UploadRow
from outofoffice.parsing import parse_absences
from tickets.models import Agent, TicketSystem

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ROW_AIM, CHECK_AIM, SHOWN_AIM = 10.0, 150.0, 1.0
"""Microseconds a row in parser and checks; milliseconds for 1,000 rows with the list of agents read; seconds until
5,000 rows are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One size; times are medians in seconds."""

    rows: int
    floor: float
    pure: float
    check: float
    shown: float

    def lines(self) -> list[Line]:
        each, check, check_aim = self.pure / self.rows * 1e6, self.check * 1000, CHECK_AIM * self.rows / 1000
        costs = [
            ("absences, parsed and checked", self.pure * 1000, "ms", f"{ROW_AIM:g} µs a row", each <= ROW_AIM),
            ("absences, checked with the agents", check, "ms", f"{check_aim:g} ms", check <= check_aim),
            ("absences, uploaded and shown", self.shown, "s", f"{SHOWN_AIM:g} s", self.shown <= SHOWN_AIM),
        ]
        ratios = [self.pure / self.floor, None, None]
        return [
            Line(name=name, size=self.rows, cost=cost, unit=unit, ratio=ratio, aim=aim, met=met)
            for (name, cost, unit, aim, met), ratio in zip(costs, ratios, strict=True)
        ]

    def __str__(self) -> str:
        each, bare = (part / self.rows * 1e6 for part in (self.pure, self.floor))
        check, check_aim = self.check * 1000, CHECK_AIM * self.rows / 1000
        return (
            f"absences, {self.rows:,} rows: {each:.1f} µs a row ({_verdict(each, ROW_AIM)}), csv.reader {bare:.1f} µs; "
            f"checked with the list of agents in {check:.0f} ms ({_verdict(check, check_aim)}); "
            f"uploaded, stored and shown in {self.shown:.2f} s ({_verdict(self.shown, SHOWN_AIM)})"
        )


def _verdict(value: float, aim: float) -> str:
    return f"aim {aim:g} {'met' if value <= aim else 'MISSED'}"


def measure(*, sizes: tuple[int, ...] = (1_000, 5_000), rounds: int = 5) -> Iterator[Check]:
    """Agents as many as rows, so that every row is a good one."""
    system = TicketSystem.objects.create(name="Absences", base_url="http://127.0.0.1:9/otrs", login="x", password="x")  # noqa: S106
    Agent.objects.bulk_create(
        Agent(system=system, login=f"agent.{n}", email=f"agent.{n}@example.org", name=f"Agent {n}")
        for n in range(max(sizes))
    )
    client = _browser()
    for size in sizes:
        yield _measure(client, system, _file(size), size, rounds)


def _measure(client: Client, system: TicketSystem, data: bytes, rows: int, rounds: int) -> Check:
    book = read_book(system)

    def floor() -> float:
        return _processor_seconds(lambda: list(csv.reader(io.StringIO(data.decode(), newline=""))))

    def pure() -> float:
        return _processor_seconds(lambda: check_rows(parse_absences(data), book, today=NOW.date()))

    bare, parsed = compare(floor, pure, rounds=rounds)
    check = statistics.median(seconds(lambda: check_file(system=system, data=data, now=NOW)) for _ in range(rounds))
    shown = statistics.median(seconds(lambda: _upload(client, system, data, rows)) for _ in range(rounds))
    return Check(rows=rows, floor=bare, pure=parsed, check=check, shown=shown)


def _processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _file(rows: int) -> bytes:
    lines = [
        f"agent.{n},{1 + n % 28:02}.12.2026,2027-01-{1 + n % 28:02},{'yes' if n % 5 else 'no'}" for n in range(rows)
    ]
    return "\n".join(["UserLogin,StartDate,EndDate,Enabled", *lines]).encode()


def _browser() -> Client:
    user = get_user_model()._default_manager.create_user("absences")
    user.user_permissions.add(Permission.objects.get(codename="upload_out_of_office"))
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def _upload(client: Client, system: TicketSystem, data: bytes, rows: int) -> None:
    fields = {"system": system.pk, "file": SimpleUploadedFile("a.csv", data)}
    response = client.post(reverse("outofoffice:index"), fields, follow=True)
    good = UploadRow.objects.filter(upload=Upload.objects.latest("pk")).exclude(effect="error").count()
    if response.status_code != 200 or good != rows:
        raise AssertionError(f"{response.status_code}, {good} good rows of {rows}")
