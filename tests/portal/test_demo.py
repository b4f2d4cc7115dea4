import json
import socket
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from billing.agreement_models import Agreement, RateRule
from billing.audit import audit_ledger
from billing.models import Order, OrderEvent, OrderPosition
from billing.queries import left_out
from common.months import Month
from portal.demo import NoDemoHere, check_database, forget, only_one, remember, set_up, simulator_for
from portal.management.commands import demo as command
from portal.supervisor import Supervisor
from tests.factories.tickets import TicketSystemFactory
from tickets.models import Customer, TicketSystem

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    settings.STATIC_ROOT = tmp_path / "static"
    return tmp_path


def run_demo(folder: Path, *, at: datetime = NOW, **options: object) -> str:
    out = StringIO()
    with time_machine.travel(at):
        call_command(
            "demo", no_serve=True, simulator_port=48031, exports=folder / "exports", stdout=out, stderr=out, **options
        )
    return out.getvalue()


def facts() -> list[tuple[object, ...]]:
    events = OrderEvent.objects.count()
    return [*Order.objects.order_by("number").values_list("number", "state", "net_amount", "changed_at"), (events,)]


@pytest.mark.slow
@pytest.mark.django_db
def test_demo_bills_the_previous_month_and_changes_nothing_the_second_time(folder: Path) -> None:
    first = run_demo(folder)
    orders, file = facts(), (folder / "exports" / "kivitendo-2026-10-draft.csv").read_bytes()

    second = run_demo(folder, at=NOW + timedelta(hours=1))

    assert "Orders: 8 new, 0 changed, 0 unchanged." in first
    assert "Orders: 0 new, 0 changed, 8 unchanged." in second
    assert facts() == orders
    assert (folder / "exports" / "kivitendo-2026-10-draft.csv").read_bytes() == file
    assert file.startswith(b"datatype;ordnumber;")
    check_set_up(first, second)
    check_terms()
    check_later_month(folder, orders)
    check_approved_orders_stay(folder)


def check_set_up(first: str, second: str) -> None:
    passwords = dict(line.split()[:2] for line in first.splitlines() if line.startswith("  "))
    manager = User.objects.get(username="manager")
    assert list(passwords) == ["admin", "billing", "manager"]
    assert all(authenticate(None, username=name, password=word) for name, word in passwords.items())
    assert all(f"{name:<8} {word}" in second for name, word in passwords.items())
    assert sorted(Customer.objects.visible_to(manager).values_list("customer_id", flat=True)) == [
        "0042",
        "10001",
        "A(1)+B",
    ]
    assert Agreement.objects.filter(is_default=False).count() == 3


def check_terms() -> None:
    """Each kind of term that an agreement can have shows in the orders."""
    lines = OrderPosition.objects.filter(order__month="2026-10-01")
    assert RateRule.objects.filter(billable=False).exists()
    assert lines.filter(rate_rule__billable=True).exists()
    assert lines.filter(included_minutes__gt=0).exists()
    assert lines.filter(prepaid_minutes__gt=0).exists()
    assert lines.filter(kind="flat").count() == 1
    assert "not_billed_by_rule" in {row.reason for row in left_out(Month(2026, 10))}
    assert audit_ledger().breaches == ()


def check_later_month(folder: Path, orders: list[tuple[object, ...]]) -> None:
    with time_machine.travel(datetime(2026, 12, 3, 12, 0, tzinfo=UTC)):
        out = StringIO()
        call_command("demo", no_serve=True, simulator_port=48031, exports=folder / "exports", stdout=out, stderr=out)

    assert "The invented tickets end with 2026-10" in out.getvalue()
    assert facts() == orders


def check_approved_orders_stay(folder: Path) -> None:
    Order.objects.update(state=Order.State.APPROVED, approved_at=NOW)

    text = run_demo(folder, at=datetime(2026, 12, 4, tzinfo=UTC))

    assert "All orders are approved: hand them over" in text
    assert set(Order.objects.values_list("state", flat=True)) == {Order.State.APPROVED}


@pytest.mark.django_db
def test_month_that_is_not_complete_ends_with_code_1_after_serving(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.Command, "_bill", lambda self, month: False)
    monkeypatch.setattr(command, "prepare", lambda: None)
    monkeypatch.setattr(Supervisor, "run", lambda self: 0)
    out = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("demo", port=48030, simulator_port=48031, exports=folder, stdout=out)

    assert caught.value.returncode == 1
    assert "The portal is served at http://127.0.0.1:48030/" in out.getvalue()


def test_taken_port_is_refused_before_anything_is_made(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(CommandError) as caught:
            call_command("demo", port=other.getsockname()[1])

    assert caught.value.returncode == 2
    assert not (folder / "var").exists()


def test_folder_that_cannot_be_written_is_named(folder: Path, settings: Settings) -> None:
    (folder / "file").touch()
    settings.VAR_DIR = folder / "file" / "var"

    with pytest.raises(CommandError) as caught:
        call_command("demo", no_serve=True)

    assert caught.value.returncode == 2
    assert str(caught.value) == f"{folder / 'file' / 'var'}: Not a directory"


def test_second_demo_in_the_folder_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(NoDemoHere, match="running in this folder already"), only_one(tmp_path):
        pass

    with only_one(tmp_path):
        pass


@pytest.mark.django_db
def test_new_database_may_be_used() -> None:
    check_database()


@pytest.mark.django_db
def test_database_with_a_real_ticket_system_is_refused() -> None:
    TicketSystemFactory(name="Helpdesk")

    with pytest.raises(NoDemoHere, match="holds real data"):
        check_database()


@pytest.mark.django_db
def test_database_with_real_users_is_refused(django_user_model: type[User]) -> None:
    django_user_model.objects.create_user("anna")

    with pytest.raises(NoDemoHere, match="holds real data"):
        check_database()


@pytest.mark.django_db
def test_system_that_was_tried_out_beside_the_demo_may_stay(django_user_model: type[User]) -> None:
    TicketSystemFactory(name="Demo")
    TicketSystemFactory(name="Helpdesk")
    django_user_model.objects.create_user("anna")

    check_database()


@pytest.mark.django_db
def test_forgetting_removes_the_folder(tmp_path: Path, django_user_model: type[User]) -> None:
    TicketSystemFactory(name="Demo")
    django_user_model.objects.create_user("billing")
    (tmp_path / "var").mkdir()

    forget(tmp_path / "var")

    assert not (tmp_path / "var").exists()


@pytest.mark.django_db
def test_forgetting_is_a_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "prepare", lambda: None)
    TicketSystemFactory(name="Demo")
    out = StringIO()

    call_command("demo", forget=True, stdout=out)

    assert not (folder / "var").exists()
    assert out.getvalue() == f"Removed {folder / 'var'} with all data of the demo.\n"


@pytest.mark.parametrize("more", ["system", "user", "no demo"])
@pytest.mark.django_db
def test_forgetting_spares_what_is_not_the_demos(tmp_path: Path, django_user_model: type[User], more: str) -> None:
    if more != "no demo":
        TicketSystemFactory(name="Demo")
    if more == "system":
        TicketSystemFactory(name="Helpdesk")
    if more == "user":
        django_user_model.objects.create_user("anna")

    with pytest.raises(NoDemoHere, match="Nothing was removed"):
        forget(tmp_path)

    assert tmp_path.exists()


@pytest.mark.django_db
def test_what_a_later_start_must_know_is_kept_for_the_owner_only(tmp_path: Path) -> None:
    memory = remember(tmp_path, now=NOW)
    again = remember(tmp_path, now=datetime(2027, 1, 5, tzinfo=UTC))

    assert again == memory
    assert memory.month == "2026-10"
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "demo.json").read_text())["passwords"] == memory.passwords


@pytest.mark.django_db
def test_lost_memory_is_told_with_the_way_out(tmp_path: Path) -> None:
    TicketSystemFactory(name="Demo")

    with pytest.raises(NoDemoHere, match="make clean-demo"):
        remember(tmp_path, now=NOW)


@pytest.mark.django_db
def test_simulator_takes_the_next_free_port(tmp_path: Path) -> None:
    memory = remember(tmp_path, now=NOW)
    with simulator_for(memory, port=48041) as first, simulator_for(memory, port=first.port) as second:
        assert second.port > first.port


@pytest.mark.django_db
def test_no_free_port_for_the_simulator_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.demo.PORTS_TRIED", 1)
    memory = remember(tmp_path, now=NOW)

    with simulator_for(memory, port=48061) as first, pytest.raises(NoDemoHere, match="--simulator-port"):
        simulator_for(memory, port=first.port)


@pytest.mark.django_db
def test_address_of_the_ticket_system_follows_the_port_and_nothing_else_is_overwritten(tmp_path: Path) -> None:
    memory = remember(tmp_path, now=NOW)
    with simulator_for(memory, port=48071) as simulator:
        set_up(memory, simulator, now=NOW)
        TicketSystem.objects.update(time_zone="UTC")
        Agreement.objects.filter(customer__customer_id="1000").update(hourly_rate=1)
        User.objects.get(username="admin").customers.set(Customer.objects.all())

    with simulator_for(memory, port=48081) as simulator:
        set_up(memory, simulator, now=NOW)

        system = TicketSystem.objects.get()
        assert system.base_url == simulator.base_url
    assert system.time_zone == "UTC"
    assert Agreement.objects.get(customer__customer_id="1000").hourly_rate == 1
    assert User.objects.get(username="admin").customers.count() == 8
