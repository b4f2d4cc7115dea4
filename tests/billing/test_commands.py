import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db.models import Sum

from billing.adjusting import Field, Line
from billing.commandline import write_file
from billing.management.commands import bill as bill_command
from billing.models import Agreement, BillingRun, Order
from billing.orders import approve_orders
from billing.reviewing import change_line
from common.jobs import Job
from tests.billing.scenes import NOW, bill, ledger, ticket_of
from tests.commands import Terminal, run_command
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Customer, TicketSystem


def test_bill_prints_aligned_orders_and_totals(customer: Customer) -> None:
    ticket_of(customer, 90, 10, number="1")
    ticket_of(CustomerFactory(system=customer.system, customer_id="K1"), 20, number="2")
    ticket_of(customer, 5, closed=None, number="3")

    code, out, err = run_command("bill", "2026-10", "--no-sync")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Order             CustomerID  Customer      State  Positions  Recorded min  Billable min     Net",
        "TK-2026-10-K1     K1                        draft          1            20            30   47.50  EUR",
        "TK-2026-10-K1001  K1001       Königsbau AG  draft          1           100           100  100.00  EUR",
        "Total                                                      2           120           130  147.50  EUR",
        "",
        "Left out: 1 tickets, 5 min (open). The ticket was not closed in this month, or is open again.",
        "2026-10: done",
    ]


def test_bill_prints_one_json_document(customer: Customer) -> None:
    ticket_of(customer, "20.5", 25, number="7", title="Beamer")
    ticket_of(customer, 5, closed=None, number="8")

    code, out, err = run_command("bill", "2026-10", "--no-sync", "--json")

    document = json.loads(out)
    entries = document["orders"][0]["positions"][0].pop("entries")
    assert (code, err) == (0, "")
    assert document == {
        "period": "2026-10",
        "time_zone": "Europe/Berlin",
        "state": "done",
        "complete": True,
        "run": BillingRun.objects.get().pk,
        "orders": [
            {
                "number": "TK-2026-10-K1001",
                "customer_id": "K1001",
                "customer": "Königsbau AG",
                "state": "draft",
                "currency": "EUR",
                "recorded_minutes": "45.5",
                "billable_minutes": "45.5",
                "net": "45.50",
                "positions": [
                    {
                        "position": 1,
                        "kind": "time",
                        "ticket_number": "7",
                        "title": "Beamer",
                        "recorded_minutes": "45.5",
                        "billable_minutes": "45.5",
                        "included_minutes": "0",
                        "prepaid_minutes": "0",
                        "quantity": "0.75833",
                        "unit": "Std",
                        "unit_price": "60.00",
                        "discount": "0",
                        "amount": "45.50",
                    }
                ],
            }
        ],
        "left_out": [{"ticket_number": "8", "customer_id": "K1001", "reason": "open", "minutes": "5"}],
        "totals": {
            "orders": 1,
            "positions": 1,
            "recorded_minutes": "45.5",
            "billable_minutes": "45.5",
            "net": "45.50",
        },
    }
    assert [list(entry) for entry in entries] == 2 * [["agent", "booked_at", "units", "minutes"]]
    assert sorted((entry["booked_at"], entry["units"]) for entry in entries) == [
        ("2026-10-05 10:00:00", "20.5"),
        ("2026-10-05 10:00:00", "25"),
    ]


def test_amounts_in_different_currencies_have_no_total(customer: Customer) -> None:
    other = CustomerFactory(system=customer.system, customer_id="CH")
    AgreementFactory(customer=other, currency="CHF")
    ticket_of(customer, 10)
    ticket_of(other, 10)

    _code, out, _err = run_command("bill", "2026-10", "--no-sync", "--json")
    _code, text, _err = run_command("bill", "2026-10", "--no-sync")

    assert json.loads(out)["totals"]["net"] is None
    assert text.splitlines()[3].split() == ["Total", "2", "20", "20"]


def test_dry_run_writes_nothing_and_shows_what_the_run_then_does(customer: Customer) -> None:
    ticket_of(customer, 10, 5, number="1")
    ticket_of(customer, 5, closed=None, number="2")
    before = ledger()

    code, planned, err = run_command("bill", "2026-10", "--dry-run", "--json")

    assert (code, err, ledger(), BillingRun.objects.count()) == (0, "", before, 0)
    _code, done, _err = run_command("bill", "2026-10", "--no-sync", "--json")
    plan, result = json.loads(planned), json.loads(done)
    assert (plan["state"], plan["run"], plan["complete"]) == ("planned", None, True)
    assert (plan["orders"], plan["totals"]) == (result["orders"], result["totals"])


def test_dry_run_keeps_approved_orders_in_the_list(customer: Customer) -> None:
    ticket_of(customer, 10, number="1")
    bill()
    run_command("approve", "2026-10")
    ticket_of(CustomerFactory(system=customer.system, customer_id="A"), 10, number="2")

    _code, out, _err = run_command("bill", "2026-10", "--dry-run", "--json")

    assert [(order["number"], order["state"]) for order in json.loads(out)["orders"]] == [
        ("TK-2026-10-A", "draft"),
        ("TK-2026-10-K1001", "approved"),
    ]


def test_dry_run_over_incomplete_data_says_so(db: None) -> None:
    customer = CustomerFactory(system=TicketSystemFactory(name="Helpdesk"), customer_id="A", name="Bad")
    AgreementFactory(customer=customer, position_text="{")
    ticket_of(customer, 10)

    code, out, err = run_command("bill", "2026-10", "--dry-run")

    assert (code, out.splitlines()[0], out.splitlines()[-1]) == (
        1,
        "No orders for 2026-10.",
        "2026-10: planned, nothing was written",
    )
    assert err.splitlines() == [
        "“Helpdesk” has never been read for 2026-10. Read it, then start the run again.",
        "A Bad: There is a single brace in the text; write {{ or }} for a brace.",
    ]


def test_bill_that_ends_partly_exits_with_1_and_names_the_customers(customer: Customer) -> None:
    broken = CustomerFactory(system=customer.system, customer_id="A", name="Bad")
    AgreementFactory(customer=broken, position_text="{")
    ticket_of(broken, 10)
    ticket_of(customer, 10)

    code, out, err = run_command("bill", "2026-10", "--no-sync")

    assert (code, out.splitlines()[-1]) == (1, "2026-10: partly done")
    assert err == "A Bad: There is a single brace in the text; write {{ or }} for a brace.\n"


def test_bill_for_one_customer_shows_that_one_only(customer: Customer) -> None:
    ticket_of(customer, 10)
    ticket_of(CustomerFactory(system=customer.system, customer_id="A"), 10)

    _code, out, _err = run_command("bill", "2026-10", "--no-sync", "--json", "--customer", "K1001")

    document = json.loads(out)
    assert [order["customer_id"] for order in document["orders"]] == ["K1001"]
    assert (Order.objects.count(), document["left_out"]) == (1, [])


@pytest.mark.parametrize("command", [["bill"], ["approve"], ["export_orders", "--format", "csv", "--output", "/x"]])
def test_wrong_use_exits_with_2_and_one_sentence(system: TicketSystem, command: list[str]) -> None:
    name, *rest = command

    assert run_command(name, "2026-13", *rest) == (
        2,
        "",
        "2026-13 is not a month; write it as YYYY-MM, for example 2026-10.",
    )
    assert run_command(name, "2026-10", "--customer", "nobody", *rest) == (
        2,
        "",
        "There is no customer “nobody”; the CustomerID is written exactly as in the ticket system.",
    )


def test_customer_of_two_systems_is_asked_back(customer: Customer) -> None:
    CustomerFactory(system=TicketSystemFactory(name="Other"), customer_id="K1001")
    ticket_of(customer, 10)

    code, _out, err = run_command("bill", "2026-10", "--customer", "K1001")

    assert (code, err) == (
        2,
        "“K1001” is a customer in several ticket systems; write one of: Helpdesk/K1001, Other/K1001.",
    )
    assert run_command("bill", "2026-10", "--no-sync", "--customer", "Helpdesk/K1001")[0] == 0


def test_bill_while_another_process_bills_says_so(customer: Customer) -> None:
    BillingRun.objects.create(
        month="2026-10-01", state=Job.State.RUNNING, lease_until=datetime(9000, 1, 1, 12, tzinfo=UTC)
    )

    code, _out, err = run_command("bill", "2026-10")

    assert (code, err) == (
        1,
        "The run for 2026-10 is being worked on. If its worker has died, it can be continued at 13:00:01.",
    )


def test_interrupted_bill_can_be_started_again_at_once(customer: Customer) -> None:
    ticket_of(customer, 10)

    with patch("billing.runs.bill_customers", side_effect=KeyboardInterrupt):
        code, _out, err = run_command("bill", "2026-10", "--no-sync")

    run = BillingRun.objects.get()
    assert (code, run.state, run.error) == (1, Job.State.FAILED, "Interrupted by hand.")
    assert err == "Interrupted. What stands is kept; start the command again to go on."
    assert run_command("bill", "2026-10", "--no-sync")[0] == 0


def test_bill_interrupted_before_its_run_begins_is_one_sentence(customer: Customer) -> None:
    with patch.object(bill_command, "run_billing", side_effect=KeyboardInterrupt):
        code, _out, err = run_command("bill", "2026-10", "--no-sync")

    assert (code, err) == (1, "Interrupted. What stands is kept; start the command again to go on.")
    assert BillingRun.objects.get().state == Job.State.QUEUED


def test_bill_tells_of_time_gone_from_an_approved_order_and_exits_with_0(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket.entries.update(gone_at=NOW)

    code, out, err = run_command("bill", "2026-10", "--no-sync", "--json")

    document = json.loads(out)
    assert (code, document["complete"], document["orders"][0]["recorded_minutes"]) == (0, True, "60")
    assert document["left_out"] == [{"ticket_number": "1", "customer_id": "K1001", "reason": "gone", "minutes": "-60"}]
    assert err.startswith("1 time entry of approved orders is no longer so in the ticket system")


def test_approve_approves_all_drafts_once(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    first, second = run_command("approve", "2026-10"), run_command("approve", "2026-10", "--json")

    assert first == (0, "1 order approved.\n", "")
    assert (second[0], json.loads(second[1])) == (
        0,
        {"period": "2026-10", "approved": [], "approved_before": ["TK-2026-10-K1001"], "errors": []},
    )


def test_approve_needs_a_name_where_four_eyes_are_asked_for(customer: Customer) -> None:
    Agreement.objects.filter(customer=customer).update(needs_second_person=True)
    ticket_of(customer, 10)
    bill()
    User.objects.create_superuser("anna")

    code, _out, err = run_command("approve", "2026-10")

    assert (code, run_command("approve", "2026-10", "--user", "anna")[0]) == (1, 0)
    assert err.splitlines()[-1].endswith("needs four eyes: somebody has to approve it by name (approve --user NAME).")
    assert Order.objects.get().approved_by == User.objects.get()


def test_approve_refuses_names_that_may_not(customer: Customer) -> None:
    User.objects.create_user("bernd")
    User.objects.create_superuser("gone", is_active=False)

    assert run_command("approve", "2026-10", "--user", "bernd")[0::2] == (2, "“bernd” may not approve orders.")
    assert run_command("approve", "2026-10", "--user", "gone")[0::2] == (2, "There is no user “gone”.")


def test_approve_passes_over_a_draft_of_which_all_was_left_out(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    ticket_of(CustomerFactory(system=customer.system), 20)
    bill()
    order, user = Order.objects.get(customer=customer), User.objects.create_user("clara")
    change_line(order, Line(ticket.pk), {Field.INCLUSION: ""}, reason="x", user=user, now=NOW)

    assert run_command("approve", "2026-10")[:2] == (0, "1 order approved.\n")
    assert Order.objects.get(customer=customer).state == "draft"


def test_approve_refuses_incomplete_orders(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    Order.objects.update(complete=False)

    code, out, err = run_command("approve", "2026-10")

    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "No order was approved.",
        "Order TK-2026-10-K1001 rests on data that are not complete. Start the run again, then approve it.",
    ]


def test_approve_without_orders_says_what_to_do(db: None) -> None:
    assert run_command("approve", "2026-10") == (
        1,
        "",
        "There is no order for 2026-10. Start a billing run first.\n",
    )


def test_export_writes_the_file_and_prints_path_and_checksum(customer: Customer, tmp_path: Path) -> None:
    ticket_of(customer, 10)
    bill()
    run_command("approve", "2026-10")
    run_command("issue", "2026-10")
    folder = tmp_path / "new"
    arguments = ("export_orders", "2026-10", "--format", "kivitendo", "--output", str(folder))

    code, out, err = run_command(*arguments)

    export = Order.objects.get().exports.get()
    target = folder / "kivitendo-2026-10.csv"
    assert (code, out, err) == (0, f"{target}  {export.sha256}\n", "")
    assert target.read_bytes() == bytes(export.content)
    assert [path.name for path in folder.iterdir()] == [target.name]
    with time_machine.travel(NOW):
        assert run_command(*arguments)[:2] == (0, out)


def test_export_of_drafts_is_a_preview(customer: Customer, tmp_path: Path) -> None:
    ticket_of(customer, 10)
    bill()

    code, _out, err = run_command("export_orders", "2026-10", "--format", "xlsx", "--output", str(tmp_path))

    assert (code, err) == (
        0,
        "This is a preview: 1 order is not issued yet. Approve and issue it, then export again.\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["orders-2026-10-draft.xlsx"]


def test_export_of_drafts_over_incomplete_data_exits_with_1(customer: Customer, tmp_path: Path) -> None:
    ticket_of(customer, 10)
    bill()
    Order.objects.update(complete=False)

    code, _out, err = run_command("export_orders", "2026-10", "--format", "csv", "--output", str(tmp_path))

    assert code == 1
    assert err.endswith("Some of these orders stand on incomplete data. Start a billing run again first.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["orders-2026-10-draft.csv"]


def test_export_without_orders_writes_no_file(db: None, tmp_path: Path) -> None:
    result = run_command("export_orders", "2026-10", "--format", "json", "--output", str(tmp_path))

    assert result == (1, "", "There is no order for 2026-10. Start a billing run first.")
    assert list(tmp_path.iterdir()) == []


def test_export_into_a_file_instead_of_a_folder_is_one_sentence(customer: Customer, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()

    code, _out, err = run_command("export_orders", "2026-10", "--format", "json", "--output", str(tmp_path / "taken"))

    assert code == 1
    assert err.startswith("The file could not be written: [Errno 17]")


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()

    with pytest.raises(OSError, match="directory"):
        write_file(tmp_path, "x.csv", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_bar_is_drawn_while_billing(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    run_command("bill", "2026-10", "--no-sync")

    assert "Orders written" in terminal.getvalue()


def test_help_names_an_example() -> None:
    help_text: Any = bill_command.Command().create_parser("manage.py", "bill").format_help()

    assert "manage.py bill 2026-10 --json" in " ".join(help_text.split())


def test_totals_of_the_document_are_those_of_the_database(system: TicketSystem) -> None:
    for index in range(3):
        ticket_of(CustomerFactory(system=system), 7 + index, "0.1", number=str(index))

    _code, out, _err = run_command("bill", "2026-10", "--no-sync", "--json")

    sums = Order.objects.aggregate(net=Sum("net_amount"), minutes=Sum("recorded_minutes"))
    totals = json.loads(out)["totals"]
    assert (totals["net"], totals["recorded_minutes"]) == (f"{sums['net']:.2f}", f"{sums['minutes']:.1f}")


def test_retry_bills_only_the_customers_that_failed(customer: Customer) -> None:
    ticket_of(customer, 30)
    customer.agreements.update(position_text="{nummer}")
    assert run_command("bill", "2026-10", "--no-sync")[0] == 1
    customer.agreements.update(position_text="{number}")

    code, out, err = run_command("bill", "2026-10", "--retry-failed")

    assert (code, err) == (0, "")
    assert "TK-2026-10-K1001" in out
    code, _out, err = run_command("bill", "2026-10", "--retry-failed")
    assert (code, err) == (1, "No customer failed in the run for 2026-10.")


def test_retry_without_a_run_says_so(customer: Customer) -> None:
    code, _out, err = run_command("bill", "2026-10", "--retry-failed")

    assert (code, err) == (1, "There is no run for 2026-10 yet. Start one without --retry-failed.")


def test_retry_and_dry_run_do_not_go_together(customer: Customer) -> None:
    code, _out, err = run_command("bill", "2026-10", "--retry-failed", "--dry-run")

    assert (code, err) == (2, "--dry-run and --retry-failed do not go together.")
