"""What ``manage.py check`` says about wrong settings."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error


def check_mail(*, app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Links in mails need an address that begins with the portal's."""
    parts = urlsplit(settings.PORTAL_URL)
    if not settings.SENDS_MAIL or (parts.scheme in {"http", "https"} and parts.netloc):
        return []
    hint = "Set it to the address under which people reach the portal, such as https://portal.example.com."
    return [Error("EMAIL_URL is set, but PORTAL_URL is no address for links in mails.", hint=hint, id="portal.E001")]
