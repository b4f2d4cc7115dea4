from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import never_cache

from portal import (
    held_views,
    mail_views,
    preference_views,
    saved_views,
    sign_in_views,
    styleguide,
    token_views,
    units_views,
    views,
)
from portal.health import views as health_views
from portal.help import views as help_views

admin.autodiscover()
admin.site.site_title = admin.site.site_header = views.SITE_HEADER
admin.site.index_title = views.SET_UP
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # the way allauth documents

# Of allauth only the pages that the portal offers. Whoever forgot the password gets a new one from an administrator,
# so nothing here depends on mail.
accounts: list[URLPattern] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("signup/", account.signup, name="account_signup"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("sessions/", sign_in_views.sessions, name="account_sessions"),
    path("second-factor/", mfa.index, name="mfa_index"),
    path("second-factor/code/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/confirm/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("second-factor/set-up/", never_cache(sign_in_views.set_up_second_factor), name="mfa_activate_totp"),
    path("second-factor/switch-off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("second-factor/recovery/", never_cache(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("second-factor/recovery/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("second-factor/recovery/file/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
]

handler500 = views.server_error

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.start, name="start"),
    path("work-list/", views.work, name="work"),
    path("first-steps/hide/", views.hide_checklist, name="hide_checklist"),
    path("help/", help_views.documents, name="help"),
    path("help/<slug:name>/", help_views.document, name="help_document"),
    path("tickets/", include("tickets.urls")),
    path("orders/", include("billing.urls")),
    path("out-of-office/", include("outofoffice.urls")),
    path("registration/own/", include("registration.own_urls")),
    path("", include("registration.urls")),
    path("search/", include("portal.search.urls")),
    path("kept/", held_views.kept, name="kept_input"),
    path("preferences/", preference_views.preferences, name="preferences"),
    path("reports/", include("portal.reports.urls")),
    path("set-up/units/<int:pk>/", units_views.units, name="units"),
    path("filters/save/", saved_views.save, name="save_filter"),
    path("filters/<int:pk>/default/", saved_views.make_default, name="default_filter"),
    path("filters/<int:pk>/name/", saved_views.give_name, name="rename_filter"),
    path("filters/<int:pk>/delete/", saved_views.delete, name="delete_filter"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("api/v1/", include("portal.api.urls")),
    path("api-tokens/", token_views.tokens, name="api_tokens"),
    path("api-tokens/<int:pk>/revoke/", token_views.revoke, name="revoke_api_token"),
    path("audit/", include("audit.urls")),
    path("health/", health_views.health, name="health"),
    path("health/mails/", mail_views.mails, name="mails"),
    path("health/mails/test/", mail_views.test_mail, name="test_mail"),
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("metrics", health_views.metrics, name="metrics"),
    path("language/", views.choose_language, name="set_language"),
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
]
