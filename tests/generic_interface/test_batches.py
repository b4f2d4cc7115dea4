from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.batches import MOST_REFUSALS, read_batches
from generic_interface.errors import AccessDenied, NoPermission, TooLarge, WrongRequest


class Server:
    """Gives each id back; one bad id spoils the call, and so does a part above ``most``."""

    def __init__(self, bad: Sequence[str] = (), *, names_it: bool = False, most: int = 10**6) -> None:
        self.bad = bad
        self.names_it = names_it
        self.most = most
        self.parts: list[list[str]] = []

    def __call__(self, part: Sequence[str]) -> dict[str, str]:
        self.parts.append(list(part))
        if len(part) > self.most:
            raise TooLarge("The web server refuses TicketGet as too large (HTTP 413).")
        for ticket_id in part:
            if ticket_id in self.bad:
                which = f" {ticket_id}" if self.names_it else ""
                raise AccessDenied("TicketGet.AccessDenied", f"User does not have access to the ticket{which}!")
        return {ticket_id: f"record {ticket_id}" for ticket_id in part}


def ids(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def test_ids_are_read_in_batches_and_come_back_in_the_order_asked() -> None:
    server = Server()

    records, refused = read_batches(["5", "3", "9"], size=2, fetch=server)

    assert (records, refused, server.parts) == (("record 5", "record 3", "record 9"), (), [["5", "3"], ["9"]])


def test_no_ids_ask_nothing() -> None:
    server = Server()

    assert (read_batches([], size=2, fetch=server), server.parts) == (((), ()), [])


def test_id_given_twice_is_asked_once() -> None:
    server = Server()

    assert read_batches(["5", "5"], size=2, fetch=server) == (("record 5",), ())


@pytest.mark.parametrize("bad", ["", "abc", "0", "1,2", " 1"])
def test_what_is_no_id_is_refused_before_asking(bad: str) -> None:
    server = Server()

    with pytest.raises(WrongRequest, match="is no ticket id"):
        read_batches(["1", bad], size=2, fetch=server)

    assert server.parts == []


@pytest.mark.parametrize("names_it", [False, True])
def test_one_bad_id_is_found_and_the_rest_delivered_in_order(names_it: bool) -> None:
    server = Server(["33"], names_it=names_it)

    records, refused = read_batches(ids(50), size=50, fetch=server)

    assert refused == ("33",)
    assert records == tuple(f"record {i}" for i in ids(50) if i != "33")


def test_one_bad_id_of_500_costs_a_handful_of_requests() -> None:
    server = Server(["500"])

    read_batches(ids(500), size=500, fetch=server)

    assert len(server.parts) == 19


def test_named_bad_id_costs_one_request_more() -> None:
    server = Server(["250"], names_it=True)

    read_batches(ids(500), size=500, fetch=server)

    assert len(server.parts) == 2


def test_batch_that_is_forbidden_as_a_whole_ends_in_no_permission_after_a_bounded_number_of_requests() -> None:
    server = Server(ids(500))

    with pytest.raises(NoPermission, match="read rights"):
        read_batches(ids(500), size=500, fetch=server)

    assert len(server.parts) == MOST_REFUSALS + 1


def test_small_batch_that_is_forbidden_as_a_whole_names_its_ids() -> None:
    for names_it in (False, True):
        assert read_batches(ids(3), size=3, fetch=Server(ids(3), names_it=names_it)) == ((), ("1", "2", "3"))


def test_id_named_that_was_not_asked_is_searched_by_halving() -> None:
    def fetch(part: Sequence[str]) -> dict[str, str]:
        if "2" in part:
            raise AccessDenied("TicketHistoryGet.AccessDenied", "User does not have access to the ticket 77!")
        return dict.fromkeys(part, "x")

    assert read_batches(["1", "2", "3"], size=3, fetch=fetch) == (("x", "x"), ("2",))


def test_batch_too_large_is_halved() -> None:
    server = Server(most=2)

    records, refused = read_batches(ids(5), size=5, fetch=server)

    assert (records, refused) == (tuple(f"record {i}" for i in ids(5)), ())
    assert [len(part) for part in server.parts] == [5, 2, 3, 1, 2]


def test_single_id_that_is_too_large_is_an_error() -> None:
    with pytest.raises(TooLarge):
        read_batches(["1", "2"], size=2, fetch=Server(most=0))


def test_progress_is_told_after_each_batch_and_counts_unreadable_ids() -> None:
    told: list[tuple[int, int]] = []

    read_batches(ids(5), size=2, fetch=Server(["3"]), on_progress=lambda done, total: told.append((done, total)))

    assert told == [(2, 5), (4, 5), (5, 5)]


@given(st.sets(st.integers(1, 60), max_size=10), st.booleans(), st.integers(1, 60), st.integers(1, 60))
def test_every_id_is_either_delivered_or_named(bad: set[int], names_it: bool, size: int, most: int) -> None:
    server = Server([str(i) for i in bad], names_it=names_it, most=most)

    records, refused = read_batches(ids(60), size=size, fetch=server)

    assert refused == tuple(i for i in ids(60) if int(i) in bad)
    assert records == tuple(f"record {i}" for i in ids(60) if int(i) not in bad)
