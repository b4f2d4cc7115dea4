from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from billing.checks import check_kivitendo
from billing.guards import install_after_migrate, remove_before_migrate


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        register(check_kivitendo)
        pre_migrate.connect(remove_before_migrate, sender=self, dispatch_uid="billing.guards")
        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="billing.guards")
