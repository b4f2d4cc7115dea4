"""Tickets, time entries, customers and agents."""

from decimal import Decimal

from tests.api.asking import Asker
from tests.factories.tickets import TicketSystemFactory
from tests.pages.world import World


def test_ticket_is_told_with_its_entries(world: World, asking: dict[str, Asker]) -> None:
    told = asking["manager"].read(f"tickets/{world.ticket.pk}")

    assert (told["number"], told["minutes"], told["closed_in"]) == (world.ticket.number, "30", ["2026-10"])
    assert [entry["minutes"] for entry in told["entries"]] == ["30"]
    assert told["entries"][0]["standing"] == "billed"
    assert told["entries"][0]["order"]["id"] == world.order.pk
    assert told["customer"]["customer_id"] == "K1001"


def test_tickets_are_listed_page_by_page(world: World, asking: dict[str, Asker]) -> None:
    billing = asking["billing"]

    first = billing.read("tickets?limit=3")
    rest = billing.read(first["next"])

    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [3, 1, None]
    ids = [ticket["id"] for ticket in first["items"] + rest["items"]]
    assert ids == sorted(set(ids))


def test_entries_add_up(world: World, asking: dict[str, Asker]) -> None:
    entries = asking["billing"].all_items("entries?period=2026-10&limit=1")

    assert sum(Decimal(entry["minutes"]) for entry in entries) == 30 + 45 + 7919 + 7907
    assert {entry["standing"] for entry in entries} == {"billed", "unbilled"}


def test_customers_and_agents_are_found_by_their_ticket_system(world: World, asking: dict[str, Asker]) -> None:
    other = TicketSystemFactory(name="Second")

    for path in ("customers", "agents"):
        here, there = (asking["admin"].all_items(f"{path}?system={key}") for key in (world.system.pk, other.pk))
        assert (here == asking["admin"].all_items(path), bool(here), there) == (True, True, [])


def test_customers_and_agents_lead_to_their_time(world: World, asking: dict[str, Asker]) -> None:
    manager = asking["manager"]

    (customer,) = manager.read("customers")["items"]
    agents = manager.read("agents")["items"]

    assert customer["customer_id"] == "K1001"
    assert len(manager.read(customer["entries"])["items"]) == 2
    assert sum(len(manager.read(agent["entries"])["items"]) for agent in agents) == 2
