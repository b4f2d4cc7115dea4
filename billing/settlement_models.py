"""How discrepancies were settled, and the lines of orders that carry a settlement out. Append-only."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models import AnyUser, Customer, TimeEntry


class Kind(models.TextChoices):
    """How an entry disagrees. Of several kinds that it has, the first open one carries its minutes at stake."""

    GONE = "gone", _("vanished")
    MOVED_CUSTOMER = "moved_customer", _("of another customer")
    CHANGED = "changed", _("other minutes")
    MOVED_TICKET = "moved_ticket", _("on another ticket")
    LATE = "late", _("booked late")
    NEGATIVE_LATE = "negative_late", _("correction booked late")


LATE_KINDS = (Kind.LATE, Kind.NEGATIVE_LATE)


class Choice(models.TextChoices):
    """What is done about a discrepancy."""

    NEXT_ORDER = "next_order", _("bill it with the next order")
    SUPPLEMENT = "supplement", _("bill it with a supplement now")
    CREDIT = "credit", _("credit it with the next order")
    NOT_BILLABLE = "not_billable", _("do not bill it")
    ACCEPT = "accept", _("accept it as it is")


class SettlementQuerySet(models.QuerySet["Settlement"]):
    def visible_to(self, user: AnyUser) -> Self:
        """Of orders of customers whom the user may see."""
        return self.filter(position__order__customer__in=Customer.objects.visible_to(user))


class Settlement(models.Model):
    """What somebody has decided about one discrepancy, with the facts as they were.

    It is in force while it is ``live``, and settles the discrepancy as long as the facts are the same: ``facts`` says
    them in one text. ``allocation`` and ``kind`` name what stands in an order, ``entry`` alone what came too late.
    Minutes and money are signed, what is given back is negative.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    allocation = models.ForeignKey(
        "billing.Allocation", null=True, on_delete=models.PROTECT, related_name="settlements", verbose_name=_("claim")
    )
    entry = models.ForeignKey(
        TimeEntry, on_delete=models.PROTECT, related_name="settlements", verbose_name=_("time entry")
    )
    position = models.ForeignKey(
        "billing.OrderPosition",
        on_delete=models.PROTECT,
        related_name="settlements",
        verbose_name=_("order position"),
        help_text=_("The one that holds the entry, or that it came too late for."),
    )
    facts = models.CharField(_("facts"), max_length=120)
    minutes_billed = models.DecimalField(_("minutes billed"), max_digits=14, decimal_places=4)
    minutes_now = models.DecimalField(_("minutes then"), max_digits=14, decimal_places=4)
    minutes_at_stake = models.DecimalField(_("minutes at stake"), max_digits=14, decimal_places=4)
    money_at_stake = models.DecimalField(
        _("amount at stake"),
        max_digits=14,
        decimal_places=2,
        help_text=_("Of all that was settled of the position; a line is worked out when it is drafted."),
    )
    currency = models.CharField(_("currency"), max_length=3)
    choice = models.CharField(_("choice"), max_length=20, choices=Choice)
    reason = models.TextField(_("reason"))
    supplement_number = models.CharField(
        _("supplement"), max_length=120, blank=True, help_text=_("Its number; the draft may be gone by now.")
    )
    at = models.DateTimeField(_("when"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    live = models.BooleanField(_("in force"), default=True)
    ended_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    end_reason = models.TextField(_("why it was taken back"), blank=True)

    objects = SettlementQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        constraints = [
            models.UniqueConstraint(
                fields=["allocation", "kind", "facts"],
                condition=Q(live=True, allocation__isnull=False),
                name="settlement_one_per_claim_and_facts",
            ),
            models.UniqueConstraint(
                fields=["entry", "facts"],
                condition=Q(live=True, allocation__isnull=True),
                name="settlement_one_per_late_entry_and_facts",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=["late", "negative_late"],
                    allocation__isnull=True,
                    choice__in=["next_order", "supplement", "not_billable"],
                )
                | Q(kind="changed", allocation__isnull=False, choice__in=["credit", "next_order", "accept"])
                | Q(kind="gone", allocation__isnull=False, choice__in=["credit", "accept"])
                | Q(kind__in=["moved_customer", "moved_ticket"], allocation__isnull=False, choice="accept"),
                name="settlement_choice_makes_sense",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="settlement_has_reason"),
            models.CheckConstraint(
                condition=Q(live=True, ended_at__isnull=True, end_reason="")
                | Q(live=False, ended_at__isnull=False) & ~Q(end_reason=""),
                name="settlement_ended_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(choice="supplement") & ~Q(supplement_number="")
                | ~Q(choice="supplement") & Q(supplement_number=""),
                name="settlement_supplement_has_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_choice_display()}"


class SettlementLine(models.Model):
    """This settlement is carried out by that position. The database lets it stand in one live position only."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines")
    position = models.ForeignKey("billing.OrderPosition", on_delete=models.CASCADE, related_name="settlement_lines")
    live = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("line of a settlement")
        verbose_name_plural = _("lines of settlements")
        constraints = [
            models.UniqueConstraint(
                fields=["settlement"], condition=Q(live=True), name="settlementline_settlement_carried_out_once"
            ),
            models.UniqueConstraint(fields=["settlement", "position"], name="settlementline_once_per_position"),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id} -> {self.position_id}"
