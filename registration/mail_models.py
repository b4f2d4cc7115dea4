"""What was told of which system, and the mails that told it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.mails import Mail
from registration.reminders import Kind


class RegistrationNotice(models.Model):
    """Something about a system that is told once: the row is there before any mail; triggers keep it as it is."""

    system = models.ForeignKey(
        "registration.RegisteredSystem", on_delete=models.PROTECT, related_name="notices", verbose_name=_("system")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    occasion = models.DateTimeField(_("occasion"), help_text=_("When the conflict was found, or the last update came."))
    at = models.DateTimeField(_("when"))

    class Meta:
        ordering = ["pk"]
        verbose_name = _("notice about a registration")
        verbose_name_plural = _("notices about registrations")
        constraints = [
            models.UniqueConstraint(fields=["system", "kind", "occasion"], name="registrationnotice_told_once"),
        ]

    def __str__(self) -> str:
        return f"{self.system_id} {self.kind}"


class RegistrationMail(Mail):
    """All that one planning has to tell one reader: a user of the portal, or the address of an account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    address = models.EmailField(_("e-mail"), blank=True, help_text=_("Of an account; empty for a user."))
    notices = models.ManyToManyField(RegistrationNotice, related_name="mails")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("mail about registrations")
        verbose_name_plural = _("mails about registrations")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, address="")
                | models.Q(user__isnull=True) & ~models.Q(address=""),
                name="registrationmail_has_one_reader",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["waiting", "sending"]),
                name="registrationmail_not_ended",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user or self.address} {self.due_at:%Y-%m-%d}"
