from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db.models import Q

from billing.models import Agreement, Allocation, Order
from billing.standing import Standing, with_standing
from tests.billing.scenes import bill, book, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TimeEntryFactory
from tickets.models import Customer, TimeEntry


def standings() -> dict[str, Decimal]:
    """Minutes of the present entries by standing."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in with_standing(TimeEntry.objects.present()):
        found[entry.standing] += entry.minutes  # type: ignore[attr-defined]  # annotated
    return dict(found)


def test_each_entry_stands_in_one_way(customer: Customer) -> None:
    free = CustomerFactory(system=customer.system)
    AgreementFactory(customer=free, billed=False)
    ticket_of(customer, 10, 20)
    ticket_of(customer, 5, closed=None)
    ticket_of(None, 3, system=customer.system)
    ticket_of(free, 7)

    bill()

    assert standings() == {"billed": 30, "unbilled": 5, "blocked": 3, "not_billable": 7}
    assert set(standings()) == set(Standing.values)


def test_time_in_a_draft_is_billed_and_late_time_is_not(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    book(ticket, 4)

    assert Order.objects.get().state == "draft"
    assert standings() == {"billed": 10, "unbilled": 4}


def past_claims(customer: Customer) -> TimeEntry:
    """An entry of 10 minutes that three positions have held one after the other, and that none holds any more."""
    tickets = [ticket_of(customer, units) for units in (10, 1, 2)]
    bill()
    entry: TimeEntry = tickets[0].entries.get()
    Allocation.objects.filter(entry=entry).update(live=False)
    for ticket in tickets[1:]:
        Allocation.objects.create(entry=entry, position=ticket.positions.get(), minutes=10, live=False)
    return entry


def test_claims_of_the_past_double_nothing(customer: Customer) -> None:
    entry = past_claims(customer)

    assert entry.allocations.count() == 3
    assert with_standing(TimeEntry.objects.all()).count() == 3
    assert standings() == {"unbilled": 10, "billed": 3}


def test_claims_of_the_past_do_not_hide_the_one_that_lives(customer: Customer) -> None:
    entry = past_claims(customer)
    Allocation.objects.filter(pk=entry.allocations.order_by("-pk")[0].pk).update(live=True)

    assert with_standing(TimeEntry.objects.all()).count() == 3
    assert standings() == {"billed": 13}


def test_default_agreement_speaks_for_customers_without_an_own_one(customer: Customer) -> None:
    ticket_of(CustomerFactory(system=customer.system), 10)
    ticket_of(customer, 5)
    ticket_of(None, 2, system=customer.system)
    before = standings()

    Agreement.objects.filter(is_default=True).update(billed=False)

    assert before == {"unbilled": 15, "blocked": 2}
    assert standings() == {"not_billable": 10, "unbilled": 5, "blocked": 2}


def test_without_default_agreement_only_who_has_agreed_is_billed(customer: Customer) -> None:
    Agreement.objects.filter(is_default=True).delete()
    ticket_of(CustomerFactory(system=customer.system), 10)
    ticket_of(customer, 5)

    assert standings() == {"not_billable": 10, "unbilled": 5}


def test_billed_time_stays_billed_whatever_becomes_of_its_ticket(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    ticket.customer = None
    ticket.save()

    assert standings() == {"billed": 10}


@pytest.mark.parametrize("standing", Standing.values)
def test_standing_can_be_asked_for(customer: Customer, standing: str) -> None:
    free = CustomerFactory(system=customer.system)
    AgreementFactory(customer=free, billed=False)
    entries = {
        "billed": ticket_of(customer, 10).entries.get(),
        "blocked": ticket_of(None, 3, system=customer.system).entries.get(),
        "not_billable": ticket_of(free, 7).entries.get(),
    }
    bill()
    entries["unbilled"] = ticket_of(customer, 5).entries.get()

    found = with_standing(TimeEntry.objects.all()).filter(Q(standing=standing))

    assert list(found) == [entries[standing]]


def test_entries_that_are_gone_keep_their_standing(customer: Customer) -> None:
    ticket = ticket_of(customer)
    gone = TimeEntryFactory(ticket=ticket, units=9)
    bill()
    gone.gone_at = datetime(2026, 12, 3, tzinfo=UTC)
    gone.save()

    assert [entry.standing for entry in with_standing(TimeEntry.objects.all())] == ["billed"]  # type: ignore[attr-defined]
    assert standings() == {}
