"""Every address of the portal and what pages are made of, for the tests that walk over all of them."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from django.urls import URLPattern, URLResolver, get_resolver

from tests.pages.world import World

FOR_MACHINES = {"healthz", "readyz", "metrics"}
MACHINES = {"registration:endpoint", "registration:endpoint_own"}
"""What ticket systems ask: without a session, so without the token that protects one."""
API_OF_EVERYBODY = {"api:documentation", "api:openapi"}
"""The other addresses of the API are asked with tokens, not with sessions; ``tests/api`` walks over them."""
SIGN_IN = {"account_login", "account_signup", "account_inactive", "set_language", "account_logout", "mfa_authenticate"}
PUBLIC = SIGN_IN | MACHINES | FOR_MACHINES | {"api:openapi"}
FILES = {
    "billing:stored_file",
    "outofoffice:template",
    "outofoffice:refused",
    "outofoffice:original",
    "mfa_download_recovery_codes",
    "api:openapi",
} | FOR_MACHINES
"""Downloads and what machines ask for: what stands in them is not read by a browser."""


@dataclass(frozen=True)
class Address:
    """``name`` is the URL's; ``posts`` says that only POST is answered there."""

    name: str
    path: str
    posts: bool = False


def addresses(world: World) -> list[Address]:
    """Every page of the portal, set-up pages excepted, with the first customer's objects."""
    order, ticket, run, saved = world.order.pk, world.ticket.pk, world.run.pk, world.saved.pk
    reading = world.system.sync_runs.latest("pk").pk
    upload = f"/out-of-office/uploads/{world.upload.pk}/"
    return [
        Address("start", "/"),
        Address("work", "/work-list/"),
        Address("hide_checklist", "/first-steps/hide/", posts=True),
        Address("help", "/help/"),
        Address("help_document", "/help/billing-rules/"),
        Address("tickets:list", "/tickets/"),
        Address("tickets:ticket", f"/tickets/{ticket}/"),
        Address("tickets:add_note", f"/tickets/{ticket}/note/"),
        Address("tickets:choose_customer", "/tickets/new/"),
        Address("tickets:new_ticket", f"/tickets/new/{world.customer.pk}/"),
        Address("tickets:outbox", "/tickets/written/"),
        Address("tickets:written", f"/tickets/written/{world.note.pk}/"),
        Address("tickets:write_again", f"/tickets/written/{world.note.pk}/again/", posts=True),
        Address("tickets:reconciliation", "/tickets/reconciliation/"),
        Address("tickets:readings", "/tickets/readings/"),
        Address("tickets:reading", f"/tickets/readings/{reading}/"),
        Address("tickets:stop_reading", f"/tickets/readings/{reading}/stop/", posts=True),
        Address("tickets:read_now", f"/tickets/readings/systems/{world.system.pk}/", posts=True),
        Address("tickets:accept_losses", f"/tickets/readings/systems/{world.system.pk}/losses/?month=2026-10"),
        Address("tickets:quality", "/tickets/quality/"),
        Address("tickets:quality_check", "/tickets/quality/open-tickets/"),
        Address("billing:orders", "/orders/"),
        Address("billing:order", f"/orders/{order}/"),
        Address("billing:statement", f"/orders/{order}/statement/", posts=True),
        Address("billing:comment", f"/orders/{order}/comment/", posts=True),
        Address("billing:message_retry", f"/orders/{order}/messages/{world.message.pk}/retry/", posts=True),
        Address("billing:message_settle", f"/orders/{order}/messages/{world.message.pk}/settle/", posts=True),
        Address("billing:change", f"/orders/{order}/lines/t{ticket}/"),
        Address("billing:undo", f"/orders/{order}/lines/t{ticket}/undo/", posts=True),
        Address("billing:return", f"/orders/{order}/return/"),
        Address("billing:void", f"/orders/{order}/void/"),
        Address("billing:approve", "/orders/approve/", posts=True),
        Address("billing:issue", "/orders/issue/", posts=True),
        Address("billing:close", "/orders/close/", posts=True),
        Address("billing:reopen", "/orders/reopen/"),
        Address("billing:export", "/orders/export/", posts=True),
        Address("billing:agreements", "/orders/agreements/"),
        Address("billing:agreement", f"/orders/agreements/{world.customer.pk}/"),
        Address("billing:exports", "/orders/exports/"),
        Address("billing:stored_file", f"/orders/exports/{world.export.pk}/"),
        Address("billing:left_out", "/orders/left-out/"),
        Address("billing:trial", "/orders/try-out/"),
        Address("billing:discrepancies", "/orders/discrepancies/"),
        Address("billing:settle", "/orders/discrepancies/settle/", posts=True),
        Address("billing:take_back", "/orders/discrepancies/take-back/"),
        Address("billing:kivitendo", "/orders/kivitendo/"),
        Address("billing:kivitendo_refresh", "/orders/kivitendo/refresh/", posts=True),
        Address("billing:kivitendo_orders", "/orders/kivitendo/orders/"),
        Address("billing:kivitendo_look", "/orders/kivitendo/look/", posts=True),
        Address("billing:runs", "/orders/runs/"),
        Address("billing:start", "/orders/runs/start/", posts=True),
        Address("billing:run", f"/orders/runs/{run}/"),
        Address("billing:retry", f"/orders/runs/{run}/retry/", posts=True),
        Address("billing:cancel", f"/orders/runs/{run}/cancel/", posts=True),
        Address("billing:run_progress", f"/orders/runs/{run}/progress/"),
        Address("search:results", "/search/"),
        Address("search:suggest", "/search/suggest/"),
        Address("preferences", "/preferences/"),
        Address("kept_input", "/kept/"),
        Address("reports:report", "/reports/"),
        Address("reports:entries", "/reports/entries/"),
        Address("reports:pivot", "/reports/pivot/"),
        Address("reports:charts", "/reports/charts/"),
        Address("reports:mine", "/reports/mine/"),
        Address("reports:without_time", "/reports/without-time/"),
        Address("save_filter", "/filters/save/", posts=True),
        Address("default_filter", f"/filters/{saved}/default/", posts=True),
        Address("rename_filter", f"/filters/{saved}/name/", posts=True),
        Address("delete_filter", f"/filters/{saved}/delete/", posts=True),
        Address("styleguide", "/styleguide/"),
        Address("outofoffice:index", "/out-of-office/"),
        Address("outofoffice:template", "/out-of-office/template/"),
        Address("outofoffice:calendar", "/out-of-office/calendar/"),
        Address("outofoffice:upload", upload),
        Address("outofoffice:progress", f"{upload}progress/"),
        Address("outofoffice:refused", f"{upload}refused/"),
        Address("outofoffice:original", f"{upload}original/"),
        Address("outofoffice:confirm", f"{upload}confirm/", posts=True),
        Address("outofoffice:repeat", f"{upload}repeat/", posts=True),
        Address("outofoffice:stop", f"{upload}stop/", posts=True),
        Address("outofoffice:clear", f"{upload}clear/", posts=True),
        Address("registration:endpoint", "/otrs/public.pl", posts=True),
        Address("registration:endpoint_own", "/registration/public.pl", posts=True),
        Address("own_registration:own", "/registration/own/"),
        Address("own_registration:register", "/registration/own/register/", posts=True),
        Address("own_registration:update", "/registration/own/update/", posts=True),
        Address("own_registration:deregister", "/registration/own/deregister/", posts=True),
        Address("registration:systems", "/registration/"),
        Address("registration:system", f"/registration/{world.registered.pk}/"),
        Address("registration:texts", f"/registration/{world.registered.pk}/texts/", posts=True),
        Address("registration:retire", f"/registration/{world.registered.pk}/retire/"),
        Address("api:documentation", "/api/v1/docs/"),
        Address("api:openapi", "/api/v1/openapi.json"),
        Address("api_tokens", "/api-tokens/"),
        Address("revoke_api_token", f"/api-tokens/{world.api_token.pk}/revoke/", posts=True),
        Address("units", f"/set-up/units/{world.system.pk}/"),
        Address("audit:log", "/audit/"),
        Address("health", "/health/"),
        Address("mails", "/health/mails/"),
        Address("test_mail", "/health/mails/test/", posts=True),
        Address("healthz", "/healthz"),
        Address("readyz", "/readyz"),
        Address("metrics", "/metrics"),
        Address("set_language", "/language/", posts=True),
        Address("account_login", "/accounts/login/"),
        Address("account_logout", "/accounts/logout/"),
        Address("account_signup", "/accounts/signup/"),
        Address("account_inactive", "/accounts/inactive/"),
        Address("account_reauthenticate", "/accounts/reauthenticate/"),
        Address("account_change_password", "/accounts/password/change/"),
        Address("account_sessions", "/accounts/sessions/"),
        Address("mfa_index", "/accounts/second-factor/"),
        Address("mfa_authenticate", "/accounts/second-factor/code/"),
        Address("mfa_reauthenticate", "/accounts/second-factor/confirm/"),
        Address("mfa_activate_totp", "/accounts/second-factor/set-up/"),
        Address("mfa_deactivate_totp", "/accounts/second-factor/switch-off/"),
        Address("mfa_view_recovery_codes", "/accounts/second-factor/recovery/"),
        Address("mfa_generate_recovery_codes", "/accounts/second-factor/recovery/new/"),
        Address("mfa_download_recovery_codes", "/accounts/second-factor/recovery/file/"),
    ]


def names_in_use() -> set[str]:
    """The names of all URL patterns but those of the set-up pages and those that ask for a token."""
    names = set(_names(get_resolver().url_patterns, ""))
    return {name for name in names if not name.startswith("api:") or name in API_OF_EVERYBODY}


def _names(patterns: list[URLPattern | URLResolver], space: str) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                names += _names(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            names.append(f"{space}{pattern.name}")
    return names


class Inline(HTMLParser):
    """Collects what a strict content security policy would not run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(f"<{tag}>")
        self.found += [name for name, value in attrs if name == "style" or re.match(r"on|hx-on", name)]
        self.found += [f"{tag} {value}" for value in names.values() if (value or "").startswith("javascript:")]


def inline_parts(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found
