from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from portal.roles import create_roles


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        # This app has no models, so the signal never names it as its sender.
        post_migrate.connect(create_roles, sender=apps.get_app_config("auth"), dispatch_uid="portal.roles")
