"""Rounds under faults: people book and the portal reads, bills and issues, then the faults end and the tables are read.

A round is one month of the same customers. When its faults are over, everything that was asked for has to come to its
end by itself; then one run over the final state of the ticket system is reckoned against that system alone.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from django.db import OperationalError
from django.utils import timezone

from billing.audit import audit_ledger
from billing.issuing import issue_orders
from billing.models import Agreement, Allocation, BillingRun, Order
from billing.orders import approve_orders
from billing.queries import left_out
from billing.runs import start_run
from common.jobs import Job
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.billing.scenes import billed
from tests.chaos.faults import Faults
from tests.chaos.stage import QUEUES, Stage
from tests.chaos.writer import Writer, build, reckoning
from tests.factories.tickets import connected
from tickets.models import Customer, SyncRun, TicketSystem, TimeEntry
from tickets.outbox_models import OutboxItem
from tickets.sync import start_sync

JOBS = (BillingRun, SyncRun, OutboxItem)
ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)
LONGEST_SETTLING = 150.0
NEXT_TASK_SECONDS, STARTS = 60.0, 3.0
"""How long a kill may hold up its queue; on a machine that is busy, so many times the start of the workers."""


@dataclass
class Result:
    """What was seen; ``wrong`` are sentences, none where all is right."""

    rounds: int = 0
    rounds_right: int = 0
    wrong: list[str] = field(default_factory=list)
    minutes_lost: Decimal = Decimal(0)
    minutes_double: Decimal = Decimal(0)
    orders: int = 0
    notes: int = 0
    acts: int = 0
    unpublished: int = 0
    refused: int = 0
    """What people asked for and did not get, since a stopped process held the lock."""
    settling: list[float] = field(default_factory=list)
    recoveries: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds from each kill to the next task of its queue, by kind."""
    taken_up: list[float] = field(default_factory=list)
    """Seconds until a job was begun of which no message told."""


class Play:
    """One month after the other; ``faults`` may be shared by all of them."""

    def __init__(self, stage: Stage, dice: random.Random, *, first: Month, customers: int, longest_stop: float) -> None:
        self.stage, self.dice = stage, dice
        self.data: DataSet = build(customers, first)
        plan = FaultPlan(drip_seconds=0.002, late_seconds=0.3)
        self.simulator: RunningSimulator = start_simulator(self.data, faults=plan)
        self.system: TicketSystem = connected(self.simulator, name=f"Under faults from {first}")
        agreement, _made = Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
        Agreement.objects.filter(pk=agreement.pk).update(note_on_issue=True, message_language="en")
        self.faults = Faults(stage, self.simulator, dice, longest_stop)
        self.result = Result()

    def close(self) -> None:
        """Another play on the same database goes on with a ticket system of its own."""
        self.faults.stop()
        self.simulator.stop()
        TicketSystem.objects.filter(pk=self.system.pk).update(active=False)

    def round(self, month: Month, faults: int) -> None:
        """Faults while the month is worked on, then the look at the tables."""
        before = len(self.result.wrong)
        writer = Writer(self.data, month, self.dice)
        writer.begin()
        wanted = self.faults.made.total() + faults
        while self.faults.made.total() < wanted:
            try:
                self._ask(month)
            except OperationalError:
                self.result.refused += 1
            for _act in range(self.dice.randint(1, 4)):
                writer.act()
            self.faults.make_one()
            end = time.monotonic() + self.dice.uniform(0.1, 0.9)
            while time.monotonic() < end:
                self.faults.tend()
                time.sleep(0.05)
        self.faults.stop()
        self.result.acts += writer.acts
        if self._settle(month) and self._final_run(month):
            compare(self.data, month, self.result)
            self._issue(month)
        self.result.rounds += 1
        self.result.rounds_right += len(self.result.wrong) == before

    def end(self) -> None:
        """The notes of the last orders are written, each once; the ledger as a whole is right."""
        self._settle(None)
        self._compare_notes()
        self._add_recoveries()

    def _ask(self, month: Month) -> None:
        """As people and schedulers do, again and again; some messages never leave."""
        now = timezone.now()
        kind = self.dice.random()
        if kind < 0.3:
            run = start_run(month=month, now=now)
        elif kind < 0.5:
            customers = list(Customer.objects.filter(system=self.system).order_by("pk"))
            if not customers:
                return
            run = start_run(month=month, customer=self.dice.choice(customers), now=now)
        elif kind < 0.7:
            self._send("tickets.sync", start_sync(system=self.system, month=month).pk, "network")
            return
        else:
            return
        self._send("billing.run", run.pk, "ledger")

    def _send(self, task: str, pk: int, queue: str) -> None:
        if self.dice.random() < 0.1 or not self.stage.send(task, pk, queue=queue):
            self.result.unpublished += 1

    def _settle(self, month: Month | None) -> bool:
        """Whether all that was asked for has come to its end by itself."""
        begun = time.monotonic()
        while open_jobs := self._open_jobs():
            if time.monotonic() - begun > LONGEST_SETTLING:
                self.result.wrong.append(f"{month}: jobs left open: {', '.join(open_jobs)}")
                return False
            time.sleep(0.2)
        self.result.settling.append(time.monotonic() - begun)
        return True

    def _open_jobs(self) -> list[str]:
        return [
            f"{model.__name__} {pk} {state}"
            for model in JOBS
            for pk, state in model._base_manager.filter(state__in=ACTIVE).values_list("pk", "state")
        ]

    def _final_run(self, month: Month) -> bool:
        """Every other time its message is lost."""
        run = start_run(month=month, now=timezone.now())
        silent = not self.dice.getrandbits(1)
        if not silent:
            self.stage.send("billing.run", run.pk, queue="ledger")
        if not self._settle(month):
            return False
        run.refresh_from_db()
        if silent and run.started_at is not None:
            self.result.taken_up.append((run.started_at - run.requested_at).total_seconds())
        if not run.complete:
            self.result.wrong.append(f"{month}: the last run is not complete: {run.error} {run.problems}")
        return run.complete

    def _issue(self, month: Month) -> None:
        """The notes on the tickets are then written under the faults of the next round."""
        drafts = Order.objects.filter(month=month.first_day, state=Order.State.DRAFT)
        issue_orders(approve_orders(drafts, user=None, now=timezone.now()), user=None, now=timezone.now())

    def _compare_notes(self) -> None:
        """Each note stands once on its ticket, or on the one that this was merged into."""
        with self.data.lock:
            bodies = [article.body for ticket in self.data.tickets.values() for article in ticket.articles]
        for item in OutboxItem.objects.filter(system=self.system).defer("content"):
            times = sum(item.marker in body for body in bodies)
            self.result.notes += times
            if item.state != Job.State.DONE or times != 1:
                sentence = f"note {item.marker} ({item.state}, {item.outcome_text}) was written {times} times"
                self.result.wrong.append(sentence)

    def _add_recoveries(self) -> None:
        """From each kill until its queue went on, by another worker where one was killed; late ones are wrong."""
        deliveries = self.stage.deliveries()
        for kill in self.faults.kills:
            queues = (kill.queue,) if kill.queue else QUEUES
            after = [
                delivery.at - kill.at
                for delivery in deliveries
                if delivery.at > kill.at and delivery.queue in queues and delivery.worker != kill.worker
            ]
            if after:
                self.result.recoveries[kill.kind].append(min(after))
        longest = max(NEXT_TASK_SECONDS, STARTS * self.stage.start_seconds)
        for kind, seconds in self.result.recoveries.items():
            if max(seconds) > longest:
                self.result.wrong.append(f"{kind}: the next task began after {max(seconds):.0f} s only")


def compare(data: DataSet, month: Month, result: Result) -> None:
    """Orders against the ticket system, claims against entries, and the product's own audit."""
    wrong, wanted, found = result.wrong, reckoning(data, month), billed(month)
    for customer in sorted(wanted.keys() | found.keys()):
        lines, seen = wanted.get(customer, {}), found.get(customer, {})
        for number in sorted(lines.keys() | seen.keys()):
            right, shown = lines.get(number, Decimal(0)), seen.get(number, Decimal(0))
            if right != shown:
                wrong.append(f"{month}: {customer}, ticket {number}: {right} min booked, {shown} billed")
                result.minutes_lost += max(right - shown, Decimal(0))
                result.minutes_double += max(shown - right, Decimal(0))
    orders = Order.objects.not_void().filter(month=month.first_day)
    owners = Counter(orders.values_list("customer", flat=True))
    wrong += [f"{month}: customer {pk} has several orders" for pk, count in owners.items() if count > 1]
    claims = Counter(Allocation.objects.filter(live=True).values_list("entry", flat=True))
    wrong += [f"{month}: entry {pk} is claimed twice" for pk, count in claims.items() if count > 1]
    wrong += _sums_that_differ(data, month)
    wrong += [f"{month}: {breach.sentence} {breach.examples}" for breach in audit_ledger().breaches]
    result.orders += orders.count()


def _sums_that_differ(data: DataSet, month: Month) -> list[str]:
    """Booked in the ticket system = mirrored = billed + listed."""
    booked = sum((entry.units for entry in data.entries_booked_in((month.year, month.month))), Decimal(0))
    present = TimeEntry.objects.present().filter(local_day__range=(month.first_day, month.end_day))
    mirrored = sum(present.values_list("minutes", flat=True), Decimal(0))
    orders = Order.objects.not_void().filter(month=month.first_day)
    in_orders = sum(orders.values_list("recorded_minutes", flat=True), Decimal(0))
    listed = sum((row.minutes for row in left_out(month)), Decimal(0))
    if booked == mirrored == in_orders + listed:
        return []
    return [f"{month}: {booked} booked, {mirrored} mirrored, {in_orders} billed + {listed} listed"]


def table(play: Play, *, seed: int, keeps: bool) -> str:
    """The outcome for people, with what is needed to play it again."""
    result, faults = play.result, play.faults
    deliveries = [delivery for delivery in play.stage.deliveries() if delivery.task in ("billing.run", "tickets.sync")]
    jobs = {(delivery.task, delivery.argument) for delivery in deliveries}
    rows: list[tuple[str, object]] = [
        ("seed", seed),
        ("broker", "append-only file, every second" if keeps else "without persistence"),
        ("faults", faults.made.total()),
        *((f"  {kind}", count) for kind, count in sorted(faults.made.items())),
        ("  found nothing to strike, not counted", faults.vain.total()),
        ("rounds right", f"{result.rounds_right} of {result.rounds}"),
        ("acts of people in the ticket system", result.acts),
        ("orders, notes on tickets", f"{result.orders}, {result.notes}"),
        ("deliveries of readings and runs", f"{len(deliveries)} for {len(jobs)} jobs"),
        ("messages never published", result.unpublished),
        ("requests refused, as a stopped process held the lock", result.refused),
        ("programs started again", play.stage.restarts),
        ("minutes lost, doubled", f"{result.minutes_lost}, {result.minutes_double}"),
        ("settled after, longest", f"{max(result.settling, default=0):.1f} s"),
    ]
    rows += [(f"next task after: {kind}", _spread(seconds)) for kind, seconds in sorted(result.recoveries.items())]
    rows.append(("job without a message begun after (waits divided by pace)", _spread(result.taken_up)))
    rows.append(("start of workers on this machine", f"{play.stage.start_seconds:.1f} s"))
    lines = [f"{name:<58} {value}" for name, value in rows]
    return "\n".join([*lines, *(f"WRONG: {sentence}" for sentence in result.wrong)])


def _spread(seconds: list[float]) -> str:
    return f"median {median(seconds):.1f} s, longest {max(seconds):.1f} s" if seconds else "-"


@contextmanager
def playing(stage: Stage, *, seed: int, first: Month, customers: int, longest_stop: float) -> Iterator[Play]:
    play = Play(stage, random.Random(seed), first=first, customers=customers, longest_stop=longest_stop)
    try:
        yield play
    finally:
        play.close()
