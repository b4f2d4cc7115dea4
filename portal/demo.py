"""The demo: an invented ticket system, invented users and agreements, in a database that holds nothing else."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils.translation import gettext as _

from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.prepaid import move
from common.months import Month
from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.months import ZONE
from generic_interface.simulator.people import CUSTOMERS
from generic_interface.simulator.server import RunningSimulator, start_simulator
from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from tickets.models import Customer, TicketSystem

SYSTEM = "Demo"
MEMORY = "demo.json"
PORTS_TRIED = 20
USERS = {"admin": ADMINISTRATOR, "billing": BILLING, "manager": ACCOUNT_MANAGER}
ASSIGNED = ("10001", "0042", "A(1)+B")  # the customers that the account manager sees
AGREEMENTS = {  # CustomerID: what differs from the default agreement
    "10001": {
        "hourly_rate": Decimal("120"),
        "rounding_step": 15,
        "erp_customer_number": "10001",
        "included_minutes": 120,
        "overage_rate": Decimal("130"),
    },
    "1000": {"hourly_rate": Decimal("89.50"), "rounding_step": 6, "erp_customer_number": "10002"},
    "A(1)+B": {
        "hourly_rate": Decimal("105"),
        "rounding_step": Agreement.RoundingStep.EXACT,
        "erp_customer_number": "10004",
        "article_number": "SUP-PROJ",
    },
}
RULES = {  # CustomerID: one rule of its agreement
    "10001": {"queue": "Support::Vor-Ort", "hourly_rate": Decimal("145"), "article_number": "SUP-ONSITE"},
    "1000": {"queue": "Projekte", "billable": False, "reason": "Im Festpreis des Projekts enthalten"},
}
FEES = {  # CustomerID: one recurring line of its agreement
    "10001": {
        "text": "Wartungspauschale mit 120 Minuten",
        "article_number": "SUP-FLAT",
        "unit": "Stck",
        "unit_price": Decimal("180"),
    },
}
PREPAID = {"A(1)+B": 300}  # CustomerID: minutes of its prepaid block


class NoDemoHere(Exception):
    """The demo would mix with real data, or its own is not whole; the text says what to do."""


@dataclass(frozen=True)
class Memory:
    """What a later start must know. The invented tickets stay those of the first start's month."""

    month: str
    passwords: dict[str, str]

    @property
    def last_month(self) -> Month:
        return Month.parse(self.month)

    def is_old(self, now: datetime) -> bool:
        """Whether the previous month is by now another one."""
        return self.last_month != previous_month(now)


def previous_month(now: datetime) -> Month:
    return Month.of(now.astimezone(ZONE)).previous


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Raises ``NoDemoHere`` while another demo runs in the folder; the lock dies with its process."""
    with (folder / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NoDemoHere(
                _("A demo is running in this folder already. Stop it with Ctrl+C, then start again.")
            ) from None
        yield


def check_database() -> None:
    """Raise ``NoDemoHere`` unless the database is new or a demo's; systems that were tried out beside it may stay."""
    systems = set(TicketSystem.objects.values_list("name", flat=True))
    if SYSTEM not in systems and (systems or get_user_model()._default_manager.exists()):
        raise NoDemoHere(
            _(
                "This database holds real data, and invented orders must not mix with it. "
                "Give the demo a folder of its own: make demo DEMO_DIR=var/demo"
            )
        )


def forget(folder: Path) -> None:
    """Remove the folder with all data of the demo; ``NoDemoHere`` when there is more in it than the demo's own."""
    systems = set(TicketSystem.objects.values_list("name", flat=True))
    users = set(get_user_model()._default_manager.values_list("username", flat=True))
    if systems != {SYSTEM} or users - USERS.keys():
        raise NoDemoHere(
            _("Nothing was removed: %(folder)s holds more than the demo. If all may go, delete the folder yourself.")
            % {"folder": folder}
        )
    connection.close()
    shutil.rmtree(folder)


def remember(folder: Path, *, now: datetime) -> Memory:
    """What the first start wrote down, in a file that only its owner reads; written now if this is the first."""
    path = folder / MEMORY
    if path.exists():
        return Memory(**json.loads(path.read_text(encoding="utf-8")))
    if TicketSystem.objects.filter(name=SYSTEM).exists():
        raise NoDemoHere(_("%(file)s is gone. Remove the demo's data with: make clean-demo") % {"file": path})
    memory = Memory(str(previous_month(now)), {name: secrets.token_urlsafe(9) for name in USERS})
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(memory), file, indent=2)
    return memory


def simulator_for(memory: Memory, *, port: int) -> RunningSimulator:
    """Serve the invented tickets on the first free port from ``port`` on; ``NoDemoHere`` when there is none."""
    data = build_data_set((memory.last_month.year, memory.last_month.month))
    for number in range(port, port + PORTS_TRIED):
        with suppress(OSError):
            return start_simulator(data, port=number)
    text = _("The ports %(first)d to %(last)d are taken; choose another for the ticket system: --simulator-port 9000")
    raise NoDemoHere(text % {"first": port, "last": port + PORTS_TRIED - 1})


@transaction.atomic
def set_up(memory: Memory, simulator: RunningSimulator, *, now: datetime) -> None:
    """Ticket system, customers, agreements and users, as far as they are missing. Changes made by hand are kept."""
    system = _set_up_system(simulator)
    customers = {row.number: _set_up_customer(system, row.number, row.name) for row in CUSTOMERS}
    for number, terms in AGREEMENTS.items():
        _set_up_agreement(customers[number], terms, memory.last_month, now=now)
    for name, role in USERS.items():
        _set_up_user(name, role, memory.passwords[name], [customers[number] for number in ASSIGNED])


def _set_up_system(simulator: RunningSimulator) -> TicketSystem:
    """The address is written each time: the port may be another one."""
    reached = {"base_url": simulator.base_url, "login": simulator.login, "password": simulator.password}
    made = {"time_zone": ZONE.key, "minutes_per_unit": 1}
    system, _created = TicketSystem.objects.update_or_create(
        name=SYSTEM, defaults=reached, create_defaults=reached | made
    )
    return system


def _set_up_customer(system: TicketSystem, number: str, name: str) -> Customer:
    return Customer.objects.get_or_create(system=system, customer_id=number, defaults={"name": name})[0]


def _set_up_agreement(customer: Customer, terms: dict[str, object], last_month: Month, *, now: datetime) -> None:
    """With its rule, recurring line and prepaid block; what belongs to one that is there already is left alone."""
    agreement, created = Agreement.objects.get_or_create(customer=customer, defaults=terms)
    if not created:
        return
    number = customer.customer_id
    if number in RULES:
        RateRule.objects.create(agreement=agreement, **RULES[number])
    if number in FEES:
        FlatFee.objects.create(agreement=agreement, **FEES[number])
    if number in PREPAID:
        block = PrepaidBlock.objects.create(
            customer=customer, name=f"Kontingent {PREPAID[number]} min", starts=last_month.first_day
        )
        granted = PrepaidMovement.Kind.GRANTED
        move(block, kind=granted, minutes=Decimal(PREPAID[number]), reason="", user=None, now=now)


def _set_up_user(name: str, role: str, password: str, customers: list[Customer]) -> None:
    user, created = get_user_model()._default_manager.get_or_create(
        username=name, defaults={"is_staff": role == ADMINISTRATOR}
    )
    if not created:
        return
    user.set_password(password)
    user.save()
    user.groups.set([Group.objects.get(name=role)])
    if role == ACCOUNT_MANAGER:
        for customer in customers:
            customer.account_managers.add(user)
