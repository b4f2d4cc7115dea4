from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from outofoffice.guards import install_after_migrate, remove_before_migrate


class OutOfOfficeConfig(AppConfig):
    name = "outofoffice"
    verbose_name = _("Out of office")

    def ready(self) -> None:
        pre_migrate.connect(remove_before_migrate, sender=self, dispatch_uid="outofoffice.guards")
        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="outofoffice.guards")
