"""``manage.py settle``: what it says and by which exit code."""

import json

import pytest

from billing.discrepancies import discrepancies
from billing.settlement_models import Settlement
from tests.billing.scenes import NOW, bill, book, issue, ticket_of
from tests.commands import run_command
from tickets.models import Customer

WHY = ("--reason", "Agreed.")


@pytest.fixture
def keys(customer: Customer) -> list[str]:
    """60 minutes that vanished and 20 that came late."""
    ticket = ticket_of(customer, 60, number="1")
    bill()
    issue()
    ticket.entries.update(gone_at=NOW)
    book(ticket, 20)
    return [row.key for row in discrepancies()]


def test_dry_run_says_what_would_happen_and_changes_nothing(keys: list[str]) -> None:
    code, out, _err = run_command("settle", keys[0], "--choice", "credit", *WHY, "--dry-run", "--json")

    document = json.loads(out)
    totals = [{"currency": "EUR", "minutes_at_stake": "-60", "money_at_stake": "-60.00"}]
    assert (code, document["totals"], document["settlements"]) == (0, totals, [])
    assert not Settlement.objects.exists()


def test_settles_and_takes_back(keys: list[str]) -> None:
    code, out, _err = run_command("settle", keys[1], "--choice", "supplement", *WHY, "--json")

    (made,) = json.loads(out)["settlements"]
    assert (code, made["kind"], made["supplement"]) == (0, "late", "TK-2026-10-K1001-S1")
    assert [row.key for row in discrepancies()] == keys[:1]
    assert run_command("settle", "--take-back", str(made["id"]), *WHY)[:2] == (0, "The discrepancy is open again.\n")
    assert [row.key for row in discrepancies()] == keys
    assert run_command("settle", "--take-back", str(made["id"]), *WHY)[0] == 1


def test_one_that_cannot_be_settled_keeps_all_open(keys: list[str]) -> None:
    code, _out, err = run_command("settle", *keys, "e999", "--choice", "accept", *WHY)

    assert code == 1
    assert f"Not open, or not to be settled like this: {keys[1]}, e999. Nothing was changed." in err
    assert not Settlement.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("12-gone", *WHY),
        ("--choice", "accept", *WHY),
        ("12-gone", "--choice", "accept", "--take-back", "1", *WHY),
        ("--take-back", "1", "--dry-run", *WHY),
    ],
)
def test_wrong_use_is_told(db: None, wrong: tuple[str, ...]) -> None:
    assert run_command("settle", *wrong)[0] == 2
