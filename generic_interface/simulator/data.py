"""The built-in data sets: three months for the demo and the tests, one month of any size for benchmarks.

Both are deterministic: the same arguments give the same tickets, numbers and bookings.
"""

import random
from datetime import datetime, timedelta

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Customer, CustomerUser
from generic_interface.simulator.months import Month, end_of, first_second, shift
from generic_interface.simulator.people import (
    AGENTS,
    CUSTOMER_USERS,
    CUSTOMERS,
    DEPARTED_AGENT,
    MASS_CUSTOMER,
    QUEUES,
    TITLES,
    UNITS,
    WORKING_AGENTS,
)
from generic_interface.simulator.plan import Plan, carry_out
from generic_interface.simulator.specials import special_plans

TICKETS_PER_CUSTOMER_AND_MONTH = 9
MASS_TICKETS = 520


def build_data_set(last_month: Month) -> DataSet:
    """Three months ending with ``last_month`` (year, month): over 600 tickets of 8 customers and all special cases.

    ``now`` is the morning after the last month. ``DataSet.special`` maps the names of the cases to ticket ids;
    what was booked on them stands in ``specials``.
    """
    months = (shift(last_month, -2), shift(last_month, -1), last_month)
    data = DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=CUSTOMERS,
        customer_users=CUSTOMER_USERS,
        now=end_of(last_month) + timedelta(hours=9),
        months=months,
    )
    plans = special_plans(*months) + _mass_plans(last_month)
    for month in months:
        plans += _regular_plans(month, is_last=month == last_month)
    carry_out(plans, data)
    return data


def build_month(
    *,
    tickets: int = 1000,
    customers: int = 100,
    entries_per_ticket: int = 5,
    month: Month = (2026, 10),
) -> DataSet:
    """One month of exactly that many closed tickets, the customers ``K0001`` and so on taking turns."""
    numbers = [f"K{index:04d}" for index in range(1, customers + 1)]
    data = DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=[Customer(number=number, name=f"Kunde {number}") for number in numbers],
        customer_users=[CustomerUser(login=number.lower(), customer_number=number) for number in numbers],
        now=end_of(month) + timedelta(hours=9),
        months=(month,),
    )
    plans = []
    for index in range(tickets):
        created = _working_moment(month, index)
        plan = Plan(
            created=created,
            title=TITLES[index % len(TITLES)],
            customer=numbers[index % customers],
            queue=QUEUES[index % len(QUEUES)].name,
            agent=WORKING_AGENTS[index % len(WORKING_AGENTS)],
        )
        for turn in range(entries_per_ticket):
            plan.book(created + timedelta(minutes=5 * turn + 5), UNITS[(index + turn) % len(UNITS)])
        plans.append(plan.close(created + timedelta(minutes=5 * entries_per_ticket + 5)))
    carry_out(plans, data)
    return data


def _regular_plans(month: Month, *, is_last: bool) -> list[Plan]:
    """The daily business of all customers but one; what would end after the last month stays open."""
    dice = random.Random(f"{month[0]}-{month[1]}")
    plans = []
    for customer in CUSTOMERS:
        if customer.number != MASS_CUSTOMER:
            for _ in range(TICKETS_PER_CUSTOMER_AND_MONTH):
                plans.append(_regular_plan(dice, month, customer.number, is_last=is_last))
    return plans


def _regular_plan(dice: random.Random, month: Month, customer: str, *, is_last: bool) -> Plan:
    created = datetime(*month, dice.randint(1, 28), dice.randint(7, 17), dice.randint(0, 59), dice.randint(0, 59))
    staff = WORKING_AGENTS if is_last else (*WORKING_AGENTS, DEPARTED_AGENT)
    plan = Plan(
        created=created,
        title=dice.choice(TITLES),
        customer=customer,
        queue=dice.choice(QUEUES).name,
        agent=dice.choice(staff),
    )
    moment = created
    for _ in range(dice.randint(1, 4)):
        moment += timedelta(minutes=dice.randint(10, 90))
        plan.book(moment, dice.choice(UNITS), agent=dice.choice((plan.agent, plan.agent, dice.choice(staff))))
    state = dice.choice(("closed successful",) * 6 + ("closed unsuccessful",))
    closed = moment.replace(hour=18) + timedelta(days=dice.choice((0, 0, 0, 1, 2, 5)))
    if not is_last or closed < end_of(month):
        plan.close(closed, state=state)
    return plan


def _mass_plans(month: Month) -> list[Plan]:
    """More closed tickets than a search gives by default, 26 of them closed in one second; 1 to 5 minutes each."""
    plans = []
    one_second = first_second(month) + timedelta(days=27, hours=18)
    for index in range(MASS_TICKETS):
        created = _working_moment(month, index)
        closed = one_second if index % 20 == 0 else created + timedelta(minutes=20)
        plan = Plan(
            created=created,
            title=f"Sendung {index + 1:04d} nicht zugestellt",
            customer=MASS_CUSTOMER,
            agent=WORKING_AGENTS[index % len(WORKING_AGENTS)],
        )
        plans.append(plan.book(created + timedelta(minutes=10), index % 5 + 1).close(closed))
    return plans


def _working_moment(month: Month, index: int) -> datetime:
    """Spread over 26 days, from 6 in the morning to 16 at the latest."""
    day, slot = index % 26, index // 26
    return first_second(month) + timedelta(days=day, hours=6, seconds=1777 * slot % 36_000)
