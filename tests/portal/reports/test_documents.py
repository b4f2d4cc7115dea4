from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal.reports.data_state import DataState
from portal.reports.documents import report_document, report_rows, report_table, time_zones
from portal.reports.sums import By
from tests.billing.scenes import bill, ticket_of
from tests.factories.tickets import AgentFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.portal.reports.support import IN_OCTOBER
from tickets.models import Customer, TicketSystem

COMPLETE = DataState(as_of=datetime(2026, 11, 1, 4, tzinfo=UTC), complete=True, problems=())
NEVER_READ = DataState(as_of=None, complete=False, problems=("Never read.",))


def test_document_tells_rows_totals_and_state(customer: Customer) -> None:
    ticket_of(customer, "20.50", 25)
    ticket_of(None, "0.25", system=customer.system)
    bill()
    ticket_of(customer, 5, closed=None)

    document = report_document(
        by=By.CUSTOMER, span=IN_OCTOBER, state=COMPLETE, rows=report_rows(By.CUSTOMER, IN_OCTOBER)
    )

    assert document == {
        "period": "2026-10",
        "by": "customer",
        "time_zone": "Europe/Berlin",
        "as_of": "2026-11-01T04:00:00+00:00",
        "complete": True,
        "problems": [],
        "rows": [
            {
                "key": "",
                "label": "no customer",
                "system": "",
                "entries": 1,
                "minutes": "0.25",
                "billed_minutes": "0",
                "unbilled_minutes": "0",
                "not_billable_minutes": "0",
                "blocked_minutes": "0.25",
            },
            {
                "key": "K1001",
                "label": "Königsbau AG",
                "system": "Helpdesk",
                "entries": 3,
                "minutes": "50.5",
                "billed_minutes": "45.5",
                "unbilled_minutes": "5",
                "not_billable_minutes": "0",
                "blocked_minutes": "0",
            },
        ],
        "total_entries": 4,
        "total_minutes": "50.75",
        "total_billed_minutes": "45.5",
        "total_unbilled_minutes": "5",
        "total_not_billable_minutes": "0",
        "total_blocked_minutes": "0.25",
    }


@pytest.mark.django_db
def test_document_of_nothing_has_zeros_and_says_what_is_missing() -> None:
    document = report_document(by=By.TICKET, span=IN_OCTOBER, state=NEVER_READ, rows=[])

    assert (document["rows"], document["total_minutes"], document["total_entries"]) == ([], "0", 0)
    assert (document["as_of"], document["complete"], document["problems"]) == (None, False, ["Never read."])


def test_rows_come_by_key_and_ticket_system(customer: Customer) -> None:
    for name, login in (("B", "anna"), ("A", "bernd"), ("A", "anna")):
        ticket = TicketFactory(system=TicketSystem.objects.filter(name=name).first() or TicketSystemFactory(name=name))
        TimeEntryFactory(ticket=ticket, agent=AgentFactory(system=ticket.system, login=login))

    found = [(row.key, row.system) for row in report_rows(By.AGENT, IN_OCTOBER)]

    assert found == [("anna", "A"), ("anna", "B"), ("bernd", "A")]


def test_table_is_aligned_and_ends_with_the_sums(customer: Customer) -> None:
    for login, units in (("anna", 90), ("bernd", Decimal("7.5"))):
        agent = AgentFactory(system=customer.system, login=login, name=login.title())
        TimeEntryFactory(ticket=ticket_of(customer), agent=agent, units=units)

    assert report_table(By.AGENT, report_rows(By.AGENT, IN_OCTOBER)).splitlines() == [
        "Agent  Name   Ticket system  Entries  Minutes  Billed  Unbilled  Not billable  Blocked",
        "anna   Anna   Helpdesk             1       90       0        90             0        0",
        "bernd  Bernd  Helpdesk             1      7.5       0       7.5             0        0",
        "Total                              2     97.5       0      97.5             0        0",
    ]


def test_time_zones_are_those_of_the_active_ticket_systems(system: TicketSystem) -> None:
    TicketSystemFactory()
    TicketSystemFactory(time_zone="America/New_York")
    TicketSystemFactory(time_zone="Asia/Tokyo", active=False)

    assert time_zones() == "America/New_York, Europe/Berlin"
