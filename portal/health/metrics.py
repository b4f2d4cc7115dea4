"""Figures for Prometheus, worked out from the database when it asks: right with any number of web processes.

No label has more values than there are ticket systems; the number of queries is the same for any amount of data.
"""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.models import AuditHead
from billing.models import BillingRun, Order
from billing.run_models import RunMail
from common.jobs import Job
from outofoffice.models import Sending
from portal.health.audit_log import waiting_since
from portal.health.examination import examine
from portal.health.findings import State
from portal.health.readings import latest_readings
from portal.signs import latest_signs
from tickets.models import SyncRun, TicketSystem
from tickets.outbox_models import OutboxItem

JOBS: dict[str, type[Job]] = {"sync": SyncRun, "billing": BillingRun, "sending": Sending, "outbox": OutboxItem}
VALUES = {State.GOOD: 1.0, State.WARN: 0.5, State.BAD: 0.0}
Metrics = Iterator[GaugeMetricFamily]
Values = dict[tuple[str, ...], float]


class PortalCollector(Collector):
    """Each family in one query or a fixed number of them."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def collect(self) -> Metrics:
        findings = examine(now=self._now)
        yield _family(
            "check",
            "1 well, 0.5 needs a look, 0 does not work",
            ("check", "about"),
            {(finding.name, finding.about): VALUES[finding.state] for finding in findings},
        )
        if findings[0].state == State.GOOD:
            yield from _jobs(now=self._now)
            yield from _readings(now=self._now)
            yield from _signs(now=self._now)
            yield from _ledger()
            yield from _audit_log(now=self._now)


def metrics_text(*, now: datetime) -> bytes:
    """All figures in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PortalCollector(now=now))
    return generate_latest(registry)


def _jobs(*, now: datetime) -> Metrics:
    counts: Values = {}
    ages: Values = {}
    for kind, model in JOBS.items():
        rows = model._base_manager.order_by().values("state").annotate(n=Count("pk"), oldest=Min("created_at"))
        found = {row["state"]: row for row in rows}
        counts |= {(kind, state): found[state]["n"] if state in found else 0 for state in Job.State.values}
        waiting = found.get(Job.State.QUEUED)
        ages[kind,] = (now - waiting["oldest"]).total_seconds() if waiting else 0.0
    yield _family("jobs", "Jobs by state", ("kind", "state"), counts)
    yield _family("oldest_waiting_job_seconds", "How long the oldest waiting job has waited", ("kind",), ages)


def _readings(*, now: datetime) -> Metrics:
    readings = latest_readings(TicketSystem.objects.filter(active=True))
    read: Values = {(each.system,): (now - each.begun).total_seconds() for each in readings if each.begun is not None}
    yield _family("reading_age_seconds", "Age of the latest reading of the newest month", ("system",), read)
    complete: Values = {(each.system,): float(each.complete) for each in readings}
    yield _family("reading_complete", "Whether that reading is complete", ("system",), complete)


def _signs(*, now: datetime) -> Metrics:
    seen: Values = {(name,): (now - at).total_seconds() for name, at in latest_signs().items() if at is not None}
    yield _family("last_seen_seconds", "Since when a queue or the scheduler was not seen at work", ("name",), seen)


def _ledger() -> Metrics:
    rows = dict(Order.objects.order_by().values_list("state").annotate(n=Count("pk")))
    states: Values = {(state,): rows.get(state, 0) for state in Order.State.values}
    yield _family("orders", "Orders by state", ("state",), states)
    waiting = RunMail.objects.filter(state=RunMail.State.WAITING).count() if settings.SENDS_MAIL else 0
    yield _family("waiting_mails", "Mails about scheduled runs that wait", (), {(): waiting})


def _audit_log(*, now: datetime) -> Metrics:
    """The position never falls: one that does says that rows were deleted."""
    position = AuditHead.objects.values_list("position", flat=True).first() or 0
    yield _family("audit_log_position", "Position at which the audit log ends", (), {(): position})
    oldest = waiting_since()
    waiting = (now - oldest).total_seconds() if oldest else 0.0
    yield _family("audit_log_waiting_seconds", "How long the oldest row waits for its seal", (), {(): waiting})


def _family(name: str, text: str, labels: tuple[str, ...], values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"portal_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
