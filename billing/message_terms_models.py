"""The part of an agreement that says what an issue writes into the ticket system: nothing, as long as nobody asks."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from generic_interface.errors import WrongRequest
from generic_interface.mailing import Mail, bare_address
from tickets.outbox_models import OutboxItem

MESSAGE_CONSTRAINTS = [
    models.CheckConstraint(
        condition=Q(mail_statement=False) | Q(is_default=False) & ~Q(statement_to="") & ~Q(statement_queue=""),
        name="agreement_statement_has_recipient",
    ),
    models.CheckConstraint(
        condition=Q(statement_sign="", statement_sign_key="") | ~Q(statement_sign="") & ~Q(statement_sign_key=""),
        name="agreement_signing_has_key",
    ),
    models.CheckConstraint(
        condition=Q(statement_crypt="", statement_crypt_key="") | ~Q(statement_crypt="") & ~Q(statement_crypt_key=""),
        name="agreement_encrypting_has_key",
    ),
]


class MessageTerms(models.Model):
    """Base of the agreement."""

    note_on_issue = models.BooleanField(
        _("note on each ticket"),
        default=False,
        help_text=_("When an order is issued, an internal note on each of its tickets says in which order it is."),
    )
    mail_statement = models.BooleanField(
        _("work statement by mail"),
        default=False,
        help_text=_("When an order is issued, the ticket system mails the work statement from a ticket of its own."),
    )
    statement_to = models.TextField(
        _("recipients"), blank=True, help_text=_("One address a line, with or without name.")
    )
    statement_queue = models.CharField(
        _("queue"), max_length=200, blank=True, help_text=_("Of the ticket; its address is the sender.")
    )
    statement_customer_user = models.CharField(
        _("customer user"), max_length=250, blank=True, help_text=_("Empty: the address of the first recipient.")
    )
    message_language = models.CharField(
        _("language of notes and mails"), max_length=2, choices=[("de", "Deutsch"), ("en", "English")], default="de"
    )
    statement_sign = models.CharField(_("signed"), max_length=20, choices=OutboxItem.Protection, blank=True)
    statement_sign_key = models.CharField(
        _("key to sign with"), max_length=100, blank=True, help_text=_("As the ticket system lists it.")
    )
    statement_crypt = models.CharField(_("encrypted"), max_length=20, choices=OutboxItem.Protection, blank=True)
    statement_crypt_key = models.CharField(
        _("key to encrypt with"), max_length=100, blank=True, help_text=_("As the ticket system lists it.")
    )

    class Meta:
        abstract = True

    @property
    def recipients(self) -> list[str]:
        """Of the work statement."""
        return [line.strip() for line in self.statement_to.splitlines() if line.strip()]

    def message_faults(self) -> dict[str, str]:
        """By field: what the mail with the work statement lacks, or what the ticket system would refuse."""
        faults = {}
        for way, key in (("statement_sign", "statement_sign_key"), ("statement_crypt", "statement_crypt_key")):
            if bool(getattr(self, way)) != bool(getattr(self, key)):
                faults[key] = _now("Choose a way and name a key, or leave both empty.")
        if not self.mail_statement:
            return faults
        if not self.statement_queue.strip():
            faults["statement_queue"] = _now("Name the queue of the ticket that the mail leaves from.")
        try:
            Mail(to=self.recipients).parameters()
            if "@" in self.statement_customer_user:
                bare_address(self.statement_customer_user)
        except WrongRequest as error:
            faults["statement_to"] = str(error)
        return faults
