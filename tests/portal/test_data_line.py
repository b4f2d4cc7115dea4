"""The line at the foot of each page."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from portal.data_line import line_for
from portal.roles import ACCOUNT_MANAGER, BILLING
from tests.factories.tickets import CustomerFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import account

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
THIS_MORNING = datetime(2026, 11, 5, 5, 15, tzinfo=UTC)  # 06:15 in Berlin


@pytest.fixture
def clara() -> User:
    return account("clara", BILLING)


def test_data_of_this_morning_are_told_by_the_hour(clara: User) -> None:
    system = TicketSystemFactory()
    SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=system, complete_run=True, month="2026-11-01", started_at=THIS_MORNING)

    assert line_for(clara, now=NOW) == "Data as of 06:15, complete"


def test_older_data_are_told_with_their_day(clara: User) -> None:
    SyncRunFactory(complete_run=True)

    assert line_for(clara, now=NOW) == "Data as of 2026-11-01 05:00, complete"


def test_reading_with_gaps_is_called_so(clara: User) -> None:
    system = TicketSystemFactory()
    SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=system, state="partly", month="2026-11-01", started_at=THIS_MORNING)

    assert line_for(clara, now=NOW) == "Data as of 06:15, not complete"


def test_data_are_not_complete_before_a_month_that_is_over_was_read(clara: User) -> None:
    SyncRunFactory(complete_run=True, month="2026-11-01", started_at=THIS_MORNING)

    assert line_for(clara, now=NOW) == "Data as of 06:15, not complete"


def test_failed_reading_does_not_make_the_data_younger(clara: User) -> None:
    system = TicketSystemFactory()
    SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=system, failed=True, month="2026-11-01", started_at=THIS_MORNING)

    assert line_for(clara, now=NOW) == "Data as of 2026-11-01 05:00, complete"


def test_oldest_of_several_ticket_systems_counts(clara: User) -> None:
    SyncRunFactory(complete_run=True)
    other = SyncRunFactory(complete_run=True)
    SyncRunFactory(system=other.system, complete_run=True, month="2026-11-01", started_at=THIS_MORNING)

    assert line_for(clara, now=NOW) == "Data as of 2026-11-01 05:00, complete"


def test_account_manager_is_told_of_the_own_ticket_systems_only() -> None:
    anna = account("anna", ACCOUNT_MANAGER)
    assert line_for(anna, now=NOW) == ""

    TicketSystemFactory(name="Never read")
    own = SyncRunFactory(complete_run=True)
    for _number in range(2):
        CustomerFactory(system=own.system).account_managers.add(anna)

    assert line_for(anna, now=NOW) == "Data as of 2026-11-01 05:00, complete"


def test_ticket_system_that_was_never_read_is_told(clara: User) -> None:
    TicketSystemFactory()

    assert line_for(clara, now=NOW) == "Not every ticket system was read yet."


def test_inactive_ticket_systems_count_for_nothing(clara: User) -> None:
    TicketSystemFactory(active=False)

    assert line_for(clara, now=NOW) == "No ticket system is connected yet."


@pytest.mark.parametrize("systems", [1, 3])
def test_line_costs_two_queries(clara: User, systems: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    clara.has_perm("tickets.see_all_customers")  # every page has asked for it before
    for _number in range(systems):
        SyncRunFactory(complete_run=True)

    with django_assert_num_queries(2):
        line_for(clara, now=NOW)


def test_line_speaks_german(clara: User) -> None:
    SyncRunFactory(complete_run=True)

    with translation.override("de"):
        assert "2026" in line_for(clara, now=NOW)
