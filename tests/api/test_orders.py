"""Orders, what they bill, what disagrees with them, and the runs that made them."""

from decimal import Decimal

from billing.models import BillingRun, Order
from tests.api.asking import Asker
from tests.billing.scenes import issue
from tests.pages.world import NOW, World
from tickets.models import TimeEntry


def test_order_can_be_computed_anew_from_what_is_told(world: World, asking: dict[str, Asker]) -> None:
    manager = asking["manager"]

    order = manager.read(f"orders/{world.order.pk}")
    allocations = manager.all_items(order["allocations"])

    (position,) = order["positions"]
    assert (order["net_amount"], order["currency"], order["state"]) == ("30.00", "EUR", "draft")
    assert Decimal(position["quantity"]) * Decimal(position["unit_price"]) == Decimal(position["amount"])
    assert sum(Decimal(each["minutes"]) for each in allocations) == Decimal(position["recorded_minutes"])
    assert [event["kind"] for event in order["events"]] == ["drafted"]
    assert position["ticket"]["number"] == world.ticket.number


def test_files_are_told_with_their_hash_and_without_their_bytes(world: World, asking: dict[str, Asker]) -> None:
    kept = world.export

    (told,) = asking["manager"].read(f"orders/{world.order.pk}")["exports"]

    assert (told["file_name"], told["size"], told["sha256"]) == ("kept.csv", 4, kept.sha256)
    assert "content" not in told


def test_void_orders_are_listed_when_they_are_asked_for(world: World, asking: dict[str, Asker]) -> None:
    billing = asking["billing"]

    assert len(billing.read("orders?period=2026-10")["items"]) == 2
    assert billing.read("orders?state=void")["items"] == []
    assert [order["customer"]["name"] for order in billing.read("orders?customer_name=K1001")["items"]] == [
        "Königsbau AG"
    ]
    assert len(billing.read(f"orders?complete=true&customer={world.customer.pk}")["items"]) == 1


def test_vanished_time_is_a_discrepancy(world: World, asking: dict[str, Asker]) -> None:
    issue(now=NOW)
    TimeEntry.objects.filter(ticket=world.ticket).update(gone_at=NOW)

    (row,) = asking["manager"].read(f"discrepancies?order={world.order.pk}&kind=gone")["items"]

    assert (row["kind"], row["minutes_billed"], row["minutes_now"]) == ("gone", "30", "0")
    assert (row["minutes_at_stake"], row["money_at_stake"]) == ("-30", "-30.00")
    assert asking["stranger"].read("discrepancies?kind=gone")["items"] == []


def test_run_tells_what_became_of_each_customer(world: World, asking: dict[str, Asker]) -> None:
    failure = {"pk": 999, "customer": "Gone", "customer_id": "K9", "error": "No agreement holds."}
    BillingRun.objects.filter(pk=world.run.pk).update(failures=[failure])

    run = asking["billing"].read(f"runs/{world.run.pk}")

    failed, *billed = run["results"]
    assert (failed["customer_id"], failed["error"], failed["order"]) == ("K9", "No agreement holds.", None)
    assert {result["order"]["id"] for result in billed} == set(Order.objects.values_list("pk", flat=True))
    assert run["starts"]


def test_run_of_one_customer_tells_that_one(world: World, asking: dict[str, Asker]) -> None:
    run = BillingRun.objects.create(month=world.run.month, customer=world.customer)

    told = asking["billing"].read(f"runs/{run.pk}")

    assert [result["customer"] for result in told["results"]] == [world.customer.pk]
    assert told["customer"]["customer_id"] == "K1001"


def test_readings_tell_whether_they_are_complete(world: World, asking: dict[str, Asker]) -> None:
    (reading,) = asking["admin"].read("readings?period=2026-10&complete=true")["items"]

    assert (reading["system"]["name"], reading["complete"], reading["state"]) == ("Helpdesk", True, "done")
    assert asking["admin"].read("readings?complete=false")["items"] == []


def test_uploads_tell_what_becomes_of_their_rows(world: World, asking: dict[str, Asker]) -> None:
    admin = asking["admin"]

    (upload,) = admin.read("uploads")["items"]
    rows = admin.all_items(upload["rows"])

    assert (upload["state"], upload["good"] + upload["bad"]) == ("checked", len(rows))
    assert {row["outcome"] for row in rows} == {"not_sent"}
    assert any(row["problems"] for row in rows)
    assert admin.read(f"uploads/{world.upload.pk}/rows?outcome=sent")["items"] == []
    assert admin.read(f"uploads?system={world.system.pk + 1}")["items"] == []
    assert admin.get("uploads/999/rows").status_code == admin.get("uploads/999").status_code == 404


def test_registrations_can_be_narrowed_down(world: World, asking: dict[str, Asker]) -> None:
    billing = asking["billing"]

    def found(query: str) -> list[str]:
        return [each["fqdn"] for each in billing.read(f"registrations?{query}")["items"]]

    assert found("q=otrs.example") == ["otrs.example.org"]
    assert found(f"customer={world.customer.pk}&state=conflict") == ["otrs.example.org"]
    assert found("version=nothing") == found("type=nothing") == []
    assert billing.get("runs/999").status_code == 404
