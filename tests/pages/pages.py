"""Every address of the portal and what pages are made of, for the tests that walk over all of them."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from django.urls import URLPattern, URLResolver, get_resolver

from tests.pages.world import World

PUBLIC = {"account_login", "account_signup", "account_inactive", "set_language", "account_logout"}
FILES = {"outofoffice:template", "outofoffice:refused", "outofoffice:original"}
"""Downloads: what stands in them is not read by a browser."""


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
        Address("tickets:list", "/tickets/"),
        Address("tickets:ticket", f"/tickets/{ticket}/"),
        Address("tickets:reconciliation", "/tickets/reconciliation/"),
        Address("tickets:readings", "/tickets/readings/"),
        Address("tickets:reading", f"/tickets/readings/{reading}/"),
        Address("tickets:read_now", f"/tickets/readings/systems/{world.system.pk}/", posts=True),
        Address("tickets:quality", "/tickets/quality/"),
        Address("tickets:quality_check", "/tickets/quality/open-tickets/"),
        Address("billing:orders", "/orders/"),
        Address("billing:order", f"/orders/{order}/"),
        Address("billing:statement", f"/orders/{order}/statement/", posts=True),
        Address("billing:comment", f"/orders/{order}/comment/", posts=True),
        Address("billing:change", f"/orders/{order}/lines/t{ticket}/"),
        Address("billing:undo", f"/orders/{order}/lines/t{ticket}/undo/", posts=True),
        Address("billing:return", f"/orders/{order}/return/"),
        Address("billing:void", f"/orders/{order}/void/"),
        Address("billing:approve", "/orders/approve/", posts=True),
        Address("billing:issue", "/orders/issue/", posts=True),
        Address("billing:close", "/orders/close/", posts=True),
        Address("billing:reopen", "/orders/reopen/"),
        Address("billing:export", "/orders/export/", posts=True),
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
        Address("reports:report", "/reports/"),
        Address("reports:entries", "/reports/entries/"),
        Address("reports:pivot", "/reports/pivot/"),
        Address("reports:charts", "/reports/charts/"),
        Address("reports:mine", "/reports/mine/"),
        Address("reports:save_filter", "/reports/filters/save/", posts=True),
        Address("reports:default_filter", f"/reports/filters/{saved}/default/", posts=True),
        Address("reports:delete_filter", f"/reports/filters/{saved}/delete/", posts=True),
        Address("outofoffice:index", "/out-of-office/"),
        Address("outofoffice:template", "/out-of-office/template/"),
        Address("outofoffice:calendar", "/out-of-office/calendar/"),
        Address("outofoffice:upload", upload),
        Address("outofoffice:progress", f"{upload}progress/"),
        Address("outofoffice:refused", f"{upload}refused/"),
        Address("outofoffice:original", f"{upload}original/"),
        Address("outofoffice:confirm", f"{upload}confirm/", posts=True),
        Address("outofoffice:repeat", f"{upload}repeat/", posts=True),
        Address("outofoffice:clear", f"{upload}clear/", posts=True),
        Address("units", f"/set-up/units/{world.system.pk}/"),
        Address("set_language", "/language/", posts=True),
        Address("account_login", "/accounts/login/"),
        Address("account_logout", "/accounts/logout/"),
        Address("account_signup", "/accounts/signup/"),
        Address("account_inactive", "/accounts/inactive/"),
        Address("account_reauthenticate", "/accounts/reauthenticate/"),
        Address("account_change_password", "/accounts/password/change/"),
    ]


def names_in_use() -> set[str]:
    """The names of all URL patterns but those of the set-up pages."""
    return set(_names(get_resolver().url_patterns, ""))


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
