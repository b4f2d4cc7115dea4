"""F2 to F4, F25: which month an entry belongs to, by the clock and the zone of the ticket system."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine

from common.months import Month
from generic_interface.search import local_text, local_window
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.system import SimulatedSystem
from tests.faults.support import SOURCES, connected_to, first_closed, truth
from tests.tickets.support import NOW, OCTOBER, present, sync
from tickets.checks import check_connection
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db
BORDERS = [datetime(2026, 9, 30, 23, 59, 59), datetime(2026, 10, 1), datetime(2026, 10, 31, 23, 59, 59)]


@pytest.mark.parametrize("source", SOURCES)
def test_f02_entry_of_the_first_and_of_the_last_second_is_in_one_month(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Both ends of a question are inclusive upstream, yet each entry is in exactly one month."""
    system = connected_to(helpdesk, source)
    for moment in [*BORDERS, datetime(2026, 11, 1)]:
        data.book(first_closed(data), 17, at=moment)

    for month in (OCTOBER.previous, OCTOBER, OCTOBER.next):
        sync(system, month)

    found = {month: [row[1] for row in present(month) if row[2] == 17] for month in (OCTOBER.previous, OCTOBER)}
    assert found == {OCTOBER.previous: [str(BORDERS[0])], OCTOBER: [str(BORDERS[1]), str(BORDERS[2])]}
    assert present() == truth(data)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"])
def test_f03_month_is_asked_from_its_first_to_its_last_second_in_the_servers_zone(data: DataSet, zone: str) -> None:
    """The window is converted to the zone that the ticket system is set to, not shifted by a fixed offset."""
    with start_simulator(data, zone=ZoneInfo(zone)) as helpdesk:
        sync(connected_to(helpdesk, "both", time_zone=zone))

    search = next(asked for operation, asked in helpdesk.requests if operation == "TicketSearch")
    times = [asked for operation, asked in helpdesk.requests if operation == "TimeAccountingGet"]
    first, last = "2026-10-01 00:00:00", "2026-10-31 23:59:59"
    assert (search["TicketCloseTimeNewerDate"], search["TicketCloseTimeOlderDate"]) == (first, last)
    assert {(asked["TimeAccountingStart"], asked["TimeAccountingEnd"]) for asked in times} == {(first, last)}


def test_f03_windows_of_the_months_tile_the_year_in_every_zone() -> None:
    """Month after month, no second is asked twice and none is left out, wherever the server stands."""
    broken = [zone for zone in sorted(available_timezones() - {"localtime"}) if not _tiles(ZoneInfo(zone))]

    assert broken == []
    berlin = ZoneInfo("Europe/Berlin")
    hours = [_length(Month(2026, month), berlin) / timedelta(hours=1) for month in (3, 10)]
    assert hours == [743, 745]


def _tiles(zone: ZoneInfo) -> bool:
    months = [Month(2026, 1).shift(index) for index in range(13)]
    windows = [local_window(start=month.start(zone), end=month.end(zone), zone=zone, widen=False) for month in months]
    texts = [(local_text(first), local_text(last)) for first, last in windows]
    whole = [(f"{month}-01 00:00:00", f"{month.end_day - timedelta(days=1)} 23:59:59") for month in months]
    return texts == whole and all(month.end(zone) == following.start(zone) for month, following in pairwise(months))


def _length(month: Month, zone: ZoneInfo) -> timedelta:
    return month.end(zone).astimezone(UTC) - month.start(zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("ours", "theirs", "minutes"),
    [("Europe/Berlin", "Europe/Berlin", 0), ("UTC", "Europe/Berlin", 120), ("Europe/Berlin", "UTC", -120)],
)
def test_f04_wrong_zone_is_told_by_the_age_of_the_tickets(data: DataSet, ours: str, theirs: str, minutes: int) -> None:
    """The zone of the ticket system is not told but measured, whether the portal's setting was wrong or its own."""
    with (
        time_machine.travel(NOW, tick=False),
        RunningSimulator(SimulatedSystem(data, zone=ZoneInfo(theirs))) as running,
    ):
        checks = check_connection(connected_to(running, "history", time_zone=ours).pk)

    [check] = [check for check in checks if check.operation == "Time zone"]
    fits = "The ticket system's clock and zone fit."
    ahead = "ahead of" if minutes > 0 else "behind"
    said = fits if not minutes else f"Taken as {ours}, the ticket system's clock is 120 minutes {ahead} the portal's."
    assert (check.works, check.text.startswith(said)) == (not minutes, True)


@pytest.mark.parametrize("source", SOURCES)
def test_f04_month_is_held_while_clock_or_zone_do_not_fit(data: DataSet, source: str) -> None:
    """A zone that is changed upstream would end a month hours too early or too late: the month is not complete."""
    server = SimulatedSystem(data)
    with RunningSimulator(server) as running:
        system = connected_to(running, source)
        fits = sync(system)
        server.zone = ZoneInfo("UTC")

        held = sync(system)

    assert fits.complete
    assert not held.complete
    assert any("clock" in sentence for sentence in [held.error, *held.problems])


@pytest.mark.parametrize("source", SOURCES)
def test_f25_work_of_october_typed_in_november_belongs_to_november(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """The moment of booking decides, it is the only one that the ticket system keeps; the ticket's closing does not."""
    system = connected_to(helpdesk, source)
    data.book(first_closed(data), 17, at=datetime(2026, 11, 1, 8, 30))

    sync(system)
    sync(system, OCTOBER.next)

    assert [row[1] for row in present(OCTOBER.next)] == ["2026-11-01 08:30:00"]
    assert 17 not in [row[2] for row in present(OCTOBER)]
    assert TicketSystem.objects.get().tickets.closed_in(OCTOBER).count() == 3
