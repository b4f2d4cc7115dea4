from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from portal.checks import check_mail, check_second_factor, check_sentry, check_ticket_system_hosts
from portal.roles import create_roles
from portal.sentry import start_sentry
from portal.session_limits import begin_session


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        post_migrate.connect(create_roles, sender=self, dispatch_uid="portal.roles")
        register(check_mail)
        register(check_sentry)
        register(check_second_factor)
        user_logged_in.connect(begin_session, dispatch_uid="portal.session_limits")
        register(check_ticket_system_hosts)
        start_sentry(settings.SENTRY_DSN)
