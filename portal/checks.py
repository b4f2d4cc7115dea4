"""What ``manage.py check`` says about wrong settings."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from generic_interface.errors import WrongRequest
from portal.roles import NAMES_OF_ROLES
from portal.sentry import is_installed
from tickets.hosts import allowed_hosts


def check_mail(*, app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Links in mails need an address that begins with the portal's."""
    parts = urlsplit(settings.PORTAL_URL)
    if not settings.SENDS_MAIL or (parts.scheme in {"http", "https"} and parts.netloc):
        return []
    hint = "Set it to the address under which people reach the portal, such as https://portal.example.com."
    return [Error("EMAIL_URL is set, but PORTAL_URL is no address for links in mails.", hint=hint, id="portal.E001")]


def check_sentry(*, app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Who asks for reports of errors should not believe that they come when they cannot."""
    if not settings.SENTRY_DSN or is_installed():
        return []
    hint = "Install it with: uv sync --frozen --inexact --extra sentry"
    return [Error("SENTRY_DSN is set, but the package sentry-sdk is not installed.", hint=hint, id="portal.E002")]


def check_second_factor(*, app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A role that is misspelt would go without; that nobody needs a second factor should be known."""
    names = settings.SECOND_FACTOR_REQUIRED_FOR
    hint = f"Name roles, separated by commas: {', '.join(sorted(NAMES_OF_ROLES))}."
    unknown = [name for name in names if name not in NAMES_OF_ROLES]
    if unknown:
        text = f"SECOND_FACTOR_REQUIRED_FOR names no role: {', '.join(unknown)}."
        return [Error(text, hint=hint, id="portal.E010")]
    if settings.HTTPS and not names:
        text = "SECOND_FACTOR_REQUIRED_FOR is empty: a stolen password is enough to reach everything."
        return [CheckWarning(text, hint=hint, id="portal.W010")]
    return []


def check_ticket_system_hosts(*, app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """An empty list lets installations from before it go on; in production somebody should be told."""
    try:
        allowed = allowed_hosts()
    except WrongRequest as error:
        return [Error(str(error), id="portal.E003")]
    if allowed.origins or not settings.HTTPS or settings.DEBUG:
        return []
    hint = "Set it to the addresses of your ticket systems, such as https://help.example.org, separated by commas."
    text = "TICKET_SYSTEM_HOSTS is empty: whoever may set up ticket systems can have any host of the network asked."
    return [CheckWarning(text, hint=hint, id="portal.W001")]
