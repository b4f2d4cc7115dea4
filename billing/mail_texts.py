"""The words of the mails about runs, in the active language. Names come from elsewhere and stay on one line."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import BillingRun, Order
from billing.run_models import RunStart
from common.jobs import Job
from common.templatetags.formats import minutes, money, month_label

LONGEST_NAME = 200
LONGEST_SENTENCE = 1000
MOST_LINES = 50
"""Of one list in a mail; the page has all of them."""


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What waits for one account manager: drafts of the own customers, and time booked late to their orders."""

    drafts: Sequence[Order]
    late_entries: int
    late_minutes: Decimal

    @property
    def is_empty(self) -> bool:
        return not self.drafts and not self.late_entries


def one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """``text`` without line breaks, control characters and what turns its direction; cut when it is too long."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    line = " ".join(visible.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def address(name: str, *args: int, **query: str) -> str:
    """Absolute, below ``settings.PORTAL_URL``."""
    path = f"{settings.PORTAL_URL.rstrip('/')}{reverse(name, args=args)}"
    return f"{path}?{urlencode(query)}" if query else path


def result_letter(start: RunStart) -> Letter:
    """What became of a start, for those who bill."""
    run = start.run
    title = _("Billing run %(month)s, %(scope)s: %(state)s") % {
        "month": month_label(run.month),
        "scope": _scope(run),
        "state": Job.State(start.state).label,
    }
    lines = [f"{title}.", done_and_failed(start.done_count, len(start.failures)), _counts(start), ""]
    heading = _("What needs a person's look:") if start.complete else _("What is missing, or needs a person's look:")
    lines += _listed(heading, start.problems, LONGEST_SENTENCE)
    failed = ["{customer_id} {customer}: {error}".format(**row) for row in start.failures]
    lines += _listed(_("Customers that could not be billed:"), failed, LONGEST_SENTENCE)
    later = [f"{row['customer_id']} {row['customer']}: {_day(row['day'])}" for row in start.left_out]
    lines += _listed(_("Drafted later, by terms of their own:"), later, LONGEST_NAME)
    period = f"{run.month:%Y-%m}"
    lines += [
        _("The run: %(url)s") % {"url": address("billing:run", run.pk)},
        _("The orders: %(url)s") % {"url": address("billing:orders", period=period)},
        _("What stands in no order: %(url)s") % {"url": address("billing:left_out", period=period)},
    ]
    return _letter(title, lines)


def digest_letter(digest: Digest) -> Letter:
    """What waits for an account manager, the own customers only."""
    count = len(digest.drafts)
    title = ngettext("%(count)d draft of your customers waits", "%(count)d drafts of your customers wait", count)
    title %= {"count": count}
    rows = [_draft(order) for order in digest.drafts]
    lines = _listed(f"{title}:", rows, LONGEST_SENTENCE) if rows else [f"{title}.", ""]
    lines += [_("Sum: %(sum)s") % {"sum": total} for total in _sums(digest.drafts)]
    if digest.late_entries:
        text = ngettext(
            "%(count)d entry was booked late to orders of your customers: %(minutes)s minutes.",
            "%(count)d entries were booked late to orders of your customers: %(minutes)s minutes.",
            digest.late_entries,
        )
        lines += ["", text % {"count": digest.late_entries, "minutes": minutes(digest.late_minutes)}]
        lines.append(_("Booked late: %(url)s") % {"url": address("billing:discrepancies", period="all")})
    lines += ["", _("The drafts: %(url)s") % {"url": address("billing:orders", period="all", state="draft")}]
    return _letter(title, lines)


def done_and_failed(done: int, failed: int) -> str:
    """``38 customers done, 2 failed``, a sentence."""
    text = ngettext("%(done)d customer done, %(failed)d failed.", "%(done)d customers done, %(failed)d failed.", done)
    return text % {"done": done, "failed": failed}


def _letter(title: str, lines: Iterable[str]) -> Letter:
    footer = ["", "-- ", _("Sent by the billing portal. Nobody reads answers to this mail.")]
    return Letter(one_line(f"[{_('Billing portal')}] {title}"), "\n".join([*lines, *footer]) + "\n")


def _scope(run: BillingRun) -> str:
    if run.customer is None:
        return _("all customers")
    return one_line(f"{run.customer.customer_id} {run.customer.name}")


def _counts(start: RunStart) -> str:
    text = _(
        "New orders: %(new)d, changed: %(changed)d, unchanged: %(unchanged)d, approved by themselves: %(approved)d."
    )
    return text % {
        "new": start.orders_new,
        "changed": start.orders_changed,
        "unchanged": start.orders_unchanged,
        "approved": start.orders_approved,
    }


def _listed(heading: str, rows: Sequence[str], longest: int) -> list[str]:
    """Nothing for no rows; else the heading, a line for each row and an empty one."""
    if not rows:
        return []
    more = len(rows) - MOST_LINES
    rest = [_("… and %(count)d more.") % {"count": more}] if more > 0 else []
    return [heading, *(f"- {one_line(row, longest)}" for row in rows[:MOST_LINES]), *rest, ""]


def _draft(order: Order) -> str:
    customer = one_line(f"{order.customer.customer_id} {order.customer.name}")
    return f"{order.number}, {customer}: {money(order.net_amount, order.currency)}"


def _sums(drafts: Iterable[Order]) -> list[str]:
    sums: dict[str, Decimal] = {}
    for order in drafts:
        sums[order.currency] = sums.get(order.currency, Decimal(0)) + order.net_amount
    return [money(sums[currency], currency) for currency in sorted(sums)]


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")
