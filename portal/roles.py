"""The three roles as groups. Their permissions are put back after each ``migrate``; members are never touched.

What an account manager sees are the customers that are assigned to the user; on those the group lets the user write
notes and tickets into the ticket system.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

ACCOUNT_MANAGER = "Account manager"
BILLING = "Billing"
ADMINISTRATOR = "Administrator"
NAMES_OF_ROLES = {"account-manager": ACCOUNT_MANAGER, "billing": BILLING, "administrator": ADMINISTRATOR}
"""How settings name the roles."""

# Whoever may add a reading may have the ticket systems read; rows of readings are written by the portal alone.
UPLOAD_PERMISSIONS = ("outofoffice.upload_out_of_office",)
REGISTRATION_PERMISSIONS = ("registration.manage_own_registration", "registration.change_registeredsystem")
HEALTH_PERMISSIONS = ("portal.see_health", "portal.revoke_apitoken")
AUDIT_PERMISSIONS = ("audit.see_audit_log",)
WRITING_PERMISSIONS = ("tickets.write_tickets",)
BILLING_PERMISSIONS = (
    "tickets.see_all_customers",
    "tickets.add_syncrun",
    "billing.run_billing",
    *WRITING_PERMISSIONS,
)
MASTER_DATA = (
    "tickets.ticketsystem",
    "tickets.customer",
    "tickets.agent",
    "billing.agreement",
    "billing.raterule",
    "billing.flatfee",
    "billing.prepaidblock",
    "registration.account",
    "auth.user",
)
READ_ONLY = (
    "tickets.ticket",
    "tickets.timeentry",
    "tickets.syncrun",
    "billing.billingrun",
    "billing.order",
    "billing.allocation",
    "billing.orderevent",
    "billing.export",
    "auth.group",
    "portal.apitoken",
)


def _administrator_permissions() -> tuple[str, ...]:
    changes = [(model, action) for model in MASTER_DATA for action in ("view", "add", "change", "delete")]
    views = [(model, "view") for model in READ_ONLY]
    named = (model.replace(".", f".{action}_") for model, action in (*changes, *views))
    movements = ("billing.view_prepaidmovement", "billing.add_prepaidmovement")
    own = (*UPLOAD_PERMISSIONS, *REGISTRATION_PERMISSIONS, *HEALTH_PERMISSIONS, *AUDIT_PERMISSIONS)
    return (*BILLING_PERMISSIONS, *own, *named, *movements)


ROLES: dict[str, tuple[str, ...]] = {
    ACCOUNT_MANAGER: WRITING_PERMISSIONS,
    BILLING: BILLING_PERMISSIONS,
    ADMINISTRATOR: _administrator_permissions(),
}


def create_roles(sender: AppConfig, **options: Any) -> None:
    """Handler of ``post_migrate``: creates the groups and gives them exactly their permissions.

    Django creates the permissions of each app in a handler of the same signal, app by app; those of apps that are
    still to come are created here first.
    """
    migrated: Apps = options.get("apps", apps)  # ``flush`` sends none
    needed = ("auth", "audit", "tickets", "billing", "outofoffice", "registration", "portal")
    if not all(_has(migrated, app) for app in needed):
        return  # somebody migrates a part only
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=options["using"])
    permissions = apps.get_model("auth", "Permission")._default_manager.select_related("content_type")
    by_label = {f"{row.content_type.app_label}.{row.codename}": row for row in permissions}
    for name, labels in ROLES.items():
        group, _created = apps.get_model("auth", "Group")._default_manager.get_or_create(name=name)
        group.permissions.set([by_label[label] for label in labels])


def _has(migrated: Apps, app: str) -> bool:
    return app in migrated.app_configs
