"""What a person changes of a draft: one row for each line and field, beside what was computed."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from billing.agreement_models import FlatFee, RateRule
from tickets.models import Ticket


class Adjustment(models.Model):
    """One field of one line of an order is what a person says, as long as the row is there.

    Positions are written anew whenever a run rebuilds a draft, so the line is named by what it bills: a ticket at a
    rate, or a recurring line. Rows come and go with the draft; once the order has left draft they stay as they are.
    """

    class Field(models.TextChoices):
        MINUTES = "minutes", _("minutes to bill")
        TEXT = "text", _("text")
        PRICE = "price", _("unit price")
        DISCOUNT = "discount", _("discount in percent")
        INCLUSION = "inclusion", _("left out of the order")

    order = models.ForeignKey("billing.Order", on_delete=models.CASCADE, related_name="adjustments")
    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="adjustments", verbose_name=_("ticket")
    )
    rate_rule = models.ForeignKey(
        RateRule, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("rate rule")
    )
    flat_fee = models.ForeignKey(
        FlatFee, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("recurring line")
    )
    field = models.CharField(_("field"), max_length=10, choices=Field)
    number = models.DecimalField(_("number"), max_digits=20, decimal_places=5, null=True, blank=True)
    text = models.TextField(_("text"), blank=True)
    original_number = models.DecimalField(
        _("computed number"),
        max_digits=20,
        decimal_places=5,
        null=True,
        blank=True,
        help_text=_("Of a line that is left out: its recorded minutes."),
    )
    original_text = models.TextField(_("computed text"), blank=True)
    reason = models.TextField(_("reason"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        ordering = ["order", "ticket", "rate_rule", "flat_fee", "field"]
        verbose_name = _("change by a person")
        verbose_name_plural = _("changes by a person")
        constraints = [
            models.UniqueConstraint(
                "order",
                Coalesce("ticket", 0),
                Coalesce("rate_rule", 0),
                Coalesce("flat_fee", 0),
                "field",
                name="adjustment_one_per_line_and_field",
            ),
            models.CheckConstraint(
                condition=Q(ticket__isnull=False, flat_fee__isnull=True)
                | Q(ticket__isnull=True, rate_rule__isnull=True, flat_fee__isnull=False),
                name="adjustment_of_a_ticket_or_a_recurring_line",
            ),
            models.CheckConstraint(
                condition=Q(field="minutes", ticket__isnull=False, number__isnull=False, text="")
                | Q(field="text", number__isnull=True) & ~Q(text="")
                | Q(field="price", number__gte=Decimal(0), text="")
                | Q(field="discount", number__gte=Decimal(0), number__lte=Decimal(100), text="")
                | Q(field="inclusion", number__isnull=True, text=""),
                name="adjustment_has_a_value_of_its_field",
            ),
            models.CheckConstraint(
                condition=Q(field="text", original_number__isnull=True)
                | ~Q(field="text") & Q(original_number__isnull=False, original_text=""),
                name="adjustment_has_what_was_computed",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.order.number} {self.field}"

    @property
    def value(self) -> Decimal | str:
        """What the person says; an empty text for a line that is left out."""
        return self.text if self.number is None else self.number

    @property
    def original(self) -> Decimal | str:
        """What is computed without the person."""
        return self.original_text if self.original_number is None else self.original_number
