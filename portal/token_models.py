"""The tokens of the read API, and how often each has asked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.limits import RequestCounter

MOST_DAYS = 365
"""A token is good for a year at most."""


class ApiToken(models.Model):
    """Lets a program read what its user may see, within ``scopes``. The token itself is shown once and never stored."""

    user: "models.ForeignKey[User, User]" = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What it is for, for example: monthly report"))
    prefix = models.CharField(_("begins with"), max_length=8, unique=True)
    key_hash = models.CharField(max_length=64, help_text=_("Keyed hash of the token."))
    scopes = models.CharField(_("may read"), max_length=300, help_text=_("Scopes, separated by blanks"))
    created_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("valid until"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        permissions = [("revoke_apitoken", "Can revoke the API tokens of others")]
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(scopes=""), name="apitoken_has_name_and_scopes"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="apitoken_expires_after_made"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning})"

    @property
    def beginning(self) -> str:
        """What people recognise it by."""
        return f"bpt_{self.prefix}_…"

    @property
    def scope_names(self) -> list[str]:
        return self.scopes.split()

    def is_usable(self, *, now: datetime) -> bool:
        """Neither revoked nor expired; whether its user may sign in is another question."""
        return self.revoked_at is None and now < self.expires_at <= self.created_at + timedelta(days=MOST_DAYS)


class ApiCounter(RequestCounter):
    """How many requests came with one token within one window of time."""

    subject = models.CharField(max_length=64, help_text=_("Primary key of the token."))

    class Meta(RequestCounter.Meta):
        verbose_name = _("counter of API requests")
        verbose_name_plural = _("counters of API requests")
