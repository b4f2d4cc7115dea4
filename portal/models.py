"""What a person keeps in the portal."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SavedFilter(models.Model):
    """A view of a page that a person has given a name; one of each page may be what the page opens with."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    page = models.CharField(_("page"), max_length=50, help_text=_("Name of the page's address, such as reports:report"))
    name = models.CharField(_("name"), max_length=80)
    query = models.CharField(_("query"), max_length=2000, help_text=_("What stands behind the question mark"))
    is_default = models.BooleanField(_("opens with the page"), default=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="savedfilter_unique_name"),
            models.UniqueConstraint(
                fields=["user", "page"], condition=Q(is_default=True), name="savedfilter_one_default_per_page"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="savedfilter_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class UserLanguage(models.Model):
    """The language that a person has chosen last; mails are written in it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chosen_language")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)

    class Meta:
        verbose_name = _("language of a person")
        verbose_name_plural = _("languages of people")

    def __str__(self) -> str:
        return self.language
