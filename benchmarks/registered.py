"""The registered systems: list, filtered, sorted and last page, one system, over two years of weekly events."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from benchmarks.bulk import settle
from benchmarks.pages import browser, measure_page
from benchmarks.stopwatch import Page
from registration.models import Account, RegisteredSystem, SupportData
from tickets.models import Customer, TicketSystem

AIM = 50  # milliseconds, at 10,000 systems
FULL_SIZE = 10_000
WEEKS = 104
PER_PAGE = 25
EVENTS = """
WITH RECURSIVE weeks(week) AS (SELECT 1 UNION ALL SELECT week + 1 FROM weeks WHERE week < %s)
INSERT INTO registration_registrationevent (system_id, kind, at, address, facts)
SELECT id, 'updated', registered_at, address, '{}' FROM weeks, registration_registeredsystem ORDER BY week, id
"""


def build(systems: int) -> User:
    """So many systems of a third as many customers, one of a hundred silent or in conflict; and who sees them all."""
    now = timezone.now()
    helpdesk = TicketSystem.objects.create(name="Bench", base_url="http://127.0.0.1:9/otrs", login="x", password="")
    customers = Customer.objects.bulk_create(
        Customer(system=helpdesk, customer_id=f"R{number:05}", name=f"Kunde {number}")
        for number in range(max(systems // 3, 1))
    )
    accounts = Account.objects.bulk_create(
        Account(otrs_id=f"kunde{number}@example.org", password="!", customer=customer)  # noqa: S106  # opens nothing
        for number, customer in enumerate(customers)
    )
    found = RegisteredSystem.objects.bulk_create(
        _system(number, accounts[number % len(accounts)], now=now) for number in range(systems)
    )
    SupportData.objects.create(system=found[0], content=_support_data(), received_at=now)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [WEEKS])
    settle()
    user = User.objects.create_user("bench-registration")
    user.user_permissions.add(Permission.objects.get(codename="see_all_customers"))
    return user


def measure(*, systems: int = FULL_SIZE, rounds: int = 5) -> Iterator[Page]:
    client = browser(build(systems))
    first = RegisteredSystem.objects.order_by("pk")[0]
    listed = reverse("registration:systems")
    pages = {f"systems: {name}": f"{listed}?{urlencode(query)}" for name, query in _lists(systems).items()}
    pages["systems: page of one"] = first.get_absolute_url()
    pages["systems: page of one, last events"] = f"{first.get_absolute_url()}?page=999999"
    for name, address in pages.items():
        yield measure_page(
            client, name, address, size=systems, aim=AIM if systems >= FULL_SIZE else None, rounds=rounds
        )


def _lists(systems: int) -> dict[str, dict[str, str]]:
    last = str(-(-systems // PER_PAGE))
    return {
        "first page": {},
        "last page": {"page": last},
        "sorted by state": {"sort": "state"},
        "sorted by customer": {"sort": "customer"},
        "sorted by last update, last page": {"sort": "last_update", "page": last},
        "need attention": {"state": "attention"},
        "one customer": {"customer": "R00002"},
        "search, few found": {"q": "otrs77.example"},
        "search, none found": {"q": "Kaffeemaschine"},
    }


def _system(number: int, account: Account, *, now: datetime) -> RegisteredSystem:
    silent = timedelta(days=(number % 7) if number % 100 else 20 + number % 50)
    last = now - silent
    in_conflict = number % 200 == 1
    return RegisteredSystem(
        account=account,
        unique_id=f"{number:036}",
        key_hash="k" * 64,
        salt="s" * 16,
        state=RegisteredSystem.State.CONFLICT if in_conflict else RegisteredSystem.State.ACTIVE,
        conflict_at=last if in_conflict else None,
        fqdn=f"otrs{number}.example.org",
        product_version=f"6.0.{number % 40}",
        reported_type=("production", "test", "development")[number % 3],
        reported_description=f"Ticketsystem {number}",
        address="192.0.2.10",
        registered_at=now - timedelta(days=7 * WEEKS),
        last_ok_at=last,
        next_due_at=last + timedelta(days=7),
        accepted=[["0" * 24, 1_700_000_000 + week] for week in range(64)],
    )


def _support_data() -> list[dict[str, str]]:
    return [
        {"Label": f"Fact {number}", "Value": "x" * 200, "Status": "2", "DisplayPath": f"Group {number // 20}"}
        for number in range(150)
    ]
