"""Uploads of absences, what became of each row, and what the ticket systems were last told."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.jobs import StoppableJob
from tickets.models import Agent, TicketSystem


class Upload(models.Model):
    """A file that was looked at, with the bytes as they came. Nothing of it is sent before it is confirmed."""

    class Kind(models.TextChoices):
        FILE = "file", _("file")
        CLEARING = "clearing", _("clearing of an upload")

    class State(models.TextChoices):
        CHECKED = "checked", _("checked, not sent")
        CONFIRMED = "confirmed", _("confirmed")

    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="absence_uploads")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.FILE)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CHECKED)
    clears = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="clearings")
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)
    header = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    fingerprint = models.CharField(
        max_length=64, help_text=_("Of what the rows would do; a confirmation names the one that was looked at.")
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        verbose_name = _("out-of-office upload")
        verbose_name_plural = _("out-of-office uploads")
        permissions = [("upload_out_of_office", "Can upload out-of-office files")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="checked", confirmed_at__isnull=True)
                | Q(state="confirmed", confirmed_at__isnull=False),
                name="upload_confirmed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(kind="file", clears__isnull=True) | Q(kind="clearing", clears__isnull=False),
                name="upload_clearing_names_upload",
            ),
        ]
        indexes = [
            models.Index(fields=["-uploaded_at", "-id"], name="upload_newest_first"),
            models.Index(fields=["system", "sha256"], name="upload_same_content"),
        ]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("outofoffice:upload", args=[self.pk])

    @property
    def is_confirmed(self) -> bool:
        return self.state == self.State.CONFIRMED


class Sending(StoppableJob):
    """One go at sending the waiting rows of an upload; a repetition that a person asked for is a second one."""

    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, related_name="sendings")
    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        constraints = [
            models.UniqueConstraint(
                fields=["upload"], condition=Q(state__in=("queued", "running")), name="sending_one_active_of_upload"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upload} {self.pk}"


class UploadRow(models.Model):
    """One row of the file, and what is sent for it: ``user`` as ``addressed_by``, both days and the switch."""

    class Effect(models.TextChoices):
        SET = "set", _("set")
        CLEAR = "clear", _("switch off")
        UNCHANGED = "unchanged", _("unchanged")
        ERROR = "error", _("not to be sent")

    class Outcome(models.TextChoices):
        NOT_SENT = "not_sent", _("not sent")
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent, not confirmed")
        CONFIRMED = "confirmed", _("sent and confirmed")
        DIFFERS = "differs", _("sent, stored differently")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    line = models.PositiveIntegerField(_("line"))
    cells = models.JSONField(default=list)
    problems = models.JSONField(default=list, help_text=_("Why it cannot be sent: column and text."))
    notes = models.JSONField(default=list, help_text=_("What should be known before it is sent: column and text."))
    effect = models.CharField(_("what happens"), max_length=10, choices=Effect)
    agent = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    user = models.CharField(_("agent"), max_length=254, blank=True)
    addressed_by = models.CharField(max_length=10, blank=True)
    enabled = models.BooleanField(_("out of office"), null=True, blank=True)
    start = models.DateField(_("first day"), null=True, blank=True)
    end = models.DateField(_("last day"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.NOT_SENT)
    outcome_text = models.TextField(blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        ordering = ["upload", "position"]
        verbose_name = _("row of an upload")
        verbose_name_plural = _("rows of uploads")
        constraints = [
            models.UniqueConstraint(fields=["upload", "position"], name="uploadrow_unique_position"),
            models.UniqueConstraint(
                fields=["upload", "agent"], condition=~Q(effect="error"), name="uploadrow_one_row_an_agent"
            ),
            models.CheckConstraint(
                condition=Q(effect="error")
                | (
                    ~Q(user="")
                    & ~Q(addressed_by="")
                    & Q(enabled__isnull=False, start__isnull=False, end__isnull=False, end__gte=F("start"))
                ),
                name="uploadrow_good_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(effect="error") | Q(outcome="not_sent", sent_at__isnull=True),
                name="uploadrow_bad_is_never_sent",
            ),
        ]
        indexes = [models.Index(fields=["upload", "outcome"], name="uploadrow_by_outcome")]

    def __str__(self) -> str:
        return f"{self.upload} {self.line}"


class KnownAbsence(models.Model):
    """What the portal last sent for an agent: the ticket system holds one absence each and does not tell it."""

    class Certainty(models.TextChoices):
        SENT = "sent", _("sent, not confirmed")
        CONFIRMED = "confirmed", _("confirmed")
        UNKNOWN = "unknown", _("unknown")

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="known_absence")
    row = models.ForeignKey(UploadRow, on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField(_("out of office"))
    start = models.DateField(_("first day"))
    end = models.DateField(_("last day"))
    certainty = models.CharField(_("certainty"), max_length=10, choices=Certainty)
    known_at = models.DateTimeField(_("sent"))

    class Meta:
        ordering = ["agent"]
        verbose_name = _("known absence")
        verbose_name_plural = _("known absences")
        constraints = [models.CheckConstraint(condition=Q(end__gte=F("start")), name="knownabsence_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.agent} {self.start} – {self.end}"


class UploadEvent(models.Model):
    """The audit log of an upload: written once, never changed."""

    class Kind(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded and checked")
        CHANGED = "changed", _("checked again, with another result")
        CONFIRMED = "confirmed", _("confirmed for sending")
        REPEATED = "repeated", _("sending again asked for")
        SENT = "sent", _("sending ended")
        CLEARING = "clearing", _("clearing prepared")
        STOPPED = "stopped", _("stopping asked for")

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    at = models.DateTimeField(_("when"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("event of an upload")
        verbose_name_plural = _("events of uploads")

    def __str__(self) -> str:
        return f"{self.upload} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A row of the log is added, never written over."""
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)
