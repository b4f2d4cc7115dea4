from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from audit.guards import install_after_migrate, remove_before_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        autodiscover_modules("audited")  # of each app what it wants to have in the log, as with the admin
        pre_migrate.connect(remove_before_migrate, sender=self, dispatch_uid="audit.guards")
        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="audit.guards")
