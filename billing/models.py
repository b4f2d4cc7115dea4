"""Runs, orders and the allocation of time entries to order positions: what we say."""

from decimal import Decimal
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

import billing.settlement_models  # noqa: F401 - so that Django finds it
from billing import run_models  # noqa: F401  # so that Django finds them
from billing.agreement_models import Agreement as Agreement
from billing.agreement_models import FlatFee, RateRule
from billing.erp_models import ErpFinding  # noqa: F401 - Django finds an app's models by its module models
from billing.message_models import OrderMessage  # noqa: F401 - so that Django finds it
from billing.review_models import Adjustment as Adjustment
from common.jobs import Job
from tickets.models import AnyUser, Customer, Ticket, TimeEntry, sees_all_customers


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

    @property
    def done_count(self) -> int:
        """Customers that were brought up to date."""
        return self.orders_new + self.orders_changed + self.orders_unchanged


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
        if sees_all_customers(user):
            return self
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
    month = models.DateField(_("month"), help_text=_("First day of the month, of a quarter's last month"))
    period_start = models.DateField(
        _("start of the period"), help_text=_("First day of the month, of a quarter's first month")
    )
    supplement = models.PositiveSmallIntegerField(
        _("supplement"), default=0, help_text=_("0: the order of the period; 1, 2, ...: what came late to it.")
    )
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
                fields=["customer", "month", "supplement"],
                condition=~Q(state="void"),
                name="order_one_per_customer_and_month",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="order_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(period_start__day=1, period_start__lte=F("month")), name="order_period_ends_with_month"
            ),
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
    """One line of an order. ``amount`` = ``quantity`` x ``unit_price`` less ``discount``, rounded half away from zero.

    Time of one ticket stands in one position; where several rates apply, in one for each. ``quantity`` is what is
    charged: billable minutes less those that are included or prepaid.
    """

    class Kind(models.TextChoices):
        TIME = "time", _("time")
        FLAT = "flat", _("recurring line")
        ROUNDING = "rounding", _("rounding of the order")
        CREDIT = "credit", _("correction")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="positions")
    position = models.PositiveIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TIME)
    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="positions", verbose_name=_("ticket")
    )
    rate_rule = models.ForeignKey(
        RateRule, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("rate rule")
    )
    flat_fee = models.ForeignKey(
        FlatFee, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("recurring line")
    )
    text = models.TextField(_("text"))
    recorded_minutes = models.DecimalField(_("recorded minutes"), max_digits=18, decimal_places=4)
    billable_minutes = models.DecimalField(_("billable minutes"), max_digits=18, decimal_places=4)
    included_minutes = models.DecimalField(_("included minutes"), max_digits=18, decimal_places=4, default=Decimal(0))
    prepaid_minutes = models.DecimalField(_("prepaid minutes"), max_digits=18, decimal_places=4, default=Decimal(0))
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=5)
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(_("unit price"), max_digits=15, decimal_places=5)
    discount = models.DecimalField(_("discount in percent"), max_digits=5, decimal_places=2, default=Decimal(0))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)
    article_number = models.CharField(_("article number"), max_length=100)
    rule = models.JSONField(_("rule"), help_text=_("The agreement's rate and rounding as they were when priced"))

    class Meta:
        ordering = ["order", "position"]
        verbose_name = _("order position")
        verbose_name_plural = _("order positions")
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="orderposition_unique_position"),
            models.UniqueConstraint(
                fields=["order", "ticket"],
                condition=Q(kind="time", rate_rule__isnull=True),
                name="orderposition_one_per_ticket",
            ),
            models.UniqueConstraint(
                fields=["order", "ticket", "rate_rule"],
                condition=Q(kind="time", rate_rule__isnull=False),
                name="orderposition_one_per_ticket_and_rule",
            ),
            models.UniqueConstraint(
                fields=["order", "flat_fee"], condition=Q(kind="flat"), name="orderposition_one_per_flat_fee"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["time", "credit"], ticket__isnull=False, flat_fee__isnull=True)
                | Q(kind="flat", ticket__isnull=True, flat_fee__isnull=False, rate_rule__isnull=True)
                | Q(kind="rounding", ticket__isnull=True, flat_fee__isnull=True),
                name="orderposition_kind_has_what_it_bills",
            ),
            models.CheckConstraint(
                condition=Q(discount__gte=0, discount__lte=100), name="orderposition_discount_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(included_minutes__gte=0, prepaid_minutes__gte=0), name="orderposition_covered_not_negative"
            ),
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
        ADJUSTED = "adjusted", _("changed by a person")
        COMMENTED = "commented", _("comment")
        RETURNED = "returned", _("returned to draft")
        ISSUED = "issued", _("issued")
        EXPORTED = "exported", _("exported")
        DELIVERED = "delivered", _("ticket system")
        VOIDED = "voided", _("voided")
        SETTLED = "settled", _("discrepancies settled")

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


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: AnyUser) -> Self:
        """Files that hold no order but of customers whom the user may see."""
        if sees_all_customers(user):
            return self
        held = Export.orders.through.objects.filter(export=models.OuterRef("pk"))
        foreign = held.exclude(order__in=Order.objects.visible_to(user).values("pk"))
        return self.filter(models.Exists(held), ~models.Exists(foreign))


class Export(models.Model):
    """The exact bytes handed over, with their SHA-256 (hex)."""

    file_name = models.CharField(_("file name"), max_length=200)
    format = models.CharField(_("format"), max_length=20)
    content = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    orders = models.ManyToManyField(Order, related_name="exports")

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("export")
        verbose_name_plural = _("exports")

    def __str__(self) -> str:
        return self.file_name
