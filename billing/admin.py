"""Set-up of agreements; orders, runs, claims and exports can only be looked at."""

from django.contrib import admin

from billing.forms import AgreementForm
from billing.models import Agreement, Allocation, BillingRun, Export, Order, OrderEvent
from common.admin import ReadOnlyAdmin


@admin.register(Agreement)
class AgreementAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = AgreementForm
    list_display = ("__str__", "hourly_rate", "currency", "article_number", "rounding_step", "rounding_mode", "billed")
    list_select_related = ("customer",)
    search_fields = ("customer__customer_id", "customer__name", "erp_customer_number")
    autocomplete_fields = ("customer",)


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
