"""This portal's own registration at a registration server: one row, and what happened to it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField

_NAMED = ~Q(unique_id="") & ~Q(api_key="") & ~Q(update_id="") & Q(last_ok__isnull=False)
_NAMELESS = Q(unique_id="", api_key="", update_id="", last_ok__isnull=True)


class OwnRegistration(models.Model):
    """The one row: by which key the server knows this portal, and what was sent and not answered yet."""

    ONLY = 1
    """Its primary key."""

    class State(models.TextChoices):
        NEVER = "never", _("never registered")
        REGISTERED = "registered", _("registered")
        REFUSED = "refused", _("refused, must be registered again")
        DEREGISTERED = "deregistered", _("deregistered")

    class SystemType(models.TextChoices):
        PRODUCTION = "production", _("production")
        TEST = "test", _("test")
        TRAINING = "training", _("training")
        DEVELOPMENT = "development", _("development")

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.NEVER)
    server = models.CharField(_("registration server"), max_length=500, blank=True)
    unique_id = models.CharField(_("unique ID"), max_length=100, blank=True)
    api_key = EncryptedTextField(blank=True)
    update_id = models.CharField(max_length=500, blank=True)
    pending_attempt = models.CharField(
        max_length=64, blank=True, help_text=_("Of an update that was begun and has no answer yet; it is sent again.")
    )
    pending_given = models.JSONField(default=dict, help_text=_("Type and description that this update carries."))
    system_type = models.CharField(_("type"), max_length=50, blank=True)
    description = models.TextField(_("description"), blank=True)
    last_ok = models.DateTimeField(_("last good update"), null=True, blank=True)
    next_due = models.DateTimeField(_("next update"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("own registration")
        verbose_name_plural = _("own registrations")
        permissions = [("manage_own_registration", "Can register this portal at a registration server")]
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="ownregistration_only_one"),
            models.CheckConstraint(
                condition=Q(state="never", next_due__isnull=True, refused_at__isnull=True, pending_attempt="")
                & _NAMELESS
                | Q(state="registered", next_due__isnull=False, refused_at__isnull=True) & _NAMED
                | Q(state="refused", next_due__isnull=True, refused_at__isnull=False) & _NAMED
                | Q(state="deregistered", next_due__isnull=True, refused_at__isnull=True, pending_attempt="") & _NAMED,
                name="ownregistration_state_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.unique_id or self.get_state_display()

    @property
    def is_known(self) -> bool:
        """The server has, or had until it refused, this portal in its list."""
        return self.state in (self.State.REGISTERED, self.State.REFUSED)


class OwnRegistrationEvent(models.Model):
    """What happened to the own registration: written once; triggers refuse to change or delete a row."""

    class Kind(models.TextChoices):
        REGISTERED = "registered", _("registered")
        UPDATED = "updated", _("updated")
        FAILED = "failed", _("no usable answer")
        REFUSED = "refused", _("refused")
        DEREGISTERED = "deregistered", _("deregistered")

    own = models.ForeignKey(OwnRegistration, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("what"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("when"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("event of the own registration")
        verbose_name_plural = _("events of the own registration")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A row of the log is added, never written over."""
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)
