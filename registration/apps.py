from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from registration.client_checks import check_registration_url
from registration.guards import install_after_migrate


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = _("Registration")

    def ready(self) -> None:
        register(check_registration_url)
        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="registration.guards")
