"""The history of a run: who started it when and how that ended, and the mails that told of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.jobs import Job
from common.mails import Mail


class RunStart(models.Model):
    """One start of a billing run. Its end is written once; nothing of it is changed or deleted afterwards."""

    class By(models.TextChoices):
        PERSON = "person", _("person")
        COMMAND = "command", _("command")
        SCHEDULER = "scheduler", _("schedule")

    run = models.ForeignKey("billing.BillingRun", on_delete=models.CASCADE, related_name="starts")
    by = models.CharField(_("started by"), max_length=10, choices=By)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("started"))
    only_failed = models.BooleanField(_("failed customers only"), default=False)
    customers = models.JSONField(default=list, help_text=_("Primary keys of the failed customers that are tried again"))
    left_out = models.JSONField(
        default=list, help_text=_("Customers with terms of their own that are drafted later: pk, customer_id, day")
    )
    cancelled_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    state = models.CharField(
        _("result"),
        max_length=10,
        choices=Job.State,
        blank=True,
        help_text=_("Empty: not ended, or started anew before it had ended."),
    )
    complete = models.BooleanField(_("complete"), default=False)
    orders_new = models.PositiveIntegerField(_("new orders"), default=0)
    orders_changed = models.PositiveIntegerField(_("changed orders"), default=0)
    orders_unchanged = models.PositiveIntegerField(_("unchanged orders"), default=0)
    orders_approved = models.PositiveIntegerField(_("orders approved by themselves"), default=0)
    failures = models.JSONField(_("failures"), default=list)
    problems = models.JSONField(_("problems"), default=list)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("start of a run")
        verbose_name_plural = _("starts of runs")
        constraints = [
            models.UniqueConstraint(fields=["run"], condition=Q(ended_at__isnull=True), name="runstart_one_open"),
            models.CheckConstraint(
                condition=Q(by="person") | Q(user__isnull=True), name="runstart_only_a_person_is_a_user"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) | Q(state="", complete=False), name="runstart_result_at_its_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run} {self.at:%Y-%m-%d %H:%M}"

    @property
    def done_count(self) -> int:
        """Customers that were brought up to date."""
        return self.orders_new + self.orders_changed + self.orders_unchanged


class RunMail(Mail):
    """One start to be told to one person, there before the mail is sent, and once.

    Starts of one pass of the scheduler, those with the same ``at``, are told in the mail of the first row.
    """

    class Kind(models.TextChoices):
        RESULT = "result", _("result")
        DIGEST = "digest", _("drafts of the own customers")

    start = models.ForeignKey(RunStart, on_delete=models.CASCADE, related_name="mails")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["start", "kind", "user"]
        verbose_name = _("mail about a run")
        verbose_name_plural = _("mails about runs")
        constraints = [
            models.UniqueConstraint(fields=["start", "kind", "user"], name="runmail_once_per_start"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state__in=["waiting", "sending"]), name="runmail_not_ended_by_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.start} {self.kind} {self.user}"
