import json
from decimal import Decimal

import pytest

from tests.commands import run_command
from tests.factories.tickets import (
    CustomerFactory,
    SyncRunFactory,
    TicketClosingFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
)
from tickets.models import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Of a ticket system that was read completely; one ticket of 30 minutes agrees."""
    customer: Customer = CustomerFactory(
        system=TicketSystemFactory(name="Helpdesk", minutes_per_unit=Decimal(6)), customer_id="K1"
    )
    SyncRunFactory(system=customer.system, complete_run=True)
    ticket = TicketFactory(customer=customer, system=customer.system, time_units=Decimal(5))
    TimeEntryFactory(ticket=ticket, units=Decimal(5))
    return customer


def differing(customer: Customer, number: str) -> None:
    fields = {"time_units": Decimal("2.5"), "article_units": Decimal(1)}
    ticket = TicketFactory(customer=customer, system=customer.system, number=number, **fields)
    TimeEntryFactory(ticket=ticket, units=Decimal("2.5"))
    TimeEntryFactory(ticket=ticket, units=Decimal("1.5"), booked_local="2026-11-10 10:00:00")
    TicketClosingFactory(ticket=ticket)


def test_month_that_agrees_ends_with_0(customer: Customer) -> None:
    code, out, err = run_command("reconcile", "--period", "2026-10")

    assert (code, err) == (0, "")
    assert out == "2026-10: The one ticket agrees: its entries add up to its own total.\n"


def test_difference_ends_with_1_and_is_told_in_words(customer: Customer) -> None:
    differing(customer, "N7")

    code, out, err = run_command("reconcile", "--period", "2026-10")

    assert (code, err) == (1, "")
    first, second, third = out.splitlines()
    assert first.startswith("2026-10: 1 of 2 tickets agree. Of 1 ticket the time of its articles was compared as well.")
    assert second.startswith("N7 (Helpdesk): entries 4, ticket 2.5, articles 1 units; difference -1.5 units, -9 min.")
    assert second.endswith("Likely cause: booked after the ticket was read.")
    assert third.startswith("    1.5 units were booked after the ticket itself was last read.")


def test_document_holds_the_counts_and_every_difference(customer: Customer) -> None:
    differing(customer, "N7")
    named = TicketFactory(number_only=True, system=customer.system, customer=None, time_units=None)
    TimeEntryFactory(ticket=named)

    code, out, _err = run_command("reconcile", "--period", "2026-10", "--json")

    document = json.loads(out)
    [difference] = document.pop("differences")
    assert code == 1
    assert document == {
        "period": "2026-10",
        "complete": True,
        "all_agree": False,
        "tickets": 3,
        "compared": 2,
        "with_articles": 1,
        "agreeing": 1,
        "differing": 1,
        "not_compared": 1,
        "not_compared_because": {"only_named": 1},
        "problems": [],
    }
    assert difference.pop("sentence").startswith("1.5 units were booked after")
    assert difference == {
        "ticket_number": "N7",
        "system": "Helpdesk",
        "customer_id": "K1",
        "entries_units": "4",
        "ticket_units": "2.5",
        "article_units": "1",
        "difference_units": "-1.5",
        "difference_minutes": "-9",
        "cause": "booked_later",
    }


def test_month_that_is_not_complete_ends_with_1_though_all_tickets_agree(customer: Customer) -> None:
    TicketSystemFactory(name="Other")

    code, out, err = run_command("reconcile", "--period", "2026-10")
    alone = run_command("reconcile", "--period", "2026-10", "--system", "Helpdesk")

    assert (code, err) == (1, "“Other” has never been read for 2026-10.\n")
    assert "1 of 1 ticket agrees. Not every month is known to be complete" in out
    assert alone[0] == 0


def test_tickets_that_were_not_compared_are_told_by_reason(customer: Customer) -> None:
    TimeEntryFactory(ticket=TicketFactory(system=customer.system, customer=customer, time_units=None))

    code, out, _err = run_command("reconcile", "--period", "2026-10")

    assert code == 1
    assert out.splitlines()[1:] == ["Not compared: 1. The ticket itself was never read."]


def test_document_of_a_ticket_without_customer_and_articles_says_null(customer: Customer) -> None:
    ticket = TicketFactory(system=customer.system, without_customer=True, time_units=Decimal(1))
    TicketClosingFactory(ticket=ticket)

    _code, out, _err = run_command("reconcile", "--period", "2026-10", "--json")

    [difference] = json.loads(out)["differences"]
    assert (difference["customer_id"], difference["article_units"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--period", "October"], "“October” is not a month"),
        (["--period", "2026-10", "--system", "X"], "There is no ticket system “X”."),
    ],
)
def test_wrong_use_ends_with_2(arguments: list[str], sentence: str) -> None:
    code, out, err = run_command("reconcile", *arguments)

    assert (code, out) == (2, "")
    assert err.startswith(sentence)
