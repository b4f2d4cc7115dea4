"""Counters of wrong sign-ins: rows in the database, so that all processes count together."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SignInCounter(models.Model):
    """How many attempts of a kind there were for one subject since the first one of its window of time."""

    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=64, help_text=_("Keyed hash of a user name, a user's number or an address."))
    begun = models.BigIntegerField(help_text=_("Second of the first attempt, since 1970."))
    count = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("counter of sign-ins")
        verbose_name_plural = _("counters of sign-ins")
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="signincounter_one_per_subject")]
        indexes = [models.Index(fields=["begun"], name="signincounter_to_forget")]

    def __str__(self) -> str:
        return f"{self.kind} {self.begun} {self.count}"
