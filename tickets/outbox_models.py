"""What the portal wants to write into a ticket system: one row for each note, ticket or mail, kept for good."""

import secrets

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.jobs import Job

MARKER_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LONGEST_TITLE = 200
LONGEST_TEXT = 20_000


def new_marker() -> str:
    """By which something written is found again, in the title of a ticket and in the text of an article."""
    return "BP" + "".join(secrets.choice(MARKER_SIGNS) for _position in range(12))


class OutboxItem(Job):
    """One thing to be written, and what is known of it.

    ``state`` says whether work is left, ``outcome`` what is known to stand in the ticket system. Nothing that may have
    been written is written again before the ticket system was looked at.
    """

    class Kind(models.TextChoices):
        NOTE = "note", _("note")
        TICKET = "ticket", _("ticket")
        MAIL = "mail", _("ticket with a mail")

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("not written yet")
        SENDING = "sending", _("being written")
        DONE = "done", _("written")
        UNKNOWN = "unknown", _("not known")
        UNSENT = "unsent", _("stored, but not mailed")
        REFUSED = "refused", _("not written")

    class Protection(models.TextChoices):
        NONE = "", _("no")
        PGP_INLINE = "pgp_inline", _("PGP, inline")
        PGP_DETACHED = "pgp_detached", _("PGP, detached")
        SMIME = "smime", _("S/MIME")

    system = models.ForeignKey("tickets.TicketSystem", on_delete=models.PROTECT, related_name="outbox")
    customer = models.ForeignKey("tickets.Customer", on_delete=models.PROTECT, related_name="outbox")
    ticket = models.ForeignKey(
        "tickets.Ticket",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="outbox",
        help_text=_("Of a note."),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    key = models.CharField(max_length=200, unique=True, help_text=_("What it is for; asked for twice, it is one."))
    marker = models.CharField(_("marker"), max_length=20, unique=True, default=new_marker)
    title = models.CharField(_("title"), max_length=LONGEST_TITLE, blank=True)
    subject = models.CharField(_("subject"), max_length=LONGEST_TITLE)
    body = models.TextField(_("text"))
    visible = models.BooleanField(_("visible for the customer"), default=False)
    queue = models.CharField(_("queue"), max_length=200, blank=True)
    ticket_state = models.CharField(_("state of the ticket"), max_length=200, blank=True)
    customer_user = models.CharField(_("customer user"), max_length=250, blank=True)
    to = models.TextField(_("recipients"), blank=True, help_text=_("One a line."))
    cc = models.TextField(_("copies"), blank=True)
    bcc = models.TextField(_("hidden copies"), blank=True)
    sign = models.CharField(_("signed"), max_length=20, choices=Protection, blank=True)
    sign_key = models.CharField(max_length=100, blank=True)
    crypt = models.CharField(_("encrypted"), max_length=20, choices=Protection, blank=True)
    crypt_key = models.CharField(max_length=100, blank=True)
    file_name = models.CharField(_("file name"), max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    content = models.BinaryField(null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.WAITING)
    outcome_text = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0, help_text=_("Requests that may have written it."))
    sent_at = models.DateTimeField(null=True, blank=True, help_text=_("The last of them."))
    look_at = models.DateTimeField(null=True, blank=True, help_text=_("Left alone until then."))
    upstream_ticket_id = models.CharField("TicketID", max_length=30, blank=True)
    upstream_number = models.CharField(_("number"), max_length=50, blank=True)
    upstream_article_id = models.CharField("ArticleID", max_length=30, blank=True)
    unsent_articles = models.JSONField(default=list, help_text=_("Stored, and known not to be mailed."))

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("outbox item")
        verbose_name_plural = _("outbox items")
        permissions = [("write_tickets", "Can write notes and tickets into the ticket systems")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="note", ticket__isnull=False) | Q(kind__in=["ticket", "mail"], ticket__isnull=True),
                name="outboxitem_note_has_ticket",
            ),
            models.CheckConstraint(
                condition=Q(kind="mail") & ~Q(to="") | ~Q(kind="mail") & Q(to="", cc="", bcc="", sign="", crypt=""),
                name="outboxitem_mail_has_recipient",
            ),
            models.CheckConstraint(condition=~Q(state="done") | Q(outcome="done"), name="outboxitem_done_is_written"),
            models.CheckConstraint(
                condition=Q(outcome__in=["waiting", "refused"]) | Q(tries__gt=0, sent_at__isnull=False),
                name="outboxitem_written_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["system", "created_at"], condition=Q(state__in=["queued", "running"]), name="outboxitem_to_do"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.marker}"

    def get_absolute_url(self) -> str:
        return reverse("tickets:written", args=[self.pk])

    @property
    def made_by_hand(self) -> bool:
        """By a form; what an order asks for belongs to the order."""
        return self.key.startswith("form-")

    @property
    def in_doubt(self) -> bool:
        """It may stand in the ticket system, or be mailed, and nobody knows."""
        return self.outcome in (self.Outcome.SENDING, self.Outcome.UNKNOWN)

    @property
    def can_be_asked_again(self) -> bool:
        """See ``outbox.ask_again``."""
        return self.state in (Job.State.QUEUED, Job.State.FAILED) and not self.waits_for_person

    @property
    def waits_for_person(self) -> bool:
        """The mail is stored and nobody but a person can say whether it left."""
        return (
            self.state == Job.State.FAILED and self.outcome == self.Outcome.UNKNOWN and self.upstream_article_id != ""
        )

    def recipients(self, field: str) -> list[str]:
        """Of ``to``, ``cc`` or ``bcc``."""
        return [line.strip() for line in str(getattr(self, field)).splitlines() if line.strip()]
