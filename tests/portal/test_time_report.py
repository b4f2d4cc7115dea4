import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.management import ManagementUtility

from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.server import start_simulator
from portal.reports.sums import By
from tests.billing.scenes import bill, read_completely, ticket_of
from tests.commands import run_command
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory, TimeEntryFactory, connected
from tests.tickets.support import OCTOBER, sync
from tickets.models import Customer

MINUTES = ("minutes", "billed_minutes", "unbilled_minutes", "not_billable_minutes", "blocked_minutes")


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def customer(db: None) -> Customer:
    customer: Customer = CustomerFactory(system=TicketSystemFactory(name="Helpdesk"), customer_id="K1")
    AgreementFactory(customer=customer)
    return customer


@pytest.mark.django_db
def test_report_of_the_simulators_month_in_all_four_ways() -> None:
    data = build_data_set((2026, 10))
    with start_simulator(data) as running:
        system = connected(running, time_source="both")
        for login in data.agents:
            AgentFactory(system=system, login=login, login_only=True)
        sync(system, OCTOBER)
    bill()

    for by in By:
        code, out, err = run_command("time_report", "--period", "2026-10", "--by", by.value, "--json")

        document = json.loads(out)
        rows = document["rows"]
        assert (code, err) == (0, "")
        assert (document["period"], document["by"], document["complete"]) == ("2026-10", by.value, True)
        assert Decimal(document["total_minutes"]) == data.minutes_booked_in((2026, 10))
        assert sum(Decimal(row["minutes"]) for row in rows) == data.minutes_booked_in((2026, 10))
        assert sum(row["entries"] for row in rows) == len(data.entries_booked_in((2026, 10)))
        for row in rows:
            assert Decimal(row["minutes"]) == sum(Decimal(row[name]) for name in MINUTES[1:])
        assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
        assert Decimal(document["total_billed_minutes"]) > 0


def test_report_is_a_table_with_zone_and_state(customer: Customer) -> None:
    read_completely(customer.system)
    agent = AgentFactory(system=customer.system, login="anna", name="Anna")
    TimeEntryFactory(ticket=ticket_of(customer), agent=agent, units=90)

    code, out, err = run_command("time_report", "--period", "2026-10", "--by", "agent")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Agent  Name  Ticket system  Entries  Minutes  Billed  Unbilled  Not billable  Blocked",
        "anna   Anna  Helpdesk             1       90       0        90             0        0",
        "Total                             1       90       0        90             0        0",
        "",
        "Period: 2026-10 (Europe/Berlin)",
        "Complete: yes",
    ]


def test_report_on_incomplete_data_is_printed_and_says_why(customer: Customer) -> None:
    ticket_of(customer, 90)

    code, out, _err = run_command("time_report", "--period", "2026-10", "--by", "customer")
    json_code, text, _err = run_command("time_report", "--period", "2026-10", "--by", "customer", "--json")

    document = json.loads(text)
    assert (code, json_code) == (1, 1)
    assert out.splitlines()[-2:] == ["Complete: no", "  “Helpdesk” has never been read for 2026-10."]
    assert "K1" in out
    assert (document["complete"], document["total_minutes"]) == (False, "90")
    assert document["problems"] == ["“Helpdesk” has never been read for 2026-10."]


def test_report_without_time_says_so(customer: Customer) -> None:
    read_completely(customer.system)

    code, out, _err = run_command("time_report", "--period", "2026-10", "--by", "ticket")

    assert code == 0
    assert out.splitlines()[0] == "No time is booked in 2026-10."


@pytest.mark.parametrize(
    ("period", "minutes"),
    [("2026-10", "6"), ("2026-Q3", "1"), ("2026", "7"), ("2026-09-30..2026-10-05", "3"), ("all", "15")],
)
def test_period_may_be_more_or_less_than_a_month(customer: Customer, period: str, minutes: str) -> None:
    days = {"2025-10-05": 8, "2026-09-30": 1, "2026-10-05": 2, "2026-10-06": 4}
    for day, units in days.items():
        TimeEntryFactory(ticket=ticket_of(customer), booked_local=f"{day} 10:00:00", units=units)

    code, out, _err = run_command("time_report", "--period", period, "--by", "queue", "--json")

    assert code == 1
    assert (json.loads(out)["period"], json.loads(out)["total_minutes"]) == (period, minutes)


@pytest.mark.django_db
@pytest.mark.parametrize("period", ["2026-13", "October", "", "2026-10-31..2026-10-01"])
def test_period_that_is_none_is_wrong_use(period: str) -> None:
    code, out, err = run_command("time_report", "--period", period, "--by", "agent")

    assert (code, out) == (2, "")
    assert err.startswith(f"“{period}” is not a period; write it like 2026-10")


@pytest.mark.parametrize(
    "arguments",
    [["--period", "2026-10", "--by", "colour"], ["--period", "2026-10"], ["--by", "agent"], ["2026-10", "agent"]],
)
def test_other_wrong_use_ends_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        ManagementUtility(["manage.py", "time_report", *arguments]).execute()

    assert end.value.code == 2
    assert capsys.readouterr().out == ""
