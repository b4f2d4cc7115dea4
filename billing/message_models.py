"""What an issued order says to the ticket system: which items of the outbox are its own."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models import Ticket
from tickets.outbox_models import OutboxItem


class OrderMessage(models.Model):
    """A note on a ticket of an order, or the mail with its work statement; made by the issue, once."""

    order = models.ForeignKey("billing.Order", on_delete=models.PROTECT, related_name="messages")
    ticket = models.ForeignKey(
        Ticket,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("That gets the note; empty: the mail with the work statement."),
    )
    item = models.OneToOneField(OutboxItem, on_delete=models.PROTECT, related_name="order_message")
    told_at = models.DateTimeField(null=True, blank=True, help_text=_("End of the outcome that the history tells."))

    class Meta:
        ordering = ["order", "ticket"]
        verbose_name = _("message of an order")
        verbose_name_plural = _("messages of an order")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "ticket"], condition=Q(ticket__isnull=False), name="ordermessage_one_note_a_ticket"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(ticket__isnull=True), name="ordermessage_one_statement"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.number} {self.item}"
