from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutOfOfficeConfig(AppConfig):
    name = "outofoffice"
    verbose_name = _("Out of office")
