"""Letters as plain text, in the active language. Names come from elsewhere and stay on one line."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

LONGEST_NAME = 200
MOST_LINES = 50
"""Of one list in a mail; the page has all of them."""


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    body: str


def one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """``text`` without line breaks, control characters and what turns its direction; cut when it is too long."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    line = " ".join(visible.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def address(name: str, *args: int, **query: str) -> str:
    """Absolute, below ``settings.PORTAL_URL``."""
    path = f"{settings.PORTAL_URL.rstrip('/')}{reverse(name, args=args)}"
    return f"{path}?{urlencode(query)}" if query else path


def listed(heading: str, rows: Sequence[str], longest: int) -> list[str]:
    """Nothing for no rows; else the heading, a line for each row and an empty one."""
    if not rows:
        return []
    more = len(rows) - MOST_LINES
    rest = [_("… and %(count)d more.") % {"count": more}] if more > 0 else []
    return [heading, *(f"- {one_line(row, longest)}" for row in rows[:MOST_LINES]), *rest, ""]


def letter(title: str, lines: Iterable[str]) -> Letter:
    """With the portal's name before the subject and a footer."""
    footer = ["", "-- ", _("Sent by the billing portal. Nobody reads answers to this mail.")]
    return Letter(one_line(f"[{_('Billing portal')}] {title}"), "\n".join([*lines, *footer]) + "\n")
