"""What a person has chosen for the pages, beside the language."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Preferences(models.Model):
    """Whoever has never chosen has no row and gets the defaults."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    shortcuts = models.BooleanField(
        _("keyboard shortcuts"),
        default=True,
        help_text=_("Single letters do something on pages. Everything can be reached without them."),
    )

    class Meta:
        verbose_name = _("preferences of a person")
        verbose_name_plural = _("preferences of people")

    def __str__(self) -> str:
        return str(self.user_id)
