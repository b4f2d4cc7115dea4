"""A data set with the tickets, agents and customers that the recorded requests ask for, ids and numbers included."""

import json
from datetime import datetime, timedelta

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Agent, Attachment, Customer, CustomerUser, Queue
from tests.simulator.recordings import read_recording

PASSWORD, AGENT_PASSWORD, CUSTOMER_PASSWORD = "Portal-Api-1", "Agent-Pass-1", "Kunde-Pass-1"
EVERYWHERE = frozenset({1, 4, 5})

AGENTS = [
    ("root@localhost", 1, EVERYWHERE),
    ("anna.mueller", 3, EVERYWHERE),
    ("b.schmidt", 4, EVERYWHERE),
    ("c.weber", 5, EVERYWHERE),
    ("d.oeztuerk", 6, EVERYWHERE),
    ("e.jung", 7, frozenset({1, 4})),
    ("f.alt", 8, EVERYWHERE),
    ("h_test", 10, frozenset[int]()),
]
USERS = [
    ("h.mueller", "10001"),
    ("p.gross", "10001"),
    ("u.uebermut", "10002"),
    ("s.jaeger", "10003"),
    ("m.aebeltoft", "10004"),
    ("n.nord", "10005"),
    ("o.sued", "10006"),
    ("q.west", "10007"),
    ("massen", "10008"),
    ("klammer", "A(1)+B"),
]
QUEUES = [Queue(2, "Raw", 1), Queue(5, "Support", 4), Queue(6, "Support::Vor-Ort", 4), Queue(7, "Entwicklung", 5)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


class Twin(DataSet):
    """``ticket_with_id`` creates a ticket under the id that the real one had."""

    def ticket_with_id(self, ticket_id: int, created: str, customer: str | None, **more: object) -> str:
        assert str(ticket_id) not in self.tickets
        self.next_ticket_id = ticket_id
        title = more.pop("title", f"Ticket {ticket_id}")
        return self.create(title=title, customer=customer, at=at(created), **more)  # type: ignore[arg-type]

    def book_as(self, ticket_id: str, units: str, when: str, agent: str, article_id: int = 0, **more: bool) -> None:
        self.next_article_id = article_id or self.next_article_id
        self.book(ticket_id, units, at=at(when), agent=agent, **more)


def build_twin() -> Twin:
    portal = Agent(
        user_id=2,
        login="portal-api",
        first_name="Portal",
        last_name="Schnittstelle",
        password=PASSWORD,
        groups=EVERYWHERE,
        may_read_times=True,
        is_admin=True,
    )
    agents = [
        Agent(
            user_id=user_id,
            login=login,
            first_name=login,
            last_name=login,
            password=AGENT_PASSWORD,
            groups=groups,
            valid=login != "f.alt",
        )
        for login, user_id, groups in AGENTS
    ]
    twin = Twin(
        agents=[portal, *agents],
        queues=QUEUES,
        customers=[Customer(number=number, name=number) for number in dict.fromkeys(number for _, number in USERS)],
        customer_users=[
            CustomerUser(login=login, customer_number=number, password=CUSTOMER_PASSWORD) for login, number in USERS
        ],
        now=at("11-22 16:00:00"),
    )
    twin.next_article_id = 5000
    add_closed_tickets(twin)
    add_merged_tickets(twin)
    add_article_tickets(twin)
    add_small_tickets(twin)
    add_mass_tickets(twin)
    return twin


def add_closed_tickets(twin: Twin) -> None:
    odd = twin.ticket_with_id(614, "10-15 09:00:00", "10002", title="EDGE krumme Werte", number="2026101510000092")
    twin.next_article_id = 1201
    note = twin.note(odd, at=at("10-15 10:00:00"), agent="d.oeztuerk", visible=False)
    for minute, units in enumerate(["1", "0.01", "0.1", "12.34", "7.5", "1234567.89", "-15", "", "00.20"]):
        if units:
            when = at(f"10-15 10:{minute:02d}:00")
            twin.book(odd, units, at=when, agent="d.oeztuerk", article_id=note)
    twin.close(odd, at=at("10-15 18:00:00"), agent="d.oeztuerk")

    title = "EDGE Wiedereröffnet: zu Sep, wieder auf Okt, zu Okt"
    again = twin.ticket_with_id(119, "09-10 09:00:00", "10003", title=title, number="2026091010000022")
    twin.book_as(again, "30", "09-10 09:30:00", "c.weber", 287)
    twin.close(again, at=at("09-20 10:00:00"), agent="c.weber")
    twin.reopen(again, at=at("10-05 10:00:00"), agent="c.weber")
    twin.book_as(again, "45", "10-05 10:30:00", "c.weber", 800)
    twin.close(again, at=at("10-12 10:00:00"), agent="c.weber")

    moved = twin.ticket_with_id(
        433, "10-08 09:00:00", "10001", title="EDGE verschoben nach Buchung", number="2026100810000097"
    )
    twin.book_as(moved, "10", "10-08 10:00:00", "anna.mueller", 915)
    twin.move(moved, "Entwicklung", at=at("10-08 10:00:00"))
    twin.book_as(moved, "20", "10-08 11:00:00", "anna.mueller", 917)
    twin.move(moved, "Support::Vor-Ort", at=at("10-09 10:00:00"))
    twin.book_as(moved, "30", "10-09 11:00:00", "anna.mueller", 960)
    twin.close(moved, at=at("10-09 12:00:00"))


def add_merged_tickets(twin: Twin) -> None:
    away = twin.ticket_with_id(
        377,
        "10-06 09:00:00",
        "10005",
        title="EDGE Zusammengefasst Neben",
        number="2026100610000108",
        queue="Support::Vor-Ort",
    )
    twin.book_as(away, "25", "10-06 10:00:00", "anna.mueller", 835)
    main = twin.ticket_with_id(
        744, "10-20 09:00:00", "10005", title="EDGE Zusammengefasst Haupt", number="2026102010000091"
    )
    twin.book_as(main, "35", "10-20 10:00:00", "anna.mueller", 1369)
    twin.next_article_id = 1420
    twin.merge(main, away, at=at("10-21 10:00:00"))
    twin.close(main, at=at("10-22 10:00:00"))


def add_article_tickets(twin: Twin) -> None:
    many = twin.ticket_with_id(
        525,
        "10-12 08:00:00",
        "10002",
        title="EDGE viele Artikel",
        number="2026101210000089",
        dynamic_fields={"Abrechenbar": 1, "Auftragsnummer": 'AU-ÄÖÜ "1"'},
    )
    log = Attachment(filename="protokoll-äöü.txt", content_type="text/plain", content=b"x" * 900)
    for position in range(20):
        when = at("10-12 09:10:00") + timedelta(minutes=10 * position)
        attachments = (log,) if position % 5 == 4 else ()
        visible = position % 2 == 0
        note = twin.note(many, at=when, agent="d.oeztuerk", visible=visible, attachments=attachments)
        twin.book(many, "2.5", at=when, agent="d.oeztuerk", article_id=note)
    twin.close(many, at=at("10-12 15:00:00"), agent="d.oeztuerk")

    printer = twin.ticket_with_id(
        71,
        "10-29 07:11:18",
        "10002",
        title="Drucker druckt keine Umlaute #1",
        number="2026102910000011",
        agent="b.schmidt",
        dynamic_fields={"Auftragsnummer": "AU-30001"},
    )
    twin.book_as(printer, "60.5", "10-29 08:09:45", "b.schmidt")
    twin.book_as(printer, "30", "10-30 02:12:47", "b.schmidt")
    twin.close(printer, at=at("10-30 02:45:00"), agent="b.schmidt")


def add_small_tickets(twin: Twin) -> None:
    title = "Welcome to ((OTRS)) Community Edition!"
    twin.ticket_with_id(
        1, "11-22 14:43:03", None, title=title, number="2021031415926535", queue="Raw", agent="root@localhost"
    )
    border = twin.ticket_with_id(
        252, "09-30 10:00:00", "10001", title="EDGE Monatsgrenze Buchung", number="2026093010000039"
    )
    for units, when in (("11", "09-30 23:59:59"), ("12", "10-01 00:00:00"), ("13", "10-31 23:59:59")):
        twin.book_as(border, units, when, "b.schmidt")
    twin.book_as(border, "14", "11-01 00:00:00", "b.schmidt")
    twin.close(border, at=at("11-02 09:00:00"), agent="b.schmidt")
    special = 'Sonderzeichen "quoted"; Komma, Semikolon; Ümläute ß €'
    strange = twin.ticket_with_id(642, "10-16 08:00:00", "10004", title=special, number="2026101610000107")
    twin.book_as(strange, "5", "10-16 09:00:01", "e.jung")
    twin.close(strange, at=at("10-16 10:00:01"), agent="e.jung")
    nobody = twin.ticket_with_id(676, "10-17 08:00:00", None, title="EDGE ohne Kunde", number="2026101710000071")
    twin.book_as(nobody, "6", "10-17 09:00:00", "e.jung")
    twin.close(nobody, at=at("10-17 10:00:00"), agent="e.jung")
    departed = twin.ticket_with_id(
        285,
        "10-02 08:00:00",
        "10007",
        title="EDGE Zeit eines ausgeschiedenen Agenten",
        number="2026100210000071",
    )
    twin.book_as(departed, "50", "10-02 09:00:00", "f.alt")
    twin.close(departed, at=at("10-03 10:00:00"))
    same = "EDGE Doppelbuchung gleiche Sekunde"
    double = twin.ticket_with_id(2001, "10-14 08:00:00", "10001", title=same, number="2026101410000094")
    for _ in range(3):
        twin.book_as(double, "15", "10-14 10:00:00", "b.schmidt")
    same = "EDGE zweites Ticket gleiche Sekunde"
    other = twin.ticket_with_id(2002, "10-14 08:00:00", "10001", title=same, number="2026101410000101")
    twin.book_as(other, "15", "10-14 10:00:00", "b.schmidt")
    night = twin.ticket_with_id(2003, "10-24 08:00:00", "10006", title="EDGE Zeitumstellung", number="2026102410000075")
    for units, when in (("61", "01:30:00"), ("62", "02:30:00"), ("63", "02:30:00"), ("64", "03:30:00")):
        twin.book_as(night, units, f"10-25 {when}", "d.oeztuerk")
    beginning = twin.ticket_with_id(5, "08-24 08:00:00", "10005", queue="Entwicklung")
    twin.book_as(beginning, "10", "08-24 09:00:42", "b.schmidt")
    forbidden = twin.ticket_with_id(311, "10-03 08:00:00", "10001", queue="Entwicklung")
    twin.close(forbidden, at=at("10-04 09:00:00"))
    for ticket_id, day in (
        (13, "08-25"),
        (17, "08-26"),
        (18, "08-27"),
        (1126, "11-17"),
        (1159, "11-19"),
        (1164, "11-20"),
    ):
        orders: dict[str, str | int] = {"Auftragsnummer": "AU-20002"} if ticket_id == 1126 else {}
        twin.ticket_with_id(ticket_id, f"{day} 09:00:00", "10007", dynamic_fields=orders)
    for ticket_id, order, day in ((183, "AU-20004", "09-20"), (571, "AU-20003", "10-14"), (973, "AU-20001", "10-29")):
        twin.ticket_with_id(ticket_id, f"{day} 09:00:00", "10005", dynamic_fields={"Auftragsnummer": order})
    twin.ticket_with_id(1166, "11-20 10:00:00", "10004")
    twin.ticket_with_id(1171, "11-21 09:00:00", "10001")
    twin.ticket_with_id(1172, "11-21 10:00:00", "10001")
    twin.ticket_with_id(716, "10-19 09:00:00", "A(1)+B")
    twin.ticket_with_id(1161, "11-19 09:00:00", "10001", title="Größe der Mailbox", customer_user="p.gross")
    grown = twin.ticket_with_id(983, "10-30 09:00:00", "10001", customer_user="p.gross")
    twin.close(grown, at=at("10-31 09:00:00"))


def add_tickets_to_write_on(twin: Twin) -> None:
    """Those that the recorded writes change."""
    for ticket_id, number in ((1173, "2026112210000013"), (1188, "2026112210000166")):
        twin.ticket_with_id(ticket_id, "11-22 15:00:00", "10001", title="Portal-Test", number=number)


def add_mass_tickets(twin: Twin) -> None:
    """The 540 tickets of one customer, each with 15 units."""
    for ticket in json.loads(read_recording("rest-ticketget-540-ids-post").answer.body)["Ticket"]:
        created = ticket["Created"].removeprefix("2026-")
        ticket_id = twin.ticket_with_id(
            ticket["TicketID"],
            created,
            "10008",
            title=ticket["Title"],
            number=ticket["TicketNumber"],
            agent=ticket["Owner"],
        )
        second_time = created == "10-25 02:20:00"  # 80 minutes after a ticket of 02:00:00
        booked = (at(created) + timedelta(minutes=1)).replace(fold=int(second_time))
        twin.book(ticket_id, 15, at=booked, agent=ticket["Owner"])
        twin.close(ticket_id, at=at(created) + timedelta(minutes=2), agent=ticket["Owner"])
