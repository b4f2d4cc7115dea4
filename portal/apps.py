from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from portal.checks import check_mail
from portal.roles import create_roles


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        post_migrate.connect(create_roles, sender=self, dispatch_uid="portal.roles")
        register(check_mail)
