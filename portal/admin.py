"""Accounts: an administrator makes them, gives roles and sets new passwords, but cannot give more than that."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)  # of the sign-in library; the portal uses none of them


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Without superuser rights nobody can give those, nor change or delete an account that has them."""

    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Role"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_in_reach(request, obj)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """The roles come with the portal; see ``portal.roles``."""

    list_display = ("name",)
    fields = ("name",)


def _is_in_reach(request: HttpRequest, account: User | None) -> bool:
    return account is None or not account.is_superuser or bool(getattr(request.user, "is_superuser", False))
