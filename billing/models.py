"""Agreements, runs, orders and the allocation of time entries to order positions: what we say."""

from decimal import Decimal
from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.erp_models import ErpFinding  # noqa: F401 - Django finds an app's models by its module models
from common.jobs import Job
from tickets.models import AnyUser, Customer, Ticket, TimeEntry

DEFAULT_POSITION_TEXT = "Nummer: {number} Titel: {title} Erfasste Zeit: {minutes} min"


class Agreement(models.Model):
    """What one customer has agreed to pay; the default agreement serves everyone without an own one."""

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
    customer = models.OneToOneField(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="agreement", verbose_name=_("customer")
    )
    billed = models.BooleanField(_("is billed"), default=True)
    erp_customer_number = models.CharField(
        _("customer number in the ERP"), max_length=100, blank=True, help_text=_("Empty: the CustomerID is used.")
    )
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
        _("rounding of each ticket"), choices=RoundingStep, default=RoundingStep.FIFTEEN
    )
    rounding_mode = models.CharField(_("rounding mode"), max_length=10, choices=RoundingMode, default=RoundingMode.UP)
    position_text = models.TextField(_("text of a position"), default=DEFAULT_POSITION_TEXT)

    class Meta:
        ordering = ["-is_default", "customer"]
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="agreement_one_default"),
            models.CheckConstraint(
                condition=Q(is_default=True, customer__isnull=True) | Q(is_default=False, customer__isnull=False),
                name="agreement_default_or_customer",
            ),
            models.CheckConstraint(condition=Q(hourly_rate__gte=0), name="agreement_hourly_rate_not_negative"),
            models.CheckConstraint(condition=Q(minutes_per_unit__gt=0), name="agreement_minutes_per_unit_positive"),
        ]

    def __str__(self) -> str:
        return str(self.customer) if self.customer else str(_("default agreement"))


class BillingRun(Job):
    """One month billed, for all customers or for one. A second start continues the first."""

    month = models.DateField(_("month"), help_text=_("First day of the month"))
    customer = models.ForeignKey(
        Customer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="billing_runs",
        verbose_name=_("customer"),
    )
    reads_first = models.BooleanField(
        _("reads the ticket systems first"), default=True, help_text=_("Otherwise the mirror is taken as it stands.")
    )
    requested_at = models.DateTimeField(
        _("requested"), default=timezone.now, help_text=_("A resumed run reads no ticket system twice since then.")
    )
    orders_new = models.PositiveIntegerField(_("new orders"), default=0)
    orders_changed = models.PositiveIntegerField(_("changed orders"), default=0)
    orders_unchanged = models.PositiveIntegerField(_("unchanged orders"), default=0)
    failures = models.JSONField(
        _("failures"), default=list, help_text=_("Customers that could not be billed: customer, customer_id, error")
    )
    problems = models.JSONField(_("problems"), default=list, help_text=_("Why the data are not complete"))

    class Meta:
        ordering = ["-month", "-created_at"]
        verbose_name = _("billing run")
        verbose_name_plural = _("billing runs")
        permissions = [("run_billing", "Can run billing, approve and export orders")]
        constraints = [
            models.UniqueConstraint(
                fields=["month"], condition=Q(customer__isnull=True), name="billingrun_one_for_all_customers"
            ),
            models.UniqueConstraint(
                fields=["month", "customer"], condition=Q(customer__isnull=False), name="billingrun_one_per_customer"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="billingrun_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(complete=False) | Q(state=Job.State.DONE), name="billingrun_complete_only_when_done"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"

    def get_absolute_url(self) -> str:
        return reverse("billing:run", args=[self.pk])


class ClosedMonth(models.Model):
    """The books of this month are closed: no run drafts or changes its orders until somebody re-opens it."""

    month = models.DateField(_("month"), help_text=_("First day of the month"))
    closed_at = models.DateTimeField(_("closed"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reopened_at = models.DateTimeField(_("re-opened"), null=True, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(_("reason for re-opening"), blank=True)

    class Meta:
        ordering = ["-closed_at", "-id"]
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        constraints = [
            models.UniqueConstraint(
                fields=["month"], condition=Q(reopened_at__isnull=True), name="closedmonth_closed_once"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="closedmonth_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(reopened_at__isnull=True, reason="") | (Q(reopened_at__isnull=False) & ~Q(reason="")),
                name="closedmonth_reopened_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class NumberRange(models.Model):
    """The document numbers given so far in one year. Its row is locked while numbers are given."""

    year = models.PositiveSmallIntegerField(_("year"), unique=True)
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("number range")
        verbose_name_plural = _("number ranges")

    def __str__(self) -> str:
        return str(self.year)


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def not_void(self) -> Self:
        return self.exclude(state=Order.State.VOID)


class Order(models.Model):
    """One order of one customer for one month. Only drafts ever change.

    An order that was issued stays for ever: to correct it, it is voided, and a new one refers to it.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        ISSUED = "issued", _("issued")
        EXPORTED = "exported", _("exported")
        VOID = "void", _("void")

    number = models.CharField(
        _("number"), max_length=120, unique=True, help_text=_("Stable from the first draft on; the ERP sees it too.")
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders", verbose_name=_("customer"))
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="orders")
    month = models.DateField(_("month"), help_text=_("First day of the month"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    complete = models.BooleanField(_("from complete data"), default=False)
    erp_customer_number = models.CharField(_("customer number in the ERP"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3)
    tax_rate = models.DecimalField(_("tax rate in percent"), max_digits=5, decimal_places=2)
    recorded_minutes = models.DecimalField(_("recorded minutes"), max_digits=18, decimal_places=4, default=0)
    billable_minutes = models.DecimalField(_("billable minutes"), max_digits=18, decimal_places=4, default=0)
    net_amount = models.DecimalField(_("net amount"), max_digits=14, decimal_places=2, default=0)
    created_at = models.DateTimeField(_("created"))
    changed_at = models.DateTimeField(_("changed"))
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    document_number = models.CharField(
        _("document number"),
        max_length=30,
        null=True,
        blank=True,
        help_text=_("From a range without gaps, given when the order is issued."),
    )
    issued_at = models.DateTimeField(_("issued"), null=True, blank=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    voided_at = models.DateTimeField(_("voided"), null=True, blank=True)
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    void_reason = models.TextField(_("why it was voided"), blank=True)
    correction_of = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="correction",
        verbose_name=_("takes the place of"),
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-month", "number"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "month"], condition=~Q(state="void"), name="order_one_per_customer_and_month"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="order_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(state="draft", approved_at__isnull=True)
                | (~Q(state="draft") & Q(approved_at__isnull=False)),
                name="order_approved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(complete=True), name="order_leaves_draft_only_when_complete"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "approved"], document_number__isnull=True, issued_at__isnull=True)
                | Q(state__in=["issued", "exported", "void"], document_number__isnull=False, issued_at__isnull=False),
                name="order_number_from_issue_on",
            ),
            # With a condition it is no key to PostgreSQL, so giving a number waits for nobody who refers to the order.
            models.UniqueConstraint(
                fields=["document_number"],
                condition=Q(document_number__isnull=False),
                name="order_unique_document_number",
            ),
            models.CheckConstraint(
                condition=Q(state="void", voided_at__isnull=False) & ~Q(void_reason="")
                | ~Q(state="void") & Q(voided_at__isnull=True, void_reason=""),
                name="order_void_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:order", args=[self.pk])


class OrderPosition(models.Model):
    """One ticket in an order. ``amount`` = ``quantity`` x ``unit_price``, rounded half away from zero to cents."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="positions")
    position = models.PositiveIntegerField(_("position"))
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="positions", verbose_name=_("ticket"))
    text = models.TextField(_("text"))
    recorded_minutes = models.DecimalField(_("recorded minutes"), max_digits=18, decimal_places=4)
    billable_minutes = models.DecimalField(_("billable minutes"), max_digits=18, decimal_places=4)
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=5)
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(_("unit price"), max_digits=15, decimal_places=5)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)
    article_number = models.CharField(_("article number"), max_length=100)
    rule = models.JSONField(_("rule"), help_text=_("The agreement's rate and rounding as they were when priced"))

    class Meta:
        ordering = ["order", "position"]
        verbose_name = _("order position")
        verbose_name_plural = _("order positions")
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="orderposition_unique_position"),
            models.UniqueConstraint(fields=["order", "ticket"], name="orderposition_one_per_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.order.number}/{self.position}"


class Allocation(models.Model):
    """This entry is billed by that position. The database lets an entry stand in one live position only."""

    entry = models.ForeignKey(TimeEntry, on_delete=models.PROTECT, related_name="allocations")
    position = models.ForeignKey(OrderPosition, on_delete=models.CASCADE, related_name="allocations")
    minutes = models.DecimalField(_("minutes"), max_digits=14, decimal_places=4)
    live = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [
            models.UniqueConstraint(fields=["entry"], condition=Q(live=True), name="allocation_entry_billed_once"),
            models.UniqueConstraint(fields=["entry", "position"], name="allocation_entry_once_per_position"),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} -> {self.position_id}"


class OrderEvent(models.Model):
    """What happened to an order, append-only."""

    class Kind(models.TextChoices):
        DRAFTED = "drafted", _("drafted")
        CHANGED = "changed", _("draft changed by a run")
        APPROVED = "approved", _("approved")
        RETURNED = "returned", _("returned to draft")
        ISSUED = "issued", _("issued")
        EXPORTED = "exported", _("exported")
        VOIDED = "voided", _("voided")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"{self.order.number} {self.kind}"


class Export(models.Model):
    """The exact bytes handed over, with their SHA-256 (hex)."""

    file_name = models.CharField(_("file name"), max_length=200)
    format = models.CharField(_("format"), max_length=20)
    content = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    orders = models.ManyToManyField(Order, related_name="exports")

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("export")
        verbose_name_plural = _("exports")

    def __str__(self) -> str:
        return self.file_name
