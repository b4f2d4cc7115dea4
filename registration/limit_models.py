"""Counters of requests: rows in the database, so that all processes count together."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.limits import RequestCounter


class RateCounter(RequestCounter):
    """How many requests of a kind came from or for one subject within one window of time."""

    subject = models.CharField(max_length=64, help_text=_("Keyed hash of an address, an OTRS-ID or a UniqueID."))

    class Meta(RequestCounter.Meta):
        verbose_name = _("counter of requests")
        verbose_name_plural = _("counters of requests")
