import json

from billing.models import ClosedMonth, Order
from tests.billing.scenes import bill, issue, ticket_of
from tests.commands import run_command
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer


def test_issue_gives_numbers_once(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    run_command("approve", "2026-10")

    first, second = run_command("issue", "2026-10"), run_command("issue", "2026-10", "--json")

    number = Order.objects.get().document_number
    assert first == (0, f"{number}  TK-2026-10-K1001\n", "")
    assert json.loads(second[1]) == {
        "period": "2026-10",
        "issued": {},
        "issued_before": {"TK-2026-10-K1001": number},
        "errors": [],
    }
    assert second[0] == 0


def test_issue_names_the_drafts_that_are_left(customer: Customer) -> None:
    ticket_of(customer, 10)
    ticket_of(CustomerFactory(system=customer.system, customer_id="A"), 10)
    bill()
    run_command("approve", "2026-10", "--customer", "A")

    code, out, err = run_command("issue", "2026-10")

    assert (code, out.split()[1]) == (1, "TK-2026-10-A")
    assert err == "Still a draft: TK-2026-10-K1001. Approve it first.\n"


def test_issue_says_why_nothing_was_issued(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    run_command("approve", "2026-10")
    ticket.entries.update(gone_at="2026-11-01T00:00Z")

    code, out, err = run_command("issue", "2026-10")

    assert (code, out) == (1, "")
    assert err.startswith("No order was issued.\nThe mirror has changed since order TK-2026-10-K1001 was drafted.")


def test_issue_of_an_empty_month_is_refused(db: None) -> None:
    assert run_command("issue", "2026-10") == (
        1,
        "",
        "There is no order for 2026-10. Start a billing run first.\n",
    )


def test_void_takes_either_number(customer: Customer) -> None:
    for number in ("2026-00001", "TK-2026-10-K1001-2"):
        if number == "2026-00001":
            ticket_of(customer, 10)
        bill()
        issue()
        code, out, _err = run_command("void", number, "--reason", "Wrong rate")
        assert (code, out.startswith("Order 2026-0000")) == (0, True)

    assert list(Order.objects.values_list("state", "void_reason")) == [("void", "Wrong rate")] * 2


def test_void_of_a_draft_or_of_nothing_is_refused(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    assert run_command("void", "TK-2026-10-K1001", "--reason", "x")[::2] == (
        1,
        "Order TK-2026-10-K1001 cannot be voided: it is not issued.",
    )
    assert run_command("void", "7", "--reason", "x")[::2] == (2, "There is no order 7.")


def test_month_is_closed_and_opened_again(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    assert run_command("close_month", "2026-10")[0] == 1
    issue()
    assert run_command("close_month", "2026-10")[:2] == (
        0,
        "2026-10 is closed: runs leave its orders as they are.\n",
    )
    assert run_command("close_month", "2026-10", "--reopen")[0] == 1
    assert run_command("close_month", "2026-10", "--reopen", "--reason", "late")[:2] == (0, "2026-10 is open again.\n")
    assert ClosedMonth.objects.get().reason == "late"
