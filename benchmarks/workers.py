"""What more worker processes gain: ticket systems read and customers billed by 1, 2 and 4 processes of one worker.

All of it is real: the product's tasks and queues, a prefork worker, PostgreSQL, and a Redis for this alone as broker.
Each ticket system is a stand-in in a process of its own at the pace of a real server (see ``interface``); it is read
twice, all new and with nothing changed. Customers with own terms are billed by a run each, as the scheduler does it.
Rounds alternate between the numbers of processes, so that all meet the same machine. Not measured on SQLite, where one
worker does everything.
"""

import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from django.utils import timezone

from benchmarks import billing
from benchmarks.bulk import MIRROR, clear, empty, settle
from benchmarks.fleet import Taken, broker, fleets
from benchmarks.interface import stand_in
from benchmarks.summary import Line
from billing.models import Agreement, Allocation
from billing.runs import start_run
from common.months import Month
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD
from tests.chaos.stage import Broker
from tickets.models import Customer, TicketSystem, TimeEntry
from tickets.sync import start_sync

PROCESSES = (1, 2, 4)
A_TICKET = 5
"""Entries of each ticket."""
OWN_DAY = 15

Times = dict[int, list[Taken]]
"""What each round took, by number of processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is read and billed."""

    systems: int
    tickets: int
    """Closed tickets of each ticket system."""
    customers: int
    billed: int
    """Closed tickets of each customer."""


SIZES = {
    "S": Size(systems=8, tickets=250, customers=16, billed=250),
    "M": Size(systems=8, tickets=1_000, customers=16, billed=1_000),
    "L": Size(systems=16, tickets=4_000, customers=32, billed=4_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The same jobs by so many processes; seconds are medians."""

    name: str
    jobs: int
    size: int
    """How many of ``of`` all jobs together work on."""
    of: str
    processes: int
    seconds: float
    alone: float
    """Seconds of one process."""
    processor: float
    """Seconds of processor time that a job took in the worker."""

    @property
    def jobs_a_second(self) -> float:
        return self.jobs / self.seconds

    @property
    def speed_up(self) -> float:
        return self.alone / self.seconds

    @property
    def ratio(self) -> float:
        """Beside the floor: the time of one process divided evenly among all. 1 is a perfect division."""
        return self.seconds / (self.alone / self.processes)

    @property
    def _counted(self) -> str:
        return f"{self.processes} process{'es' if self.processes > 1 else ''}"

    def lines(self) -> list[Line]:
        name = f"{self.name}, {self._counted}"
        return [Line(name=name, size=self.size, cost=self.seconds, unit="s", ratio=self.ratio)]

    def __str__(self) -> str:
        return (
            f"{self.name}, {self.size:,} {self.of}, {self._counted}: {self.seconds:.2f} s, "
            f"{self.jobs_a_second:.2f} jobs/s, speed-up {self.speed_up:.2f}, "
            f"{self.processor:.2f} s of processor time a job"
        )


def curve(times: Mapping[int, Sequence[Taken]], *, name: str, jobs: int, size: int, of: str) -> list[Share]:
    """From what each round took, by number of processes; one process must be among them."""
    alone = statistics.median(taken.seconds for taken in times[1])
    return [
        Share(
            name=name,
            jobs=jobs,
            size=size,
            of=of,
            processes=processes,
            seconds=statistics.median(taken.seconds for taken in rounds),
            processor=statistics.median(taken.processor for taken in rounds) / jobs,
            alone=alone,
        )
        for processes, rounds in times.items()
    ]


def measure(size: Size, *, processes: Sequence[int] = PROCESSES, rounds: int = 3) -> Iterator[Share | str]:
    """Raises ``AssertionError`` when a job did not end complete, or not everything was read or billed."""
    yield f"workers over PostgreSQL and Redis, medians of {rounds}: {os.cpu_count()} cores, {_load()} before"
    with broker() as redis:
        anew, again = _read(size, redis, processes, rounds)
        read, tickets = f"{size.systems} ticket systems read", size.systems * size.tickets
        yield from curve(anew, name=f"{read}, all new", jobs=size.systems, size=tickets, of="tickets")
        yield from curve(again, name=f"{read}, nothing changed", jobs=size.systems, size=tickets, of="tickets")
        billed, name = _bill(size, redis, processes, rounds), f"{size.customers} customers billed by runs of their own"
        yield from curve(billed, name=name, jobs=size.customers, size=_entries(size), of="entries")
    yield f"{_load()} after"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _read(size: Size, redis: Broker, processes: Sequence[int], rounds: int) -> tuple[Times, Times]:
    empty()
    month = Month.of(timezone.now().date()).previous
    anew, again = defaultdict[int, list[Taken]](list), defaultdict[int, list[Taken]](list)
    with ExitStack() as stack:
        for number in range(size.systems):
            base_url = stack.enter_context(stand_in(size.tickets, paced=True, month=(month.year, month.month)))
            TicketSystem.objects.create(
                name=f"bench {number}", base_url=base_url, login=DEMO_LOGIN, password=DEMO_PASSWORD
            )
        running = stack.enter_context(fleets("network", processes=processes, broker=redis))
        for count in rounds * list(processes):
            clear(model for model in MIRROR if model is not TicketSystem)
            for times in (anew, again):
                settle()
                jobs = [start_sync(system=system, month=month) for system in TicketSystem.objects.all()]
                times[count].append(running[count].carry_out("tickets.sync", jobs))
                _expect(TimeEntry.objects.present().count(), size.systems * size.tickets * A_TICKET)
    return anew, again


def _bill(size: Size, redis: Broker, processes: Sequence[int], rounds: int) -> Times:
    billing.seed(customers=size.customers, tickets=size.customers * size.billed, entries=_entries(size))
    customers = list(Customer.objects.all())
    Agreement.objects.bulk_create(
        Agreement(customer=customer, hourly_rate=95, billing_day=OWN_DAY) for customer in customers
    )
    times = defaultdict[int, list[Taken]](list)
    with fleets("ledger", processes=processes, broker=redis) as running:
        for count in rounds * list(processes):
            billing.clear_ledger()
            now = timezone.now()
            runs = [
                start_run(month=billing.MONTH, customer=customer, reads_first=False, now=now) for customer in customers
            ]
            times[count].append(running[count].carry_out("billing.run", runs))
            _expect(Allocation.objects.filter(live=True).count(), _entries(size))
    return times


def _entries(size: Size) -> int:
    return size.customers * size.billed * A_TICKET


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise AssertionError(f"{found:,} entries instead of {expected:,}")
