"""Mails after scheduled runs: to whom, once, in which words, and what becomes of one that fails."""

from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default as default_policy
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import BillingRun, Order
from billing.orders import approve_orders
from billing.run_mails import digest_of, send_mails
from billing.run_models import RunMail, RunStart
from billing.runs import run_billing
from common.jobs import Job
from common.letters import MOST_LINES, one_line
from common.mails import LONGEST_SENDING, MOST_TRIES, RETRIES
from portal.roles import ACCOUNT_MANAGER, BILLING
from tests.at_once import at_once
from tests.billing.scenes import NOW, OCTOBER, bill, book, read_completely, ticket_of
from tests.billing.schedules import queue, scheduled
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tests.unguarded import without_guards
from tickets.models import Customer, TicketSystem

State = RunMail.State
NASTY = "Evil\r\nBcc: all@example.com\u202e\u2028\x00 Müller & Söhne"
OPEN, SEND = (
    "django.core.mail.backends.locmem.EmailBackend.open",
    ("django.core.mail.backends.locmem.EmailBackend.send_messages"),
)


@pytest.fixture(autouse=True)
def _mail_is_set_up(settings: Settings) -> None:
    settings.SENDS_MAIL = True


def person(name: str, role: str, **fields: Any) -> User:
    user = User.objects.create_user(name, **({"email": f"{name}@example.com"} | fields))
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def clara(db: None) -> User:
    return person("clara", BILLING)


@pytest.fixture
def anna(customer: Customer) -> User:
    """Account manager of the customer."""
    user = person("anna", ACCOUNT_MANAGER)
    customer.account_managers.add(user)
    return user


def send(now: Any = NOW, language: str = "en") -> int:
    return send_mails(clock=lambda: now, language_of=lambda user: language)


def rows() -> list[tuple[str, str, str]]:
    """Kind, reader and state of each mail."""
    return [(row.kind, row.user.username, row.state) for row in RunMail.objects.order_by("pk").select_related("user")]


def text_of(number: int = 0) -> str:
    return str(mail.outbox[number].body)


def test_result_goes_to_those_who_bill_and_a_digest_to_the_account_manager(
    customer: Customer, clara: User, anna: User
) -> None:
    ticket_of(customer, 30)
    person("silent", BILLING, email="")
    person("left", BILLING, is_active=False)
    run = scheduled()

    assert send() == 2
    result, digest = mail.outbox
    assert (result.to, digest.to) == (["clara@example.com"], ["anna@example.com"])
    assert result.subject == "[Billing portal] Billing run October 2026, all customers: done"
    assert result.body == (
        "Billing run October 2026, all customers: done.\n"
        "1 customer done, 0 failed.\n"
        "New orders: 1, changed: 0, unchanged: 0, approved by themselves: 0.\n"
        "\n"
        f"The run: https://portal.example.com/orders/runs/{run.pk}/\n"
        "The orders: https://portal.example.com/orders/?period=2026-10\n"
        "What stands in no order: https://portal.example.com/orders/left-out/?period=2026-10\n"
        "\n"
        "-- \n"
        "Sent by the billing portal. Nobody reads answers to this mail.\n"
    )
    assert digest.subject == "[Billing portal] 1 draft of your customers waits"
    assert digest.body == (
        "1 draft of your customers waits:\n"
        "- TK-2026-10-K1001, K1001 Königsbau AG: 30.00 EUR\n"
        "\n"
        "Sum: 30.00 EUR\n"
        "\n"
        "The drafts: https://portal.example.com/orders/?period=all&state=draft\n"
        "\n"
        "-- \n"
        "Sent by the billing portal. Nobody reads answers to this mail.\n"
    )
    assert result.extra_headers["Auto-Submitted"] == "auto-generated"


def test_partial_result_names_reasons_failures_and_who_is_drafted_later(
    system: TicketSystem, customer: Customer, clara: User
) -> None:
    ticket_of(customer, 30)
    bad = CustomerFactory(system=system, customer_id="B", name="Bad AG")
    AgreementFactory(customer=bad, position_text="{nummer}")
    ticket_of(bad, 10)
    later = CustomerFactory(system=system, customer_id="L", name="Later AG")
    read_completely(TicketSystemFactory(name="Other"))
    system.sync_runs.update(complete=False, state="partly", error="Gaps.")

    scheduled(left_out=((later.pk, date(2026, 11, 20)),))
    send()

    text = text_of()
    assert "Billing run October 2026, all customers: partly done.\n1 customer done, 1 failed.\n" in text
    assert (
        "What is missing, or needs a person's look:\n- “Helpdesk” could not be read completely for 2026-10: Gaps.\n"
        in text
    )
    assert "Customers that could not be billed:\n- B Bad AG: " in text
    assert "Drafted later, by terms of their own:\n- L Later AG: 2026-11-20\n" in text


def test_run_for_one_customer_is_named_and_told_to_its_manager_only(
    customer: Customer, system: TicketSystem, clara: User, anna: User
) -> None:
    ticket_of(customer, 30)
    CustomerFactory(system=system).account_managers.add(person("bernd", ACCOUNT_MANAGER))

    scheduled(customer)
    send()

    assert rows() == [("result", "clara", "sent"), ("digest", "anna", "sent")]
    assert "October 2026, K1001 Königsbau AG: done" in mail.outbox[0].subject


def test_digest_says_nothing_about_customers_of_others(
    customer: Customer, system: TicketSystem, anna: User, clara: User
) -> None:
    other = CustomerFactory(system=system, customer_id="ZEBRA", name="Zebra GmbH")
    AgreementFactory(customer=other)
    other.account_managers.add(clara)  # sees all customers, and manages one
    ticket_of(customer, 30)
    ticket_of(other, 7919)
    scheduled()
    send()

    of_anna, of_clara = text_of(1), text_of(2)
    assert ("Zebra" in of_anna, "ZEBRA" in of_anna, "7,919" in of_anna) == (False, False, False)
    assert ("Königsbau" in of_clara, "7,919.00 EUR" in of_clara) == (False, True)


def test_assignment_that_is_taken_away_before_the_mail_is_sent_counts(customer: Customer, anna: User) -> None:
    ticket_of(customer, 30)
    scheduled()
    customer.account_managers.clear()

    assert send() == 0
    assert rows() == [("digest", "anna", "unneeded")]


def test_reader_who_may_not_bill_any_more_gets_no_result(customer: Customer, clara: User) -> None:
    scheduled()
    clara.groups.clear()

    assert send() == 0
    assert rows() == [("result", "clara", "unneeded")]


def test_reader_who_left_meanwhile_gets_nothing(customer: Customer, clara: User) -> None:
    scheduled()
    User.objects.update(is_active=False)

    assert send() == 0
    assert rows() == [("result", "clara", "unneeded")]


def test_digest_counts_what_was_booked_late_and_sums_by_currency(
    customer: Customer, system: TicketSystem, anna: User
) -> None:
    swiss = CustomerFactory(system=system, customer_id="CH", name="Bern AG")
    AgreementFactory(customer=swiss, currency="CHF")
    swiss.account_managers.add(anna)
    closed = ticket_of(customer, 30)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    book(closed, 45)
    book(closed, -5)
    ticket_of(swiss, 10)
    third = CustomerFactory(system=system, customer_id="D", name="Dritte AG")
    AgreementFactory(customer=third)
    third.account_managers.add(anna)
    ticket_of(third, 20)
    with without_guards():
        BillingRun.objects.all().delete()
    scheduled()

    assert digest_of(anna).late_minutes == 40
    send()
    assert "Sum: 10.00 CHF\nSum: 20.00 EUR\n" in text_of()
    assert "2 entries were booked late to orders of your customers: 40 minutes.\n" in text_of()
    assert "https://portal.example.com/orders/discrepancies/?period=all\n" in text_of()


def test_digest_of_late_time_alone_is_sent(customer: Customer, anna: User) -> None:
    closed = ticket_of(customer, 30)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    book(closed, 45)
    with without_guards():
        BillingRun.objects.all().delete()
    scheduled()

    assert send() == 1
    assert text_of().startswith("0 drafts of your customers wait.\n\n\n1 entry was booked late")


def test_language_is_that_of_the_reader(customer: Customer, clara: User, anna: User) -> None:
    ticket_of(customer, 1200)
    scheduled()

    send_mails(clock=lambda: NOW, language_of=lambda user: "de" if user == anna else "en")

    assert "Oktober" not in text_of(0)
    assert "1.200,00 EUR" in text_of(1)


def test_hostile_names_stay_on_one_line_and_make_no_header(
    customer: Customer, system: TicketSystem, clara: User, anna: User
) -> None:
    Customer.objects.update(name=NASTY.replace("\0", ""))
    ticket_of(customer, 30)
    scheduled(customer)
    send()

    for sent in mail.outbox:
        parsed = message_from_bytes(sent.message().as_bytes(), policy=default_policy)
        assert parsed["Bcc"] is None
        assert "\n" not in sent.subject
        body = str(sent.body)
        assert "\nBcc" not in body
        assert "\u202e" not in body
        assert "\u2028" not in body
    assert "Evil Bcc: all@example.com Müller & Söhne" in mail.outbox[0].subject


def test_one_line_cuts_and_cleans() -> None:
    assert one_line(NASTY) == "Evil Bcc: all@example.com Müller & Söhne"
    assert one_line("x" * 300) == "x" * 199 + "…"
    assert one_line("\ud800a") == "a"


def test_long_lists_are_cut_and_say_so(system: TicketSystem, anna: User, customer: Customer) -> None:
    for number in range(MOST_LINES + 2):
        own = CustomerFactory(system=system, customer_id=f"N{number:03}")
        own.account_managers.add(anna)
        ticket_of(own, 10)
    scheduled()
    send()

    assert text_of().count("\n- TK-") == MOST_LINES
    assert "\n… and 2 more.\n" in text_of()


def test_nothing_is_made_where_no_mail_is_set_up(customer: Customer, clara: User, settings: Settings) -> None:
    settings.SENDS_MAIL = False

    scheduled()

    assert rows() == []


def test_run_of_a_person_or_a_command_is_told_to_nobody(customer: Customer, clara: User) -> None:
    bill()

    assert rows() == []


def test_incomplete_run_that_ends_as_the_one_before_is_told_once(customer: Customer, clara: User) -> None:
    customer.system.sync_runs.update(complete=False, state="partly", error="Gaps.")
    scheduled()
    BillingRun.objects.update(finished_at=NOW - timedelta(days=1))
    with without_guards():
        RunStart.objects.update(at=NOW - timedelta(days=1))
    scheduled()
    assert len(rows()) == 1

    customer.system.sync_runs.update(complete=True, state="done", error="")
    BillingRun.objects.update(finished_at=NOW - timedelta(days=1))
    with without_guards():
        RunStart.objects.update(at=NOW - timedelta(days=1))
    scheduled()

    assert len(rows()) == 2


@pytest.fixture
def both(customer: Customer, system: TicketSystem, anna: User) -> list[Customer]:
    """Two customers of one account manager, each with a day of its own."""
    second = CustomerFactory(system=system, customer_id="B", name="B AG")
    AgreementFactory(customer=second)
    second.account_managers.add(anna)
    for owner in (customer, second):
        ticket_of(owner, 30)
    return [customer, second]


def test_runs_of_one_pass_are_told_to_each_reader_in_one_mail(both: list[Customer], clara: User, anna: User) -> None:
    for owner in both:
        scheduled(owner)

    assert send() == 2
    result, digest = mail.outbox
    assert result.subject == "[Billing portal] 2 billing runs, all complete"
    assert [line for line in text_of().splitlines() if line.startswith("Billing run")] == [
        "Billing run October 2026, B B AG: done.",
        "Billing run October 2026, K1001 Königsbau AG: done.",
    ]
    assert digest.subject == "[Billing portal] 2 drafts of your customers wait"
    assert sorted(rows()) == [
        ("digest", "anna", State.JOINED),
        ("digest", "anna", State.SENT),
        ("result", "clara", State.JOINED),
        ("result", "clara", State.SENT),
    ]
    assert send() == 0


def test_mail_waits_until_all_runs_of_the_pass_have_ended(both: list[Customer], clara: User, anna: User) -> None:
    scheduled(both[0])
    second = queue(both[1])
    while_it_works = send()

    run_billing(second, clock=lambda: NOW)

    assert (while_it_works, send()) == (0, 2)
    assert len(mail.outbox) == 2


def test_run_that_was_given_up_holds_no_mail_back(both: list[Customer], clara: User, anna: User) -> None:
    scheduled(both[0])
    given_up = queue(both[1])
    BillingRun.objects.filter(pk=given_up.pk).update(state=Job.State.FAILED)

    assert send() == 2
    assert "K1001" in text_of()


def test_run_that_comes_too_late_for_the_mail_is_told_by_itself(both: list[Customer], clara: User, anna: User) -> None:
    scheduled(both[0])
    send()

    scheduled(both[1])

    assert send() == 2
    assert [row for row in rows() if row[2] == State.JOINED] == []
    assert [message.subject for message in mail.outbox if message.to == ["clara@example.com"]] == [
        "[Billing portal] Billing run October 2026, K1001 Königsbau AG: done",
        "[Billing portal] Billing run October 2026, B B AG: done",
    ]


def test_runs_of_different_passes_are_told_apart(both: list[Customer], clara: User) -> None:
    scheduled(both[0])
    with without_guards():
        RunStart.objects.update(at=NOW - timedelta(minutes=5))
    scheduled(both[1])

    send()

    assert len([message for message in mail.outbox if message.to == ["clara@example.com"]]) == 2


def test_one_mail_of_a_pass_names_what_is_not_complete(both: list[Customer], clara: User) -> None:
    scheduled(both[0])
    both[1].system.sync_runs.update(complete=False, state="partly", error="Gaps.")
    scheduled(both[1])

    send()

    [result] = [message for message in mail.outbox if message.to == ["clara@example.com"]]
    assert result.subject == "[Billing portal] 2 billing runs, 1 not complete"
    assert str(result.body).count("The run: ") == 2


def test_mail_of_a_pass_that_is_tried_again_still_tells_all(
    both: list[Customer], clara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in both:
        scheduled(owner)
    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "open", _refuse)
        assert send() == 0

    assert send(NOW + timedelta(hours=1)) == 2
    [result] = [message for message in mail.outbox if message.to == ["clara@example.com"]]
    assert result.subject == "[Billing portal] 2 billing runs, all complete"


def _refuse(backend: EmailBackend) -> bool:
    raise ConnectionRefusedError("down")


def test_mail_is_sent_once(customer: Customer, clara: User) -> None:
    scheduled()

    assert (send(), send(), len(mail.outbox)) == (1, 0, 1)
    row = RunMail.objects.get()
    assert (row.state, row.attempts, row.ended_at) == (State.SENT, 1, NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        RunMail.objects.create(start=row.start, kind=row.kind, user=clara, due_at=NOW)


class Refused(OSError):
    """As the mail protocol's errors look."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code} no")
        self.smtp_code = code


class RecipientsRefused(OSError):
    recipients = {"clara@example.com": (550, b"no such user")}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """What sending raises; empty it to mend the mail server."""
    errors: dict[str, Exception] = {}
    opened, sent = EmailBackend.open, EmailBackend.send_messages

    def open_connection(self: Any) -> Any:
        if "open" in errors:
            raise errors["open"]
        return opened(self)

    def send_messages(self: Any, messages: list[EmailMessage]) -> Any:
        if "send" in errors:
            raise errors["send"]
        return sent(self, messages)

    monkeypatch.setattr(OPEN, open_connection)
    monkeypatch.setattr(SEND, send_messages)
    return errors


def test_server_that_cannot_be_reached_is_tried_again_later(
    customer: Customer, clara: User, failing: dict[str, Exception]
) -> None:
    person("doris", BILLING)
    scheduled()
    failing["open"] = ConnectionRefusedError(111, "Connection refused")

    assert send() == 0

    first, second = RunMail.objects.order_by("pk")
    assert (first.state, first.attempts, first.due_at) == (State.WAITING, 1, NOW + RETRIES[0])
    assert "The mail server cannot be reached: [Errno 111] Connection refused" in first.error
    assert (second.state, second.attempts) == (State.WAITING, 0)  # the same server would not answer either
    failing.clear()
    assert send() == 1
    assert send(NOW + RETRIES[0]) == 1
    assert {state for _kind, _user, state in rows()} == {State.SENT}


def test_tries_are_bounded_and_the_failure_stays_in_sight(
    customer: Customer, clara: User, failing: dict[str, Exception]
) -> None:
    scheduled()
    failing["open"] = TimeoutError("timed out")
    now = NOW

    for _try in range(MOST_TRIES + 2):
        send(now)
        now += RETRIES[-1]

    row = RunMail.objects.get()
    assert (row.state, row.attempts) == (State.FAILED, MOST_TRIES)
    assert row.error == "The mail server cannot be reached: timed out"


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (Refused(451), State.WAITING, "refused the mail: 451 no"),
        (Refused(554), State.FAILED, "refused the mail: 554 no"),
        (RecipientsRefused("no"), State.FAILED, "refused the mail: no"),
        (ValueError("bad address"), State.FAILED, "cannot be written to this address: bad address"),
        (TimeoutError("timed out"), State.FAILED, "It is not known whether the mail server took the mail"),
        (ConnectionResetError("reset"), State.FAILED, "It is not known whether the mail server took the mail"),
    ],
)
def test_mail_is_tried_again_only_where_the_server_has_certainly_not_taken_it(
    customer: Customer, clara: User, failing: dict[str, Exception], error: Exception, state: str, words: str
) -> None:
    scheduled()
    failing["send"] = error
    send()
    failing.clear()

    row = RunMail.objects.get()
    assert (row.state, words in row.error) == (state, True)
    assert send(NOW + RETRIES[0]) == (1 if state == State.WAITING else 0)


def test_connection_that_breaks_after_the_mail_was_taken_sends_it_once(
    customer: Customer, clara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(self: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("django.core.mail.backends.base.BaseEmailBackend.close", close)
    scheduled()

    assert (send(), send(), len(mail.outbox)) == (1, 0, 1)


def test_mail_of_a_worker_that_died_is_not_sent_again_and_says_why(customer: Customer, clara: User) -> None:
    scheduled()
    RunMail.objects.update(state=State.SENDING, attempts=1, due_at=NOW)

    assert send(NOW + LONGEST_SENDING) == 0
    assert rows() == [("result", "clara", "sending")]
    assert send(NOW + LONGEST_SENDING + timedelta(seconds=1)) == 0
    row = RunMail.objects.get()
    assert (row.state, "It is not known" in row.error) == (State.FAILED, True)


@pytest.mark.parametrize("managers", [1, 3])
def test_rows_of_mails_cost_no_more_queries_for_more_readers(
    customer: Customer, managers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ticket_of(customer, 30)
    for number in range(managers):
        customer.account_managers.add(person(f"m{number}", ACCOUNT_MANAGER))
        person(f"b{number}", BILLING)

    with django_assert_num_queries(SCHEDULED_QUERIES):
        scheduled()

    assert RunMail.objects.count() == 2 * managers


SCHEDULED_QUERIES = 70


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_mail_once() -> None:
    for number in range(6):
        Group.objects.get_or_create(name=BILLING)
        user = User.objects.create_superuser(f"root{number}", f"root{number}@example.com")
        start, _created = RunStart.objects.get_or_create(
            run=BillingRun.objects.get_or_create(month=OCTOBER.first_day)[0],
            defaults={"by": RunStart.By.SCHEDULER, "at": NOW, "ended_at": NOW, "state": "done"},
        )
        RunMail.objects.create(start=start, kind=RunMail.Kind.RESULT, user=user, due_at=NOW)

    sent = at_once(lambda number: send(), workers=8)

    assert sum(sent) == 6
    assert sorted(message.to[0] for message in mail.outbox) == [f"root{number}@example.com" for number in range(6)]
