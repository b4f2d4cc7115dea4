"""What a person keeps in the portal, and the signs of life of its programs."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.preference_models import Preferences
from portal.sign_in_models import SignInCounter
from portal.token_models import ApiCounter, ApiToken

__all__ = [
    "ApiCounter",
    "ApiToken",
    "Heartbeat",
    "HiddenPart",
    "Preferences",
    "SavedFilter",
    "SignInCounter",
    "UserLanguage",
]


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


class Heartbeat(models.Model):
    """When somebody was last seen at work: a queue, whose worker took a message, or the scheduler. One row each."""

    name = models.CharField(_("name"), max_length=20, unique=True)
    at = models.DateTimeField(_("last seen"))

    class Meta:
        ordering = ["name"]
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")
        permissions = [("see_health", "Can see the health of the portal")]

    def __str__(self) -> str:
        return self.name


class HiddenPart(models.Model):
    """A part of a page that a person does not want to see any more, such as the first steps of the start page."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="hidden_parts")
    part = models.CharField(_("part"), max_length=30)

    class Meta:
        verbose_name = _("hidden part")
        verbose_name_plural = _("hidden parts")
        constraints = [models.UniqueConstraint(fields=["user", "part"], name="hiddenpart_once")]

    def __str__(self) -> str:
        return self.part
