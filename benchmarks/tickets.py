"""The start page, and the list of tickets: first and last page, sorted, filtered, searched; all months, and one."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.urls import reverse

from benchmarks.pages import browser, measure_page
from benchmarks.stopwatch import Page
from benchmarks.world import Year

AIM = 50  # milliseconds, at 200,000 tickets
START_AIM = 100  # of the start page, which asks for what is counted entry by entry afterwards
FULL_SIZE = 200_000
PER_PAGE = 25


def measure(year: Year, *, rounds: int = 5) -> Iterator[Page]:
    client = browser(year.user)
    start_aim = START_AIM if year.tickets >= FULL_SIZE else None
    start = reverse("start")
    yield measure_page(client, "start page", start, size=year.entries, aim=start_aim, rounds=rounds)
    for name, parameters in _lists(year).items():
        yield measure_page(
            client,
            f"tickets: {name}",
            f"{reverse('tickets:list')}?{urlencode(parameters)}",
            size=year.tickets,
            aim=AIM if year.tickets >= FULL_SIZE else None,
            rounds=rounds,
        )


def _lists(year: Year) -> dict[str, dict[str, str]]:
    everything, month = {"period": "all"}, {"period": str(year.month)}
    last = str(-(-year.tickets // PER_PAGE))
    return {
        "first page": everything,
        "last page": everything | {"page": last},
        "sorted by title": everything | {"sort": "title"},
        "sorted by title, last page": everything | {"sort": "title", "page": last},
        "sorted by customer": everything | {"sort": "customer"},
        "sorted by last closed": everything | {"sort": "-closed_at"},
        "one queue": everything | {"queue": "Support::Gruppe 03"},
        "one customer": everything | {"customer": "K00002"},
        "not billed": everything | {"billed": "no"},
        "search, many found": everything | {"q": "Drucker"},
        "search, few found": everything | {"q": "Postfach Lizenz Platz 41"},
        "search, none found": everything | {"q": "Kaffeemaschine"},
        "one month": month,
        "one month, last page": month | {"page": "999999"},
        "one month, sorted by minutes": month | {"sort": "-minutes"},
        "one month, not billed": month | {"billed": "no"},
    }
