"""The roles come with the database and are put back to what they are."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User

from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING, create_roles

pytestmark = pytest.mark.django_db


def permissions_of(name: str) -> set[str]:
    group = Group.objects.get(name=name)
    return {f"{app}.{code}" for app, code in group.permissions.values_list("content_type__app_label", "codename")}


def put_back() -> None:
    create_roles(apps.get_app_config("auth"), apps=apps, using="default")


def test_account_manager_writes_into_the_ticket_system_and_nothing_else() -> None:
    assert permissions_of(ACCOUNT_MANAGER) == {"tickets.write_tickets"}


def test_billing_sees_all_customers_reads_ticket_systems_and_runs_billing() -> None:
    assert permissions_of(BILLING) == {
        "tickets.see_all_customers",
        "tickets.add_syncrun",
        "tickets.write_tickets",
        "billing.run_billing",
    }


def test_administrator_changes_master_data_only() -> None:
    changing = {label.split(".")[1] for label in permissions_of(ADMINISTRATOR) if ".change_" in label}

    master_data = ("ticketsystem", "customer", "agent", "agreement", "raterule", "flatfee", "prepaidblock", "user")
    registration = ("account", "registeredsystem")
    assert changing == {f"change_{name}" for name in (*master_data, *registration)}
    assert permissions_of(BILLING) < permissions_of(ADMINISTRATOR)


def test_permission_added_by_hand_does_not_stay_and_members_do(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("anna")
    group = Group.objects.get(name=BILLING)
    user.groups.add(group)
    group.permissions.add(Permission.objects.get(codename="delete_order"))

    put_back()

    assert "billing.delete_order" not in permissions_of(BILLING)
    assert list(user.groups.all()) == [group]


def test_group_that_was_deleted_comes_back() -> None:
    Group.objects.filter(name=ADMINISTRATOR).delete()

    put_back()

    assert "tickets.change_ticketsystem" in permissions_of(ADMINISTRATOR)


def test_migrating_a_part_only_creates_no_roles() -> None:
    class Partly:
        app_configs = {"auth": None, "contenttypes": None}

    Group.objects.all().delete()

    create_roles(apps.get_app_config("auth"), apps=Partly(), using="default")

    assert Group.objects.count() == 0
