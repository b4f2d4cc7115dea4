"""Set-up of who may register ticket systems here. The systems have pages of their own."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from registration.account_forms import AccountForm
from registration.models import Account


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """An account that has registered something cannot be deleted, only be made inactive."""

    form = AccountForm
    list_display = ("otrs_id", "customer", "email", "active", "system_count", "created_at")
    list_filter = ("active",)
    list_select_related = ("customer",)
    search_fields = ("otrs_id", "email", "customer__customer_id", "customer__name")
    autocomplete_fields = ("customer",)
    readonly_fields = ("created_at",)
    fields = ("otrs_id", "new_password", "customer", "email", "active", "note", "created_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Account]":
        accounts: QuerySet[Account] = super().get_queryset(request)
        return accounts.annotate(system_count=Count("systems"))

    @admin.display(description=_("Registered systems"), ordering="system_count")
    def system_count(self, account: Account) -> int:
        return int(account.system_count)  # type: ignore[attr-defined]  # annotated above
