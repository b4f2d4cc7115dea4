from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.errors import IncompleteAnswer, WrongRequest
from generic_interface.search import complete_search, local_text, local_window

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 10, 1)
LAST = datetime(2026, 10, 31, 23, 59, 59)


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=BERLIN, fold=fold)  # type: ignore[arg-type,misc]


def texts(start: datetime, end: datetime, *, widen: bool = True) -> tuple[str, str]:
    first, last = local_window(start=start, end=end, zone=BERLIN, widen=widen)
    return local_text(first), local_text(last)


class Tickets:
    """A server that shows the newest ``limit`` tickets of a window; a ticket is (second, id)."""

    def __init__(self, closings: list[tuple[datetime, str]], *, limit: int) -> None:
        self.closings = sorted(closings, reverse=True)
        self.limit = limit
        self.windows: list[tuple[datetime, datetime]] = []

    def __call__(self, first: datetime, last: datetime) -> list[str]:
        self.windows.append((first, last))
        inside = [ticket_id for second, ticket_id in self.closings if first <= second <= last]
        return list(dict.fromkeys(inside))[: self.limit]


def test_month_is_asked_from_its_first_to_its_last_second_in_the_zone_of_the_ticket_system() -> None:
    assert texts(datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)) == (
        "2026-10-01 00:00:00", "2026-10-31 23:59:59",
    )  # fmt: skip


def test_fractions_of_a_second_are_rounded_outwards() -> None:
    assert texts(berlin(2026, 10, 1, 0, 0, 0, 500_000), berlin(2026, 10, 1, 0, 0, 5, 1)) == (
        "2026-10-01 00:00:00", "2026-10-01 00:00:05",
    )  # fmt: skip


def test_years_have_four_digits() -> None:
    assert local_text(datetime(999, 1, 2, 3, 4, 5)) == "0999-01-02 03:04:05"


@pytest.mark.parametrize(
    ("start", "end"),
    [(FIRST, berlin(2026, 11, 1)), (berlin(2026, 10, 1), LAST)],
)
def test_naive_moment_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(WrongRequest, match="needs a time zone"):
        texts(start, end)


@pytest.mark.parametrize("end", [berlin(2026, 10, 1), berlin(2026, 9, 30)])
def test_empty_window_is_refused(end: datetime) -> None:
    with pytest.raises(WrongRequest, match="is empty"):
        texts(berlin(2026, 10, 1), end)


def test_window_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(WrongRequest, match="beyond the calendar"):
        texts(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # begins or ends within the repeated hour: all of it is asked
        (berlin(2026, 10, 25, 2, 30), berlin(2026, 10, 25, 2, 30, fold=1), "01:30:00", "03:29:59"),
        (berlin(2026, 10, 25, 2, 30, fold=1), berlin(2026, 10, 25, 4), "01:30:00", "03:59:59"),
        (berlin(2026, 10, 25, 1), berlin(2026, 10, 25, 2, fold=1), "01:00:00", "03:59:59"),
        # borders of the repeated hour itself cut nothing
        (berlin(2026, 10, 25, 2), berlin(2026, 10, 25, 3), "02:00:00", "02:59:59"),
        (berlin(2026, 10, 25, 1), berlin(2026, 10, 25, 2), "01:00:00", "01:59:59"),
        (berlin(2026, 10, 25, 1), berlin(2026, 10, 25, 5), "01:00:00", "04:59:59"),
    ],
)
def test_autumn_night_is_never_asked_too_narrowly(start: datetime, end: datetime, first: str, last: str) -> None:
    assert texts(start, end) == (f"2026-10-25 {first}", f"2026-10-25 {last}")


@given(
    st.integers(0, 6 * 3600 * 10),
    st.integers(1, 6 * 3600),
    st.integers(0, 6 * 3600 * 10),
)
def test_every_moment_of_a_window_lies_within_its_local_texts(offset: int, length: int, inside: int) -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(milliseconds=100 * offset)
    end = start + timedelta(seconds=length)
    moment = start + (end - start) * (inside % 1000) / 1000

    first, last = local_window(start=start, end=end, zone=BERLIN, widen=True)

    assert first <= moment.astimezone(BERLIN).replace(tzinfo=None, microsecond=0) <= last


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (berlin(2026, 10, 25, 2, 30), berlin(2026, 10, 25, 4)),
        (berlin(2026, 10, 25, 1), berlin(2026, 10, 25, 2, 30, fold=1)),
    ],
)
def test_window_that_must_be_exact_may_not_cut_the_repeated_hour(start: datetime, end: datetime) -> None:
    with pytest.raises(WrongRequest, match="comes twice"):
        texts(start, end, widen=False)


def test_exact_window_around_the_repeated_hour_is_fine() -> None:
    assert texts(berlin(2026, 10, 25, 2), berlin(2026, 10, 25, 3), widen=False) == (
        "2026-10-25 02:00:00", "2026-10-25 02:59:59",
    )  # fmt: skip


def test_spring_night_has_no_repeated_hour() -> None:
    assert texts(berlin(2026, 3, 29, 1, 59, 59), berlin(2026, 3, 29, 3), widen=False) == (
        "2026-03-29 01:59:59", "2026-03-29 01:59:59",
    )  # fmt: skip


def test_page_below_the_limit_is_complete_with_one_search() -> None:
    server = Tickets([(FIRST, "1"), (LAST, "2")], limit=3)

    ids = complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=3)

    assert (ids, server.windows) == (("2", "1"), [(FIRST, LAST)])


def test_page_of_exactly_the_limit_is_split_by_time() -> None:
    server = Tickets([(FIRST, "1"), (FIRST + timedelta(days=20), "2")], limit=2)

    ids = complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=2)

    assert ids == ("2", "1")
    assert server.windows == [
        (FIRST, LAST),
        (FIRST, datetime(2026, 10, 16, 11, 59, 59)),
        (datetime(2026, 10, 16, 12), LAST),
    ]


def test_page_of_exactly_500_is_split_whatever_limit_was_sent() -> None:
    server = Tickets([(FIRST + timedelta(hours=i), str(i + 1)) for i in range(540)], limit=500)

    ids = complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=10_000)

    assert ids == tuple(str(i) for i in range(540, 0, -1))


@pytest.mark.parametrize("minutes", [15, 45, 75])
def test_split_never_falls_into_the_hour_that_spring_leaves_out(minutes: int) -> None:
    first, last = datetime(2026, 3, 29, 1, 60 - minutes % 60), datetime(2026, 3, 29, 3) + timedelta(minutes=minutes)
    server = Tickets([(first, "1"), (datetime(2026, 3, 29, 3), "2"), (last, "3")], limit=2)

    ids = complete_search(server, first=first, last=last, zone=BERLIN, limit=2)

    assert sorted(ids) == ["1", "2", "3"]
    assert [text for window in server.windows for text in map(local_text, window) if " 02:" in text] == []


def test_ticket_closed_twice_in_the_window_is_found_once() -> None:
    server = Tickets([(FIRST, "1"), (LAST, "1"), (FIRST + timedelta(days=1), "2")], limit=2)

    assert sorted(complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=2)) == ["1", "2"]


def test_one_second_that_is_still_full_is_an_incomplete_answer() -> None:
    server = Tickets([(LAST, "1"), (LAST, "2"), (LAST, "3")], limit=2)

    with pytest.raises(IncompleteAnswer, match="one second 2026-10-31 23:59:59"):
        complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=2)


def test_ticket_of_a_cut_page_that_moves_on_meanwhile_is_kept() -> None:
    pages = [["9", "8"], ["9"], [], []]

    ids = complete_search(lambda first, last: pages.pop(0), first=FIRST, last=LAST, zone=BERLIN, limit=2)

    assert ids == ("9", "8")


@pytest.mark.parametrize("moves_before", range(1, 12))
def test_ticket_that_changes_between_two_questions_is_found_where_it_moved(moves_before: int) -> None:
    days = [FIRST, FIRST + timedelta(days=20), FIRST + timedelta(days=22), FIRST + timedelta(days=24)]
    server = Tickets(list(zip(days, "1234", strict=True)), limit=3)

    def search(first: datetime, last: datetime) -> list[str]:
        if len(server.windows) == moves_before:
            server.closings = [(LAST, "1"), *server.closings[:-1]]
        return server(first, last)

    ids = complete_search(search, first=FIRST, last=LAST, zone=BERLIN, limit=3)

    assert sorted(ids) == ["1", "2", "3", "4"]


def test_empty_half_is_asked_once_more() -> None:
    pages = [["9", "8"], ["9"], [], ["8", "7"], ["8"], ["7"]]

    ids = complete_search(lambda first, last: pages.pop(0), first=FIRST, last=LAST, zone=BERLIN, limit=2)

    assert (ids, pages) == (("9", "8", "7"), [])


def test_empty_window_that_is_no_half_is_asked_once() -> None:
    server = Tickets([], limit=2)

    ids = complete_search(server, first=FIRST, last=LAST, zone=BERLIN, limit=2)

    assert (ids, server.windows) == ((), [(FIRST, LAST)])


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 60)), max_size=80), st.integers(3, 20))
def test_search_finds_every_ticket_or_fails(closings: list[tuple[int, int]], limit: int) -> None:
    tickets = [(FIRST + timedelta(seconds=second), str(ticket)) for second, ticket in closings]
    last = FIRST + timedelta(seconds=100)

    try:
        ids = complete_search(Tickets(tickets, limit=limit), first=FIRST, last=last, zone=BERLIN, limit=limit)
    except IncompleteAnswer:
        seconds = [second for second, _ in set(tickets)]
        assert max(seconds.count(second) for second in seconds) >= limit
        return

    assert (set(ids), len(ids)) == ({ticket for _, ticket in tickets}, len(set(ids)))
