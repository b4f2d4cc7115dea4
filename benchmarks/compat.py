"""Clients of OTRS and their copies over years, against the state machine of the server and nothing else.

A client does what the real one does: up to three tries of the same request with a timeout of 60 seconds, two hours
until the next go after a failure, else the moment that the server named. Each try may be lost, be worked on up to 120
seconds after it was sent and thus too late, or lose its answer, each with the chance ``loss``; a client crashes before
it stores a new id with a quarter of that.
"""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.summary import Line
from registration.identifiers import UpdateId
from registration.rotation import Kind, Rotation, decide_update, next_update

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT, TRIES = timedelta(seconds=60), 3
AGAIN_AFTER_FAILURE = timedelta(hours=2)
TWO_YEARS = timedelta(days=730)
LOSSES = (0.0, 0.1, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compat:
    """One chance of loss."""

    loss: float
    honest: int
    locked_out: int
    copied: int
    found: int
    most_updates: int

    @property
    def good(self) -> bool:
        return not self.locked_out and self.found == self.copied and self.most_updates <= 4

    def lines(self) -> list[Line]:
        name = f"updates until a copy is found, loss {self.loss:g}"
        aim = "none locked out, all found by 4"
        return [Line(name=name, size=self.copied, cost=self.most_updates, unit="", aim=aim, met=self.good)]

    def __str__(self) -> str:
        return (
            f"clients of OTRS for two years, loss {self.loss:g}: {self.locked_out:,} of {self.honest:,} honest ones "
            f"locked out, {self.found:,} of {self.copied:,} copies found, at most {self.most_updates} updates of the "
            f"busier one until then   aim {'met' if self.good else 'MISSED'}"
        )


@dataclass(slots=True)
class World:
    """One registration and the systems that use its key; each has stored an id."""

    chance: random.Random
    loss: float
    stored: list[UpdateId]
    row: Rotation
    updates: list[int] = field(default_factory=list)
    agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    steps: int = 0
    due: datetime | None = None

    def happens(self, share: float = 1.0) -> bool:
        return self.chance.random() < self.loss * share

    def plan(self, at: datetime, work: Callable[[datetime], None]) -> None:
        self.steps += 1
        heapq.heappush(self.agenda, (at, self.steps, work))

    def run(self, until: datetime) -> None:
        """Work through the agenda until that moment or until a conflict is found."""
        while self.agenda and self.row.active and self.agenda[0][0] < until:
            at, _step, work = heapq.heappop(self.agenda)
            work(at)

    def begin(self, system: int, number: int = 1) -> Callable[[datetime], None]:
        """One try of an update."""

        def send(now: datetime) -> None:
            shown, failed = self.stored[system], now + TIMEOUT
            if self.happens():
                self.plan(failed, self.next_try(system, number))
            elif self.happens():
                self.plan(now + TIMEOUT * self.chance.uniform(1, 2), self.late(shown))
                self.plan(failed, self.next_try(system, number))
            else:
                self.answer(system, shown, number, now + timedelta(seconds=self.chance.random()), failed)

        return send

    def late(self, shown: UpdateId) -> Callable[[datetime], None]:
        """Nobody waits for the answer any more."""

        def arrive(now: datetime) -> None:
            self.process(shown, now)

        return arrive

    def answer(self, system: int, shown: UpdateId, number: int, now: datetime, failed: datetime) -> None:
        due = self.process(shown, now)
        if self.happens():
            self.plan(failed, self.next_try(system, number))
        elif due is None or self.happens(0.25):
            self.plan(now + AGAIN_AFTER_FAILURE, self.begin(system))
        else:
            self.stored[system] = self.row.current
            self.updates[system] += 1
            self.plan(due, self.begin(system))

    def next_try(self, system: int, number: int) -> Callable[[datetime], None]:
        if number < TRIES:
            return self.begin(system, number + 1)
        return lambda now: self.plan(now + AGAIN_AFTER_FAILURE, self.begin(system))

    def process(self, shown: UpdateId, now: datetime) -> datetime | None:
        """What the server does; the moment of the next update, or ``None`` when this one is refused."""
        decision = decide_update(self.row, shown, "", now=now, salt=f"{self.chance.getrandbits(64):016x}")
        self.row = decision.after
        if not decision.is_accepted:
            return None
        self.due = next_update(now, self.chance.uniform(-1, 1), self.due if decision.kind == Kind.REPEATED else None)
        return self.due


def live(seed: int, *, systems: int, loss: float, lasts: timedelta = TWO_YEARS) -> World:
    """As many systems with one key, copied before their first update; their updates start within five minutes."""
    chance, first = random.Random(seed), UpdateId(1, "first")  # noqa: S311 - a simulation
    row = Rotation(active=True, uses_attempts=False, current=first)
    world = World(chance, loss, [first] * systems, row, updates=[0] * systems)
    for system in range(systems):
        world.plan(START + timedelta(seconds=chance.uniform(0, 300)), world.begin(system))
    world.run(START + lasts)
    return world


def measure(*, honest: int = 1_000, copied: int = 3_000, losses: tuple[float, ...] = LOSSES) -> Iterator[Compat]:
    for loss in losses:
        yield _measure(loss, honest, copied)


def _measure(loss: float, honest: int, copied: int) -> Compat:
    locked_out = sum(not live(seed, systems=1, loss=loss).row.active for seed in range(honest))
    worlds = [live(seed, systems=2, loss=loss) for seed in range(honest, honest + copied)]
    found = [world for world in worlds if not world.row.active]
    return Compat(
        loss=loss,
        honest=honest,
        locked_out=locked_out,
        copied=copied,
        found=len(found),
        most_updates=max((max(world.updates) for world in found), default=0),
    )
