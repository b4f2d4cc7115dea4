"""What happened to the registered systems, in order and for good, and the support data they sent last."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RegistrationEvent(models.Model):
    """The audit log of the registration: written once; triggers refuse to change or delete a row."""

    class Kind(models.TextChoices):
        TOKEN = "token", _("token given out")
        REGISTERED = "registered", _("registered")
        REGISTERED_AGAIN = "reregistered", _("registered again in place of an older registration")
        REPEATED = "repeated", _("same request again, same answer")
        UPDATED = "updated", _("updated")
        BACK = "back", _("reports again after a long silence")
        MODE = "mode", _("uses attempt ids from now on")
        FORKED = "forked", _("older id shown again; it got a new one and the later id is void")
        DIFFERS = "differs", _("same id again from what looks like another system")
        STALE = "stale", _("late request with an id used long ago; refused, nothing changed")
        RESTORED = "restored", _("knows a later id than the portal; the portal's database was restored")
        CONFLICT = "conflict", _("shows an id that is not its own; two systems use the same key")
        REFUSED = "refused", _("refused")
        RETIRED = "retired", _("retired by a new registration")
        DEREGISTERED = "deregistered", _("deregistered")
        EDITED = "edited", _("type or description changed by a person")

    system = models.ForeignKey(
        "registration.RegisteredSystem",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,  # the index below serves
        verbose_name=_("registered system"),
    )
    account = models.ForeignKey(
        "registration.Account",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="events",
        verbose_name=_("registration account"),
    )
    kind = models.CharField(_("what"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("when"))
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    facts = models.JSONField(
        default=dict, blank=True, help_text=_("What differed, by field; never an id, a key or a token.")
    )

    class Meta:
        ordering = ["pk"]
        verbose_name = _("event of a registration")
        verbose_name_plural = _("events of registrations")
        constraints = [
            models.CheckConstraint(
                condition=Q(system__isnull=False) | Q(account__isnull=False),
                name="registrationevent_is_about_one",
            )
        ]
        indexes = [
            models.Index(fields=["system", "-id"], name="registrationevent_newest"),  # the page of a system
            models.Index(  # what a person or a mail must be told; the weekly updates are not among them
                fields=["kind", "id"],
                condition=~Q(kind__in=("updated", "repeated", "token")),
                name="registrationevent_to_tell",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system_id} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A row of the log is added, never written over."""
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)


class SupportData(models.Model):
    """The last support data of a system: a list of facts as its collectors found them, up to 1 MB."""

    system = models.OneToOneField(
        "registration.RegisteredSystem", on_delete=models.CASCADE, related_name="support_data", primary_key=True
    )
    content = models.JSONField(default=list, help_text=_("List of objects with Label, Value, Status, DisplayPath …"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("support data")
        verbose_name_plural = _("support data")

    def __str__(self) -> str:
        return str(self.system_id)
