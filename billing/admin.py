"""Set-up of agreements; orders, runs, claims and exports can only be looked at."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.agreement_copies import AgreementRefused, copy_agreement
from billing.agreement_models import FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.field_help import ExplainedForm
from billing.forms import AgreementForm, FlatFeeForm, PrepaidMovementForm, RateRuleForm
from billing.known_names import known_names
from billing.models import Agreement, Allocation, BillingRun, Export, Order, OrderEvent
from billing.prepaid import move
from common.admin import LocksWhatItChanges, ReadOnlyAdmin
from common.months import Month
from common.templatetags import formats


class OffersKnownNames(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """A page with fields of rate rules: the names that the mirror knows are offered in them."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["known_names"] = known_names()
        return super().render_change_form(request, context, *args, **kwargs)


class RateRuleInline(admin.StackedInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = RateRule
    form = RateRuleForm
    extra = 0
    autocomplete_fields = ("agent",)


class FlatFeeInline(admin.StackedInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = FlatFee
    form = FlatFeeForm
    extra = 0


@admin.register(Agreement)
class AgreementAdmin(LocksWhatItChanges, OffersKnownNames):
    form = AgreementForm
    list_display = ("__str__", "valid_from", "valid_to", "rate", "rounding_step", "billed")
    list_filter = ("is_default", "billed", "counting", "period_months")
    list_select_related = ("customer",)
    search_fields = ("customer__customer_id", "customer__name", "erp_customer_number")
    autocomplete_fields = ("customer",)
    inlines = (RateRuleInline, FlatFeeInline)
    actions = ("copy_for_next_month",)
    fieldsets = (
        (None, {"fields": ("is_default", "customer", "valid_from", "valid_to", "billed", "erp_customer_number")}),
        (_("What is billed"), {"fields": ("counting", "period_months", "counting_states")}),
        (_("Price"), {"fields": ("hourly_rate", "currency", "article_number", "unit", "minutes_per_unit", "tax_rate")}),
        (_("Rounding"), {"fields": ("rounding_scope", "rounding_step", "rounding_mode", "minimum_minutes")}),
        (_("Included time"), {"fields": ("included_minutes", "overage_rate")}),
        (_("Runs and approval"), {"fields": ("billing_day", "grace_days", "approves_itself", "needs_second_person")}),
        (_("Text"), {"fields": ("position_text", "seen")}),
        (
            _("Written into the ticket system on issue"),
            {
                "fields": (
                    "note_on_issue",
                    "message_language",
                    "mail_statement",
                    "statement_to",
                    "statement_queue",
                    "statement_customer_user",
                    ("statement_sign", "statement_sign_key"),
                    ("statement_crypt", "statement_crypt_key"),
                )
            },
        ),
    )

    @admin.display(description=_("hourly rate"), ordering="hourly_rate")
    def rate(self, agreement: Agreement) -> str:
        return f"{formats.number(agreement.hourly_rate, 2)} {agreement.currency}"

    @admin.action(description=_("Make a new agreement from next month on"), permissions=["add"])
    def copy_for_next_month(self, request: HttpRequest, queryset: QuerySet[Agreement]) -> None:
        """With the same terms, rules and recurring lines, to be changed then."""
        begins = Month.of(timezone.localdate()).next
        for agreement in queryset:
            try:
                copy_agreement(agreement, begins)
            except AgreementRefused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                done = _("%(agreement)s: new agreement from %(month)s on.") % {"agreement": agreement, "month": begins}
                self.message_user(request, done, messages.SUCCESS)


@admin.register(RateRule)
class RateRuleAdmin(LocksWhatItChanges, OffersKnownNames):
    form = RateRuleForm
    list_display = ("__str__", "agreement", "rate", "billable", "reason", "valid_from", "valid_to")
    list_filter = ("billable",)
    list_select_related = ("agreement__customer", "agent")
    autocomplete_fields = ("agreement", "agent")
    search_fields = ("queue", "service", "type")

    @admin.display(description=_("hourly rate"), ordering="hourly_rate", empty_value="–")
    def rate(self, rule: RateRule) -> str | None:
        return None if rule.hourly_rate is None else formats.number(rule.hourly_rate, 2)


class PrepaidMovementInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = PrepaidMovement
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(PrepaidBlock)
class PrepaidBlockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = ExplainedForm
    list_display = ("name", "customer", "starts", "expires", "carry_over_months", "balance")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    readonly_fields = ("balance",)
    search_fields = ("name", "customer__customer_id", "customer__name")
    inlines = (PrepaidMovementInline,)


@admin.register(PrepaidMovement)
class PrepaidMovementAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Bought or adjusted minutes are entered here; what orders take and give back is written by the ledger."""

    form = PrepaidMovementForm
    list_display = ("at", "block", "kind", "minutes", "order_number", "reason", "user")
    list_filter = ("kind",)
    list_select_related = ("block", "user")
    autocomplete_fields = ("block",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PrepaidMovement, form: Any, change: bool) -> None:
        """Through the ledger, so that the balance follows."""
        written = move(
            obj.block,
            kind=PrepaidMovement.Kind(obj.kind),
            minutes=obj.minutes,
            reason=obj.reason,
            user=request.user,
            now=timezone.now(),
        )
        obj.pk = written.pk


@admin.register(BillingRun)
class BillingRunAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "customer", "state", "complete", "orders_new", "orders_changed", "finished_at")
    list_filter = ("state", "complete")
    list_select_related = ("customer",)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("number", "customer", "month", "state", "net_amount", "currency", "complete")
    list_filter = ("state", "complete")
    list_select_related = ("customer",)
    search_fields = ("number",)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("entry", "position", "minutes", "live")
    list_select_related = ("entry", "position__order")
    search_fields = ("=position__order__number",)
    show_full_result_count = False


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ("order", "kind", "at", "user", "text")
    list_filter = ("kind",)
    list_select_related = ("order", "user")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("file_name", "format", "created_at", "created_by", "sha256")
    list_select_related = ("created_by",)
    exclude = ("content",)
