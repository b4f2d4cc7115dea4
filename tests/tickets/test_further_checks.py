"""Session, clock, search limit and what writes, against the stand-in ticket system."""

from datetime import timedelta

import pytest
import time_machine

from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.tickets.support import NOW, Connect
from tickets.check_results import Check
from tickets.checks import check_connection
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db


def checks(system: TicketSystem) -> dict[str, Check]:
    with time_machine.travel(NOW, tick=False):
        return {check.operation: check for check in check_connection(system.pk)}


@pytest.mark.parametrize(("minutes", "works"), [(0, True), (5, True), (-5, True), (6, False), (-90, False)])
def test_clocks_are_compared_by_the_start_of_the_session(
    small_data: DataSet, connect: Connect, minutes: int, works: bool
) -> None:
    ahead = timedelta(minutes=minutes)
    with start_simulator(small_data, clock=lambda: (NOW + ahead).timestamp()) as running:
        check = checks(connect(running))["SessionGet"]

    assert check.works is works
    if not works:
        assert f"the session began {minutes} minutes from now" in check.text
        assert check.needed


@pytest.mark.parametrize("preset", ["otrs6_sample", "znuny_sample"])
def test_session_is_not_asked_for_in_an_address(simulator: RunningSimulator, connect: Connect, preset: str) -> None:
    check = checks(connect(simulator, preset=preset))["SessionGet"]

    assert (check.works, check.needed) == (False, False)
    assert "which this operation does not send" in check.text


@pytest.mark.parametrize("authentication", ["body", "header"])
def test_login_with_every_call_has_no_session(
    simulator: RunningSimulator, connect: Connect, authentication: str
) -> None:
    assert "SessionGet" not in checks(connect(simulator, authentication=authentication))


@pytest.mark.parametrize(
    ("tickets", "says"),
    [(20, "There are only 20 tickets to see"), (520, "A search brings more than its default of 500")],
)
def test_limit_of_a_search_is_told(connect: Connect, tickets: int, says: str) -> None:
    with start_simulator(build_month(tickets=tickets, customers=3, entries_per_ticket=0)) as running:
        check = checks(connect(running))["Search limit"]

    assert (check.works, check.text.startswith(says)) == (True, True)


def test_limit_that_is_not_heeded_is_told(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generic_interface.simulator.search.parse_limit", lambda value: 500)
    with start_simulator(build_month(tickets=520, customers=3, entries_per_ticket=0)) as running:
        check = checks(connect(running))["Search limit"]

    assert check.text.startswith("A search brings exactly 500 tickets, whatever it is asked for.")


def test_right_to_upload_absences_is_told_and_nothing_is_changed(system: TicketSystem, small_data: DataSet) -> None:
    before = {key: dict(values) for key, values in small_data.preferences.items()}

    check = checks(system)["OutOfOffice"]

    assert (check.works, check.text.startswith("The agent may upload absences. Nothing was changed")) == (True, True)
    assert small_data.preferences == before


def test_missing_right_to_upload_absences_does_no_harm(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("OutOfOffice:no_permission")

    check = checks(system)["OutOfOffice"]

    assert (check.works, check.needed) == (False, False)


def test_what_writes_is_reached_and_nothing_is_written(system: TicketSystem, small_data: DataSet) -> None:
    before = len(small_data.tickets)

    found = checks(system)

    assert [found[name].text for name in ("TicketCreate", "TicketUpdate")] == [
        "The operation answers. Nothing was written: it was asked without a ticket."
    ] * 2
    assert len(small_data.tickets) == before


def test_missing_operation_that_writes_does_no_harm(system: TicketSystem, simulator: RunningSimulator) -> None:
    simulator.faults.add("TicketCreate:drop")

    check = checks(system)["TicketCreate"]

    assert (check.works, check.needed) == (False, False)
