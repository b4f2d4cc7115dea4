"""What customers have agreed to pay: agreements, rules for rates, recurring lines and prepaid time."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from billing.message_terms_models import MESSAGE_CONSTRAINTS, MessageTerms
from tickets.models import Agent, Customer

FROM_THE_BEGINNING = date(2000, 1, 1)

SUB_QUEUES = "::*"
"""Ends the queue of a rate rule that is also for all queues below it."""

DEFAULT_POSITION_TEXT = "Nummer: {number} Titel: {title} Erfasste Zeit: {minutes} min"


class Agreement(MessageTerms):
    """What one customer has agreed to pay from one month on; the default agreement serves everyone without an own one.

    Of several agreements the one that began last is in force. When that one has ended, nothing is billed.
    """

    class Counting(models.TextChoices):
        CLOSED = "closed", _("tickets closed in the period")
        BOOKED = "booked", _("everything booked up to the end of the period")

    class Period(models.IntegerChoices):
        MONTH = 1, _("month")
        QUARTER = 3, _("quarter")

    class RoundingScope(models.TextChoices):
        ENTRY = "entry", _("each time entry")
        TICKET = "ticket", _("each ticket")
        DAY = "day", _("each ticket and day")
        ORDER = "order", _("the whole order")

    class RoundingStep(models.IntegerChoices):
        EXACT = 0, _("exact")
        ONE = 1, _("1 minute")
        FIVE = 5, _("5 minutes")
        SIX = 6, _("6 minutes")
        TEN = 10, _("10 minutes")
        FIFTEEN = 15, _("15 minutes")
        THIRTY = 30, _("30 minutes")
        SIXTY = 60, _("60 minutes")

    class RoundingMode(models.TextChoices):
        UP = "up", _("up")
        NEAREST = "nearest", _("to the nearest")
        DOWN = "down", _("down")

    is_default = models.BooleanField(_("default agreement"), default=False)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="agreements", verbose_name=_("customer")
    )
    valid_from = models.DateField(
        _("valid from"), default=FROM_THE_BEGINNING, help_text=_("First day of the first month that it is for.")
    )
    valid_to = models.DateField(
        _("valid to"), null=True, blank=True, help_text=_("Its last day; empty: until another one begins.")
    )
    billed = models.BooleanField(_("is billed"), default=True)
    erp_customer_number = models.CharField(
        _("customer number in the ERP"), max_length=100, blank=True, help_text=_("Empty: the CustomerID is used.")
    )
    counting = models.CharField(_("what is billed"), max_length=10, choices=Counting, default=Counting.CLOSED)
    period_months = models.PositiveSmallIntegerField(_("billing period"), choices=Period, default=Period.MONTH)
    counting_states = models.JSONField(
        _("states that count"), default=list, blank=True, help_text=_("Empty: every state of a closed state type.")
    )
    hourly_rate = models.DecimalField(
        _("hourly rate"), max_digits=15, decimal_places=5, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(
        _("currency"), max_length=3, default="EUR", validators=[RegexValidator(r"^[A-Z]{3}\Z", _("Three capitals."))]
    )
    article_number = models.CharField(_("article number"), max_length=100, default="SUP-STD")
    unit = models.CharField(_("unit"), max_length=20, default="Std")
    minutes_per_unit = models.DecimalField(
        _("minutes per unit"),
        max_digits=8,
        decimal_places=2,
        default=60,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    tax_rate = models.DecimalField(
        _("tax rate in percent"), max_digits=5, decimal_places=2, default=19, validators=[MinValueValidator(Decimal(0))]
    )
    rounding_step = models.PositiveSmallIntegerField(
        _("rounding step"), choices=RoundingStep, default=RoundingStep.FIFTEEN
    )
    rounding_mode = models.CharField(_("rounding mode"), max_length=10, choices=RoundingMode, default=RoundingMode.UP)
    rounding_scope = models.CharField(
        _("what is rounded"), max_length=10, choices=RoundingScope, default=RoundingScope.TICKET
    )
    minimum_minutes = models.DecimalField(
        _("minimum minutes"),
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("What is rounded counts at least so many minutes; 0: no minimum."),
    )
    included_minutes = models.DecimalField(
        _("included minutes"),
        max_digits=10,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("So many minutes of each period cost nothing; a recurring line may carry their price."),
    )
    overage_rate = models.DecimalField(
        _("hourly rate above the included minutes"),
        max_digits=15,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("Empty: the hourly rate, or that of the rule."),
    )
    billing_day = models.PositiveSmallIntegerField(
        _("day of billing"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("Day of the month on which the period before is drafted; empty: that of the portal."),
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=0,
        validators=[MaxValueValidator(60)],
        help_text=_("Days after the end of the period that pass before it is drafted."),
    )
    approves_itself = models.BooleanField(
        _("approved automatically"),
        default=False,
        help_text=_("A scheduled run over complete data approves the draft; without it a person does."),
    )
    needs_second_person = models.BooleanField(
        _("four eyes"), default=False, help_text=_("Nobody approves a draft that they started or changed.")
    )
    position_text = models.TextField(_("text of a position"), default=DEFAULT_POSITION_TEXT)

    class Meta:
        ordering = ["-is_default", "customer", "-valid_from"]
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = [
            models.UniqueConstraint(
                fields=["valid_from"], condition=Q(is_default=True), name="agreement_one_default_from_a_month"
            ),
            models.UniqueConstraint(
                fields=["customer", "valid_from"],
                condition=Q(customer__isnull=False),
                name="agreement_one_of_a_customer_from_a_month",
            ),
            models.CheckConstraint(
                condition=Q(is_default=True, customer__isnull=True) | Q(is_default=False, customer__isnull=False),
                name="agreement_default_or_customer",
            ),
            models.CheckConstraint(condition=Q(hourly_rate__gte=0), name="agreement_hourly_rate_not_negative"),
            models.CheckConstraint(condition=Q(minutes_per_unit__gt=0), name="agreement_minutes_per_unit_positive"),
            models.CheckConstraint(condition=Q(valid_from__day=1), name="agreement_begins_with_a_month"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="agreement_ends_after_begin"
            ),
            models.CheckConstraint(condition=Q(period_months__in=[1, 3]), name="agreement_month_or_quarter"),
            models.CheckConstraint(
                condition=Q(minimum_minutes__gte=0, included_minutes__gte=0), name="agreement_minutes_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(overage_rate__isnull=True) | Q(overage_rate__gte=0),
                name="agreement_overage_rate_not_negative",
            ),
            *MESSAGE_CONSTRAINTS,
        ]

    def __str__(self) -> str:
        name = str(self.customer) if self.customer else str(_("default agreement"))
        return name if self.valid_from == FROM_THE_BEGINNING else f"{name} ({self.valid_from:%Y-%m})"

    def clean(self) -> None:
        """Agreements change with a month, quarters with a quarter; so no period has two."""
        super().clean()
        faults = {}
        if self.valid_from and self.valid_from.day != 1:
            faults["valid_from"] = _("An agreement begins on the first day of a month.")
        elif self.valid_from and (self.valid_from.month - 1) % (self.period_months or 1):
            faults["valid_from"] = _("A quarter begins in January, April, July or October.")
        if self.valid_to and (self.valid_to + timedelta(days=1)).day != 1:
            faults["valid_to"] = _("An agreement ends on the last day of a month.")
        elif self.valid_to and self.valid_from and self.valid_to <= self.valid_from:
            faults["valid_to"] = _("The agreement would end before it begins.")
        if self.is_default and self.mail_statement:
            faults["mail_statement"] = _("The default agreement serves many customers, so it has no recipient.")
        found = {**faults, **self.message_faults()}
        if found:
            raise ValidationError(found)


class RateRule(models.Model):
    """Another rate, or none, for some of the time. An empty condition is met by everything.

    Of the rules that an entry meets, the most specific wins: one of the customer's agreement before one for all, then
    service, queue, type and agent, in this order; of two alike the one that began later. One queue comes before a queue
    with those below it, and of these the deeper one first.
    """

    agreement = models.ForeignKey(
        Agreement,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="rate_rules",
        verbose_name=_("agreement"),
        help_text=_("Empty: for all customers."),
    )
    service = models.CharField(
        _("service"),
        max_length=200,
        blank=True,
        help_text=_("Of the ticket, as it is now, by its full name, for example “Hosting::Backup”."),
    )
    queue = models.CharField(
        _("queue"),
        max_length=200,
        blank=True,
        help_text=_(
            "Of the ticket, as it is now: “Support” for this queue alone, “Support::*” for it and all queues below it."
        ),
    )
    type = models.CharField(
        _("type"), max_length=200, blank=True, help_text=_("Of the ticket, as it is now, for example “Incident”.")
    )
    agent = models.ForeignKey(
        Agent,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rate_rules",
        verbose_name=_("agent"),
        help_text=_("Who booked the time. Type a part of the name or login, for example “weber”."),
    )
    billable = models.BooleanField(_("is billed"), default=True)
    reason = models.CharField(
        _("reason"),
        max_length=300,
        blank=True,
        help_text=_("Why time is not billed, for example “Warranty”; it stands in the list of what was left out."),
    )
    hourly_rate = models.DecimalField(
        _("hourly rate"),
        max_digits=15,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("For example 120.00. Empty: that of the agreement. 0: it stands in the order and costs nothing."),
    )
    article_number = models.CharField(
        _("article number"),
        max_length=100,
        blank=True,
        help_text=_("Of the ERP, for example “SUP-NIGHT”. Empty: that of the agreement."),
    )
    valid_from = models.DateField(
        _("valid from"),
        default=FROM_THE_BEGINNING,
        help_text=_("First day of the booking, in the ticket system's zone, for example 2026-07-01."),
    )
    valid_to = models.DateField(
        _("valid to"),
        null=True,
        blank=True,
        help_text=_("Its last day, for example 2026-12-31; empty: without end."),
    )

    class Meta:
        ordering = ["agreement", "service", "queue", "type", "agent", "-valid_from"]
        verbose_name = _("rate rule")
        verbose_name_plural = _("rate rules")
        constraints = [
            models.UniqueConstraint(
                Coalesce("agreement", 0),
                "service",
                "queue",
                "type",
                Coalesce("agent", 0),
                "valid_from",
                name="raterule_one_of_a_kind_from_a_day",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="raterule_ends_after_begin"
            ),
            models.CheckConstraint(
                condition=Q(billable=True, reason="") | Q(billable=False) & ~Q(reason=""),
                name="raterule_not_billed_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(hourly_rate__isnull=True) | Q(hourly_rate__gte=0), name="raterule_hourly_rate_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(agreement__isnull=True, service="", queue="", type="", agent__isnull=True),
                name="raterule_has_condition",
            ),
        ]

    def __str__(self) -> str:
        conditions = [self.service, self.queue, self.type, str(self.agent) if self.agent else ""]
        return " · ".join(filter(None, conditions)) or str(_("all time"))

    @property
    def top_queue(self) -> str:
        """The queue that the rule is for with all queues below it; empty where it is for one queue, or for any."""
        return self.queue.removesuffix(SUB_QUEUES) if self.queue.endswith(SUB_QUEUES) else ""

    def clean(self) -> None:
        """A rule says what it is for, and why where it bills nothing."""
        super().clean()
        if not (self.agreement_id or self.service or self.queue or self.type or self.agent_id):
            raise ValidationError(_("Name an agreement, service, queue, type or agent that the rule is for."))
        if "*" in self.queue and not (self.top_queue and "*" not in self.top_queue):
            text = _("An asterisk stands for all queues below one, at the end and after two colons: “Support::*”.")
            raise ValidationError({"queue": text})
        if not self.billable and not self.reason:
            raise ValidationError({"reason": _("Say why this time is not billed.")})
        if self.billable and self.reason:
            raise ValidationError({"reason": _("A reason is for time that is not billed.")})
        if self.valid_to and self.valid_from and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": _("The rule would end before it begins.")})


class FlatFee(models.Model):
    """A line that stands in every order of the agreement, whatever was booked."""

    agreement = models.ForeignKey(
        Agreement, on_delete=models.CASCADE, related_name="flat_fees", verbose_name=_("agreement")
    )
    text = models.CharField(_("text"), max_length=300)
    article_number = models.CharField(_("article number"), max_length=100)
    quantity = models.DecimalField(
        _("quantity"), max_digits=20, decimal_places=5, default=1, validators=[MinValueValidator(Decimal("0.00001"))]
    )
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(
        _("unit price"), max_digits=15, decimal_places=5, validators=[MinValueValidator(Decimal(0))]
    )
    valid_from = models.DateField(
        _("valid from"), default=FROM_THE_BEGINNING, help_text=_("First day of the first period that has it.")
    )
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("Its last day; empty: without end."))

    class Meta:
        ordering = ["agreement", "valid_from", "id"]
        verbose_name = _("recurring line")
        verbose_name_plural = _("recurring lines")
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, unit_price__gte=0), name="flatfee_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="flatfee_ends_after_begin"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        """Only customers with an own agreement have recurring lines."""
        super().clean()
        if self.agreement_id and self.agreement.is_default:
            raise ValidationError(_("The default agreement has no recurring lines: everyone would get them."))
        if self.valid_to and self.valid_from and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": _("The line would end before it begins.")})


class PrepaidBlock(models.Model):
    """Time that a customer has paid before. Its balance is the sum of its movements and never below zero.

    Blocks are used by their start, the first one first, for periods that begin on its last day at the latest.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="prepaid_blocks", verbose_name=_("customer")
    )
    name = models.CharField(_("name"), max_length=200)
    starts = models.DateField(_("starts"))
    expires = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: never expires."))
    carry_over_months = models.PositiveSmallIntegerField(
        _("months of carry-over"),
        default=0,
        validators=[MaxValueValidator(120)],
        help_text=_("So many months after its last day the rest can still be used."),
    )
    balance = models.DecimalField(_("minutes left"), max_digits=14, decimal_places=4, default=0, editable=False)

    class Meta:
        ordering = ["customer", "starts", "id"]
        verbose_name = _("prepaid block")
        verbose_name_plural = _("prepaid blocks")
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="prepaidblock_balance_not_negative"),
            models.CheckConstraint(
                condition=Q(expires__isnull=True) | Q(expires__gte=F("starts")), name="prepaidblock_ends_after_begin"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PrepaidMovement(models.Model):
    """Minutes put into a block or taken out of it, append-only. Minutes are signed: what is used is negative."""

    class Kind(models.TextChoices):
        GRANTED = "granted", _("bought")
        USED = "used", _("used by an order")
        RELEASED = "released", _("given back by an order")
        ADJUSTED = "adjusted", _("adjusted by hand")

    block = models.ForeignKey(PrepaidBlock, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    minutes = models.DecimalField(_("minutes"), max_digits=14, decimal_places=4)
    order_number = models.CharField(
        _("order"), max_length=120, blank=True, help_text=_("Number of the order; a draft may be gone by now.")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("when"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("prepaid movement")
        verbose_name_plural = _("prepaid movements")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["granted", "released"], minutes__gt=0)
                | Q(kind="used", minutes__lt=0)
                | Q(kind="adjusted") & ~Q(minutes=0),
                name="prepaidmovement_sign",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["used", "released"]) & ~Q(order_number="")
                | Q(kind__in=["granted", "adjusted"], order_number=""),
                name="prepaidmovement_order",
            ),
        ]
        indexes = [models.Index(fields=["order_number"], name="prepaidmovement_by_order")]

    def __str__(self) -> str:
        return f"{self.block} {self.minutes}"
