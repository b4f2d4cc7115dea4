"""The outbox over a real socket: whatever goes wrong in the middle of a write, it is written once and mailed once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from common.jobs import LEASE, Job, claim, give_up_on
from generic_interface.client import Client
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, QUEUES
from generic_interface.simulator.rpc import RpcSettings
from generic_interface.simulator.server import RunningSimulator, start_simulator
from portal.schedule import outboxes_to_empty
from portal.tasks import resume_jobs
from tests.at_once import at_once
from tests.factories.tickets import connected, connected_over_rpc
from tests.tickets.outbox import (
    EVER,
    MAKERS,
    ONCE,
    Clock,
    impatient,
    mail,
    marked_articles,
    marked_tickets,
    mirrored,
    new_ticket,
    note,
    written,
)
from tickets.connect import open_client
from tickets.models import Ticket, TicketSystem
from tickets.outbox import ask_again, due, put, settle
from tickets.outbox_models import OutboxItem
from tickets.outbox_sending import PAUSES, SETTLING, deliver_waiting
from tickets.tasks import deliver

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 26, 9)
KINDS = list(MAKERS)
AFTER, BEFORE = ["drop", "http_500", "truncated", "html"], ["lost", "lost_500"]
SIGNED = {"sign": "smime", "sign_key": "3b630c80"}


@pytest.fixture
def upstream() -> DataSet:
    return DataSet(agents=AGENTS, queues=QUEUES, customers=CUSTOMERS, customer_users=CUSTOMER_USERS, now=MORNING)


@pytest.fixture
def simulator(upstream: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(upstream) as running:
        yield running


@pytest.fixture
def system(db: None, simulator: RunningSimulator) -> TicketSystem:
    return connected(simulator, name="Helpdesk")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def operation(item: OutboxItem) -> str:
    return "TicketUpdate" if item.kind == OutboxItem.Kind.NOTE else "TicketCreate"


def known(item: OutboxItem) -> tuple[str, str]:
    item.refresh_from_db()
    return item.state, item.outcome


def go_on(system: TicketSystem, clock: Clock, *, times: int = 8) -> None:
    """As the scheduler does, far beyond every pause."""
    for _ in range(times):
        deliver_waiting(system, clock=clock)
        clock.forward(hours=3)


@pytest.mark.parametrize("kind", KINDS)
def test_item_is_written_once_and_found_by_its_marker(
    system: TicketSystem, upstream: DataSet, clock: Clock, kind: str
) -> None:
    item = MAKERS[kind](system, upstream)

    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]
    article = marked_articles(upstream, item)[0]
    assert (item.upstream_article_id, article.visible) == (str(article.article_id), False)
    assert (item.tries, item.outcome_text, item.complete) == (1, "", True)


def test_mail_has_recipients_file_and_number(system: TicketSystem, upstream: DataSet, clock: Clock) -> None:
    item = mail(system, cc="b@kunde.test\nc@kunde.test", bcc="chef@firma.test")

    deliver_waiting(system, clock=clock)

    item.refresh_from_db()
    (sent,) = upstream.mails
    assert (sent.to, sent.cc, sent.bcc) == (
        "Kunde <kunde@kunde10001.test>", "b@kunde.test, c@kunde.test", "chef@firma.test",
    )  # fmt: skip
    assert sent.subject == f"[Ticket#{item.upstream_number}] Statement"
    assert marked_articles(upstream, item)[0].attachments[0].content == b"%PDF"
    ticket = upstream.ticket(marked_tickets(upstream, item)[0])
    assert (ticket.customer_number, ticket.state.name) == ("10001", "closed successful")


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("kind", KINDS)
def test_answer_lost_after_storing_is_found_and_not_repeated(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str, fault: str
) -> None:
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:{fault}:1")

    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]
    assert "found in the ticket system" in item.outcome_text
    assert simulator.operations().count(operation(item)) == 1


@pytest.mark.parametrize("fault", BEFORE)
@pytest.mark.parametrize("kind", KINDS)
def test_request_lost_before_storing_is_repeated_after_the_ticket_system_was_looked_at(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str, fault: str
) -> None:
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:{fault}:1")

    deliver_waiting(system, clock=clock)
    first = known(item), item.look_at, written(upstream, item)
    clock.forward(minutes=9)
    early = deliver_waiting(system, clock=clock)
    clock.forward(minutes=2)
    deliver_waiting(system, clock=clock)

    assert first == (("queued", "unknown"), NOW + SETTLING, EVER[kind])
    assert early == 0
    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]
    assert simulator.operations().count(operation(item)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_timeout_before_storing(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str
) -> None:
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:hang:1")

    deliver_waiting(system, clock=clock, make_client=impatient)
    first = known(item)
    go_on(system, clock)

    assert (first, known(item)) == (("queued", "unknown"), ("done", "done"))
    assert written(upstream, item) == ONCE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_timeout_while_the_ticket_system_still_works_on_it(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str
) -> None:
    """Looked at too early it is not there: only the waiting keeps it from being written twice."""
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:late:1")

    deliver_waiting(system, clock=clock, make_client=impatient)
    first = known(item)
    wait_for(upstream, item)
    go_on(system, clock)

    assert (first, known(item)) == (("queued", "unknown"), ("done", "done"))
    assert written(upstream, item) == ONCE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_timeout_after_storing(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str
) -> None:
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:slow:1")

    deliver_waiting(system, clock=clock, make_client=impatient)
    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]


def wait_for(upstream: DataSet, item: OutboxItem) -> None:
    """Until the request that nobody waits for has been carried out."""
    deadline = time.monotonic() + 10
    found: list[object] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.02)
        with upstream.lock:
            found = list(marked_articles(upstream, item))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [True, False])
def test_worker_that_dies_in_the_middle_leaves_no_second_one(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str, stored: bool
) -> None:
    item = MAKERS[kind](system, upstream)

    class Killed(BaseException):
        pass

    class Dying(Client):
        def _send(self, name: str, parameters: Any) -> dict[str, object]:
            if name in ("TicketCreate", "TicketUpdate"):
                if stored:
                    super()._send(name, parameters)
                raise Killed
            return super()._send(name, parameters)

    def make(of: TicketSystem) -> Client:
        return Dying(open_client(of)._connection)

    with pytest.raises(Killed):
        deliver_waiting(system, clock=clock, make_client=make)
    dead = known(item)
    busy = deliver_waiting(system, clock=clock)
    clock.forward(seconds=int(LEASE.total_seconds()) + 1)
    go_on(system, clock)

    assert (dead, busy) == (("running", "sending"), 0)
    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_message_delivered_ten_times_writes_once(
    system: TicketSystem, upstream: DataSet, kind: str, simulator: RunningSimulator
) -> None:
    item = MAKERS[kind](system, upstream)

    for _ in range(10):
        deliver(system.pk)

    assert written(upstream, item) == ONCE[kind]
    assert simulator.operations().count(operation(item)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_eight_workers_at_once_write_once(
    system: TicketSystem, upstream: DataSet, kind: str, simulator: RunningSimulator
) -> None:
    items = [MAKERS[kind](system, upstream)]
    items += [note(mirrored(system, upstream), f"note {number}") for number in range(4)]

    at_once(lambda _number: deliver(system.pk), workers=8)

    assert [known(item) for item in items] == [("done", "done")] * 5
    assert written(upstream, items[0]) == ONCE[kind]
    assert [written(upstream, item)[1] for item in items] == [1] * 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_same_key_put_eight_times_at_once_is_one(system: TicketSystem) -> None:
    first = new_ticket(system)
    OutboxItem.objects.all().delete()

    def press(_number: int) -> int:
        values = {name: getattr(first, name) for name in ("title", "subject", "body", "queue", "ticket_state", "kind")}
        return put([OutboxItem(system=system, customer=first.customer, key="form", **values)])[0].pk

    assert len(set(at_once(press, workers=8))) == 1
    assert OutboxItem.objects.count() == 1


def test_failed_signature_is_stored_and_sent_from_the_same_ticket_when_a_person_asks(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = mail(system, **SIGNED)

    go_on(system, clock)
    failed = known(item), written(upstream, item), item.error
    upstream.mail_keys.add("3b630c80")
    again = ask_again(item)
    go_on(system, clock)

    assert failed[:2] == (("failed", "unsent"), (1, 1, 0))
    assert "nothing was mailed" in failed[2]
    assert again is True
    assert known(item) == ("done", "done")
    assert written(upstream, item) == (1, 2, 1)
    assert ask_again(item) is False


def test_failed_signature_asked_again_without_the_key_fails_again(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = mail(system, **SIGNED)
    go_on(system, clock)

    ask_again(item)
    go_on(system, clock)

    assert known(item) == ("failed", "unsent")
    assert written(upstream, item) == (1, 2, 0)
    assert len(item.unsent_articles) == 2


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("was_sent", [True, False])
def test_signed_mail_without_an_answer_waits_for_a_person(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, key: bool, was_sent: bool
) -> None:
    """Whether the signature failed cannot be read; the person looks, and nothing is sent before."""
    item = mail(system, **SIGNED)
    upstream.mail_keys |= {"3b630c80"} if key else set()
    simulator.faults.add("TicketCreate:drop:1")

    go_on(system, clock)
    doubt = known(item), item.waits_for_person, ask_again(item), written(upstream, item)
    upstream.mail_keys.add("3b630c80")
    settled = settle(item, was_sent=was_sent, now=clock())
    go_on(system, clock)

    assert doubt == (("failed", "unknown"), True, False, (1, 1, int(key)))
    assert (settled, settle(item, was_sent=was_sent, now=clock())) == (True, False)
    assert known(item) == ("done", "done")
    assert written(upstream, item)[0] == 1
    assert written(upstream, item)[2] == int(key) + int(not was_sent)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"queue": "Nowhere"}, "Ticket->Queue parameter is invalid"),
        ({"customer_user": "nobody"}, "Ticket->CustomerUser parameter is invalid"),
        ({"ticket_state": "zu"}, "Ticket->State parameter is invalid"),
        ({"queue": ""}, "queue is empty"),
        ({"to": "x@example.com", "kind": "mail"}, "example"),
    ],
)
def test_what_is_refused_is_not_written_and_says_why(
    system: TicketSystem, upstream: DataSet, clock: Clock, values: dict[str, str], words: str
) -> None:
    item = new_ticket(system, **values)

    go_on(system, clock)

    assert known(item) == ("failed", "refused")
    assert words in item.outcome_text
    assert written(upstream, item) == (0, 0, 0)


def test_item_refused_once_is_written_when_a_person_asks_again(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = new_ticket(system, queue="Nowhere")
    deliver_waiting(system, clock=clock)
    OutboxItem.objects.update(queue="Support")

    assert ask_again(item) is True
    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE["ticket"]


def test_note_on_a_ticket_whose_id_is_not_known_is_never_a_new_ticket(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = note(mirrored(system, upstream))
    Ticket.objects.update(ticket_id=None)
    before = len(upstream.tickets)

    go_on(system, clock)

    assert known(item) == ("failed", "refused")
    assert "TicketID" in item.outcome_text
    assert len(upstream.tickets) == before


def test_ticket_without_its_article_gets_it_and_no_second_ticket(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    item = new_ticket(system)
    simulator.faults.add("TicketCreate:drop:1", "TicketGet:drop")
    deliver_waiting(system, clock=clock)
    upstream.ticket(marked_tickets(upstream, item)[0]).articles.clear()
    simulator.faults.clear()

    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE["ticket"]


def test_ticket_system_that_is_down_is_asked_again_later_and_less_and_less(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    item = note(mirrored(system, upstream))
    simulator.stop()
    looks = []

    for _ in range(len(PAUSES) + 3):
        deliver_waiting(system, clock=clock)
        item.refresh_from_db()
        looks.append(item.look_at)
        clock.now = item.look_at or clock.now + timedelta(hours=3)

    assert known(item) == ("failed", "refused")
    assert "No connection" in item.outcome_text
    assert [later - NOW for later in looks[:3] if later] == [
        timedelta(minutes=1), timedelta(minutes=6), timedelta(minutes=21),
    ]  # fmt: skip


def test_look_that_fails_leaves_it_unknown_and_is_made_again(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    item = MAKERS["note"](system, upstream)
    simulator.faults.add("TicketUpdate:drop:1", "TicketGet:http_500:1")

    deliver_waiting(system, clock=clock)
    first = known(item), item.outcome_text
    go_on(system, clock)

    assert first[0] == ("queued", "unknown")
    assert "closed the connection" in first[1]
    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE["note"]


def test_note_on_a_ticket_that_is_gone_is_refused(system: TicketSystem, upstream: DataSet, clock: Clock) -> None:
    ticket = mirrored(system, upstream)
    item = note(ticket)
    upstream.delete(str(ticket.ticket_id))

    go_on(system, clock)

    assert known(item) == ("failed", "refused")
    assert "AccessDenied" in item.outcome_text


def test_note_whose_ticket_vanished_before_it_was_found_stays_unknown(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    ticket = mirrored(system, upstream)
    item = note(ticket)
    simulator.faults.add("TicketUpdate:drop:1", "TicketGet:drop:1")
    deliver_waiting(system, clock=clock)
    upstream.delete(str(ticket.ticket_id))

    go_on(system, clock)

    assert known(item) == ("failed", "unknown")
    assert ask_again(item) is True


def test_refused_login_is_tried_once_for_all_that_waits(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    items = [note(mirrored(system, upstream), f"note {number}") for number in range(5)]
    TicketSystem.objects.update(password="wrong")
    system.refresh_from_db()

    deliver_waiting(system, clock=clock)

    assert [known(item) for item in items] == [("failed", "refused")] * 5
    assert simulator.operations() == ["SessionCreate"]


def test_password_that_cannot_be_read_fails_all_that_waits(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = note(mirrored(system, upstream))
    TicketSystem.objects.update(base_url="nonsense")
    system.refresh_from_db()

    assert deliver_waiting(system, clock=clock) == 0
    assert known(item) == ("failed", "refused")
    assert "base URL" in item.outcome_text


def test_worker_that_lost_its_lease_writes_nothing_more(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock
) -> None:
    item = MAKERS["ticket"](system, upstream)

    def taken_over(of: TicketSystem) -> Client:
        client = open_client(of)
        send = client._transport.call

        def steal(name: str, parameters: Any) -> dict[str, object]:
            if name == "SessionCreate":
                clock.forward(minutes=3)
                assert claim(OutboxItem.objects.get(), now=clock())
            return send(name, parameters)

        client._transport.call = steal  # type: ignore[assignment, method-assign]
        return client

    deliver_waiting(system, clock=clock, make_client=taken_over)

    assert known(item) == ("running", "sending")
    assert written(upstream, item) == EVER["ticket"]
    assert item.attempts == 2


def test_job_given_up_on_stays_in_doubt_and_is_looked_at_when_asked_again(
    system: TicketSystem, upstream: DataSet, clock: Clock
) -> None:
    item = new_ticket(system, state=Job.State.RUNNING, attempts=5, lease_until=NOW - LEASE, tries=1, sent_at=NOW,
                      outcome="sending")  # fmt: skip
    give_up_on(OutboxItem, now=NOW)
    item.refresh_from_db()

    assert (item.state, item.in_doubt, ask_again(item)) == ("failed", True, True)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "note"},
        {"kind": "mail", "to": ""},
        {"kind": "ticket", "to": "a@b.test"},
        {"state": "done"},
        {"outcome": "unknown"},
        {"key": "taken"},
        {"marker": "BPTAKEN"},
    ],
)
def test_database_refuses_what_makes_no_sense(system: TicketSystem, values: dict[str, str]) -> None:
    new_ticket(system, "taken", marker="BPTAKEN")

    with pytest.raises(IntegrityError), transaction.atomic():
        new_ticket(system, **{"key": "other", **values})


def test_due_leaves_alone_what_is_to_be_looked_at_later(system: TicketSystem) -> None:
    new_ticket(system, "now")
    new_ticket(system, "later", look_at=NOW + timedelta(minutes=1))
    new_ticket(system, "done", state="done", outcome="done", tries=1, sent_at=NOW)

    assert [item.key for item in due(NOW)] == ["now"]


def test_nothing_is_written_into_a_system_that_is_unknown_or_not_in_use(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet
) -> None:
    item = new_ticket(system)
    TicketSystem.objects.update(active=False)
    OutboxItem.objects.update(created_at=NOW - timedelta(days=9))

    deliver(0)
    deliver(system.pk)

    assert outboxes_to_empty(now=NOW) == []
    assert known(item) == ("queued", "waiting")
    assert simulator.operations() == []


def test_same_key_put_twice_is_one_item(system: TicketSystem) -> None:
    first = new_ticket(system)
    again = OutboxItem(
        system=system, customer=first.customer, kind="ticket", key=first.key, title="T", subject="S", body="Other"
    )

    assert put([again]) == [first]
    assert OutboxItem.objects.get().body == first.body


def test_scheduler_sends_one_message_for_each_system_with_work(
    system: TicketSystem, monkeypatch: pytest.MonkeyPatch, upstream: DataSet
) -> None:
    items = [new_ticket(system), mail(system)]
    OutboxItem.objects.update(created_at=NOW - timedelta(days=9))

    assert outboxes_to_empty(now=NOW) == [system.pk]
    resume_jobs()  # there is no worker: the message waits
    deliver(system.pk)
    assert [known(item) for item in items] == [("done", "done")] * 2
    assert outboxes_to_empty(now=NOW) == []


def test_task_goes_on_where_much_waits(
    system: TicketSystem, upstream: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[int] = []
    monkeypatch.setattr(deliver, "delay", messages.append)
    monkeypatch.setattr("tickets.tasks.deliver_waiting", lambda of: deliver_waiting(of, most=1))
    new_ticket(system)
    mail(system)

    deliver(system.pk)
    deliver(system.pk)

    assert messages == [system.pk]
    assert (str(OutboxItem.objects.first()).split()[0], OutboxItem.objects.filter(state="done").count()) == (
        "ticket",
        2,
    )


@pytest.mark.parametrize("fault", ["drop", "lost"])
@pytest.mark.parametrize("kind", KINDS)
def test_over_soap_it_is_written_once_as_well(
    system: TicketSystem, simulator: RunningSimulator, upstream: DataSet, clock: Clock, kind: str, fault: str
) -> None:
    TicketSystem.objects.update(transport="soap")
    system.refresh_from_db()
    item = MAKERS[kind](system, upstream)
    simulator.faults.add(f"{operation(item)}:{fault}:1")

    go_on(system, clock)

    assert known(item) == ("done", "done")
    assert written(upstream, item) == ONCE[kind]


def test_failed_signature_over_soap_is_known_as_such(system: TicketSystem, upstream: DataSet, clock: Clock) -> None:
    TicketSystem.objects.update(transport="soap")
    system.refresh_from_db()
    item = mail(system, **SIGNED)

    go_on(system, clock)

    assert known(item) == ("failed", "unsent")
    assert written(upstream, item) == (1, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_over_rpc_it_is_written_once(upstream: DataSet, clock: Clock, kind: str) -> None:
    with start_simulator(upstream, rpc=RpcSettings(version=5)) as running:
        old = connected_over_rpc(running, rpc_user_id=2)
        item = MAKERS[kind](old, upstream)

        go_on(old, clock)

        assert known(item) == ("done", "done"), item.outcome_text
        assert written(upstream, item)[:2] == ONCE[kind][:2]
        assert len(running.rpc.mails) == ONCE[kind][2]


@pytest.mark.parametrize("fault", ["drop", "lost", "lost_500", "http_500"])
@pytest.mark.parametrize("kind", KINDS)
def test_over_rpc_a_lost_answer_stays_in_doubt_and_nothing_is_repeated(
    upstream: DataSet, clock: Clock, kind: str, fault: str
) -> None:
    """rpc.pl shows no articles, so nobody can look; it is not written again either."""
    with start_simulator(upstream, rpc=RpcSettings(version=5)) as running:
        old = connected_over_rpc(running, rpc_user_id=2)
        item = MAKERS[kind](old, upstream)
        method = "ArticleSend" if kind == "mail" else "ArticleCreate"
        nth = 2 if kind == "ticket" else 1  # of a ticket the first asks whether there is such a method
        running.faults.add(f"TicketObject.{method}:{fault}:{nth}")

        go_on(old, clock)
        ask_again(item)
        go_on(old, clock)

        assert known(item) == ("failed", "unknown"), item.outcome_text
        stored = fault in ("drop", "http_500")
        assert written(upstream, item)[:2] == (ONCE[kind][0], int(stored))
        assert len(running.rpc.mails) == ONCE[kind][2] * int(stored)
