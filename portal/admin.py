"""Accounts: an administrator makes them, gives roles and sets new passwords, but cannot give more than that."""

import logging
from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.admin import ReadOnlyAdmin
from portal.api.tokens import revoke_token
from portal.second_factor import has_second_factor
from portal.sessions import end_sessions, live_sessions
from portal.sign_in_services import take_second_factor
from portal.token_models import ApiToken

# Of the sign-in library: what the portal does not use, and what nobody may look into.
for model in (User, Group, EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)
logger = logging.getLogger(__name__)


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Without superuser rights nobody can give those, nor change or delete an account that has them."""

    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (gettext_lazy("Role"), {"fields": ("is_active", "is_staff", "groups")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_in_reach(request, obj)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(reauthentication_required(self.sign_in_page))
        return [path("<int:pk>/sign-in/", page, name="auth_user_sign-in"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            end_sessions(obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """A new password ends what was begun with the old one, at once and not with the next request."""
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            end_sessions(get_object_or_404(User, pk=id), but=request.session.session_key)
        return response

    def sign_in_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Whether there is a second factor and which sessions there are; both can be taken away, neither be used."""
        account = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        if request.method == "POST":
            self._act(request, account, action=request.POST.get("action", ""))
            return redirect("admin:auth_user_sign-in", pk)
        context = self.admin_site.each_context(request) | {
            "title": _("Second factor and sessions of %(user)s") % {"user": account},
            "account": account,
            "has_second_factor": has_second_factor(account),
            "sessions": live_sessions(account, now=timezone.now()),
        }
        return render(request, "admin/auth/user/sign_in.html", context)

    def _act(self, request: HttpRequest, account: User, *, action: str) -> None:
        values = {"user": account, "by": request.user}
        if action == "second-factor" and take_second_factor(account, request=request):
            sentence = _("%(by)s has taken away the second factor of %(user)s; all sessions were ended.") % values
        elif action == "sessions":
            ended = end_sessions(account)
            text = ngettext(
                "%(by)s has ended %(count)d session of %(user)s.",
                "%(by)s has ended %(count)d sessions of %(user)s.",
                ended,
            )
            sentence = text % (values | {"count": ended})
        else:
            return
        self.log_change(request, account, sentence)
        logger.warning("sign-in: %s", sentence)
        messages.success(request, sentence)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """The roles come with the portal; see ``portal.roles``."""

    list_display = ("name",)
    fields = ("name",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are made by their users; here those of others are revoked. They go with their user's account."""

    list_display = ("name", "user", "beginning", "scopes", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "prefix")
    fields = (*list_display, "created_at", "revoked_by")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("portal.revoke_apitoken"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only together with an account."""
        match = request.resolver_match
        goes_with_account = match is not None and (match.url_name or "").startswith("auth_user_")
        return goes_with_account and bool(request.user.has_perm("auth.delete_user"))

    @admin.action(description=gettext_lazy("Revoke the chosen tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        count = sum(revoke_token(token, by=cast(User, request.user), now=timezone.now()) for token in tokens)
        self.message_user(request, _("Tokens revoked: %(count)d") % {"count": count})


def _is_in_reach(request: HttpRequest, account: User | None) -> bool:
    return account is None or not account.is_superuser or bool(getattr(request.user, "is_superuser", False))
