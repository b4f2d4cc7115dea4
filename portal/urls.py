from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import units_views, views

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
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.start, name="start"),
    path("tickets/", include("tickets.urls")),
    path("orders/", include("billing.urls")),
    path("out-of-office/", include("outofoffice.urls")),
    path("reports/", include("portal.reports.urls")),
    path("set-up/units/<int:pk>/", units_views.units, name="units"),
    path("language/", views.choose_language, name="set_language"),
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
]
