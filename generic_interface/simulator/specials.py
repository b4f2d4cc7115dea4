"""The particular cases of the built-in data set, each one ticket known by its name in ``DataSet.special``.

``a``, ``b`` and ``c`` are the three months, ``c`` the last one. The minutes behind a name say what was booked when.
"""

from datetime import datetime, timedelta

from generic_interface.simulator.months import Month, clock_change_in, end_of, first_second, last_second
from generic_interface.simulator.people import DEPARTED_AGENT
from generic_interface.simulator.plan import Plan

HOSTILE_TITLES = {
    "title_formula": "=1+1",
    "title_svg": "<svg onload=alert(1)>",
    "title_script": '"><script>alert(1)</script>',
    "title_line_breaks": "Zeilen\numbruch\r\nim Titel",
    "title_255": "x" * 255,
    "title_right_to_left": "Abrechnung \u202egnundhcebA\u200f Ende",
    "title_blanks": "  Leerzeichen außen  ",
    "title_quotes": "Sonderzeichen \"quoted\"; Komma, Semikolon; Ümläute ß € 'x'",
    "title_digits": "00012345",
    "title_replaced_emoji": "Danke \ufffd für die Hilfe",
}
"""Tickets with 5 minutes each, closed in c."""


def special_plans(a: Month, b: Month, c: Month) -> list[Plan]:
    return [
        *_borders(b, c),
        *_corrections(b, c),
        *_reopened(a, b, c),
        *_merged_and_moved(c),
        *_plain_cases(b, c),
        *_hostile_titles(c),
        *_clock_change((a, b, c)),
    ]


def _on(month: Month, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(month[0], month[1], day, hour, minute)


def _borders(b: Month, c: Month) -> list[Plan]:
    """First and last second of the month; b 11, c 12 + 13, the next month 14 for the first ticket."""
    late_b = last_second(b) - timedelta(hours=14)
    return [
        Plan(special="month_border", created=late_b, title="Monatsgrenze", customer="10001", agent="b.schmidt")
        .book(last_second(b), 11)
        .book(first_second(c), 12)
        .book(last_second(c), 13)
        .close(last_second(c)),
        Plan(special="closed_in_first_second", created=late_b, title="Schluss um Mitternacht", customer="1000")
        .book(last_second(b), 7)
        .close(first_second(c)),
        Plan(special="closed_in_last_second_before", created=late_b, title="Schluss vor Mitternacht", customer="1000")
        .book(late_b, 8)
        .close(last_second(b)),
        Plan(special="closed_after_the_end", created=_on(c, 27), title="Neuer Monat, neues Glück", customer="0042")
        .book(end_of(c), 14)
        .close(end_of(c)),
    ]


def _corrections(b: Month, c: Month) -> list[Plan]:
    """Negative bookings: 60 - 15, 30 - 30, and 40 in b corrected by -10 in c without reopening."""
    return [
        Plan(special="corrected", created=_on(c, 7, 8), title="Zu viel gebucht, berichtigt", customer="A(1)+B")
        .book(_on(c, 7), 60)
        .book(_on(c, 8), -15)
        .close(_on(c, 8, 17)),
        Plan(special="corrected_to_zero", created=_on(c, 9, 8), title="Versehentlich gebucht", customer="A(1)+B")
        .book(_on(c, 9), 30)
        .book(_on(c, 9, 11), -30)
        .close(_on(c, 9, 12)),
        Plan(special="corrected_late", created=_on(b, 12, 8), title="Nachträglich berichtigt", customer="10001")
        .book(_on(b, 12), 40)
        .close(_on(b, 13))
        .book(_on(c, 4), -10),
        Plan(special="late_booking", created=_on(b, 10, 8), title="Fahrtzeit nachgetragen", customer="0042")
        .book(_on(b, 10), 30)
        .close(_on(b, 20))
        .book(_on(c, 3), 10),
    ]


def _reopened(a: Month, b: Month, c: Month) -> list[Plan]:
    """Closed in b (30) and c (45); in a, b and c (20, 25, 35); in c and open since (50, 10); twice in c (15, 20)."""
    return [
        Plan(special="reopened", created=_on(b, 10), title="Wiedereröffnet, wieder zu", customer="AT/2026-07")
        .book(_on(b, 10, 10), 30)
        .close(_on(b, 20))
        .reopen(_on(c, 5))
        .book(_on(c, 5, 10), 45, agent="c.weber")
        .close(_on(c, 12)),
        Plan(special="reopened_twice", created=_on(a, 15), title="Kommt immer wieder", customer="KÖLN 7 & Co")
        .book(_on(a, 15, 10), 20)
        .close(_on(a, 20))
        .reopen(_on(b, 5))
        .book(_on(b, 5, 10), 25)
        .close(_on(b, 15))
        .reopen(_on(c, 5))
        .book(_on(c, 5, 10), 35)
        .close(_on(c, 15)),
        Plan(special="reopened_still_open", created=_on(c, 6), title="Doch nicht erledigt", customer="10001")
        .book(_on(c, 6, 10), 50)
        .close(_on(c, 10))
        .reopen(_on(c, 12))
        .book(_on(c, 12, 10), 10),
        Plan(special="closed_twice_in_month", created=_on(c, 2), title="Zweimal zu im Monat", customer="10001")
        .book(_on(c, 2, 10), 15)
        .close(_on(c, 5))
        .reopen(_on(c, 6))
        .book(_on(c, 6, 10), 20)
        .close(_on(c, 8)),
    ]


def _merged_and_moved(c: Month) -> list[Plan]:
    """25 minutes come to the main ticket (35) by a merge; 10, 20, 30 in three queues, the first move in that second."""
    return [
        Plan(
            special="merged_away", created=_on(c, 6), title="Doppelt gemeldet", customer="10%", queue="Support::Vor-Ort"
        ).book(_on(c, 6, 10), 25),
        Plan(special="merged_main", created=_on(c, 20), title="Zusammengefasst", customer="10%")
        .book(_on(c, 20, 10), 35)
        .merge(_on(c, 21), "merged_away")
        .close(_on(c, 22)),
        Plan(special="moved", created=_on(c, 8), title="Wandert durch drei Queues", customer="10001")
        .book(_on(c, 8, 10), 10)
        .move(_on(c, 8, 10), "Projekte")
        .book(_on(c, 8, 11), 20)
        .move(_on(c, 9, 10), "Support::Vor-Ort")
        .book(_on(c, 9, 11), 30)
        .close(_on(c, 9, 12)),
    ]


def _plain_cases(b: Month, c: Month) -> list[Plan]:
    """Duplicates in one second are 3 x 15 and 15 on another ticket; 12.34 + 7.66 have decimals."""
    second = _on(c, 14, 10)
    return [
        Plan(special="duplicates", created=_on(c, 14, 8), title="Doppelbuchung gleiche Sekunde", customer="10001")
        .book(second, 15, agent="b.schmidt", times=3)
        .close(_on(c, 14, 16)),
        Plan(special="duplicates_other", created=_on(c, 14, 8), title="Dieselbe Sekunde", customer="10001")
        .book(second, 15, agent="b.schmidt")
        .close(_on(c, 14, 16)),
        Plan(special="without_customer", created=_on(c, 17, 8), title="Anruf ohne Kunde", customer=None)
        .book(_on(c, 17), 6)
        .close(_on(c, 17, 10)),
        Plan(special="closed_without_time", created=_on(c, 18, 8), title="Von selbst erledigt", customer="1000").close(
            _on(c, 18)
        ),
        Plan(special="closed_unsuccessful", created=_on(c, 19, 8), title="Nicht nachstellbar", customer="1000")
        .book(_on(c, 19), 22)
        .close(_on(c, 19, 10), state="closed unsuccessful"),
        Plan(
            special="created_closed",
            created=_on(c, 23),
            title="Telefonisch gelöst",
            customer="1000",
            state="closed successful",
        ).book(_on(c, 23), 8),
        Plan(special="open_with_time", created=_on(c, 24, 8), title="In Arbeit", customer="0042").book(_on(c, 24), 40),
        Plan(special="open_without_time", created=_on(c, 25, 8), title="Eben gemeldet", customer="0042"),
        Plan(special="decimals", created=_on(c, 11, 8), title="Krumme Werte", customer="1000")
        .book(_on(c, 11), "12.34")
        .book(_on(c, 11, 10), "7.66")
        .close(_on(c, 11, 11)),
        Plan(
            special="departed_agent", created=_on(c, 2, 8), title="Letzter Tag", customer="10001", agent=DEPARTED_AGENT
        )
        .book(_on(c, 2), 50)
        .close(_on(c, 3)),
        Plan(special="booked_by_root", created=_on(c, 16, 8), title="Zeit aus dem Kundenportal", customer="1000")
        .book(_on(c, 16), 9, agent="root@localhost")
        .close(_on(c, 16, 10)),
    ]


def _hostile_titles(c: Month) -> list[Plan]:
    return [
        Plan(special=special, created=_on(c, 16, 8), title=title, customer="A(1)+B", agent="e.jung")
        .book(_on(c, 16, 9, index), 5)
        .close(_on(c, 16, 10, index))
        for index, (special, title) in enumerate(HOSTILE_TITLES.items())
    ]


def _clock_change(months: tuple[Month, ...]) -> list[Plan]:
    """61 at 01:30, 62 and 63 in the two hours that are both called 02:30, 64 at 03:30."""
    nights = [night for night in map(clock_change_in, months) if night is not None]
    hour = timedelta(hours=1)
    return [
        Plan(
            special="clock_change", created=night - 9 * hour, title="Zeitumstellung", customer="10%", agent="d.oeztuerk"
        )
        .book(night - hour, 61)
        .book(night, 62)
        .book(night.replace(fold=1), 63)
        .book(night + hour, 64)
        .close(night + 8 * hour)
        for night in nights
    ]
