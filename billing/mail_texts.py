"""The words of the mails about runs, in the active language. Names come from elsewhere and stay on one line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import BillingRun, Order
from billing.run_models import RunStart
from common.jobs import Job
from common.letters import LONGEST_NAME, MOST_LINES, Letter, address, letter, listed, one_line
from common.templatetags.formats import minutes, money, month_label

LONGEST_SENTENCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What waits for one account manager: drafts of the own customers, and time booked late to their orders."""

    drafts: Sequence[Order]
    late_entries: int
    late_minutes: Decimal

    @property
    def is_empty(self) -> bool:
        return not self.drafts and not self.late_entries


def result_letter(starts: Sequence[RunStart]) -> Letter:
    """What became of the starts of one pass of the scheduler, for those who bill."""
    if len(starts) == 1:
        return letter(_title(starts[0]), _result(starts[0]))
    not_done = sum(not start.complete for start in starts)
    title = ngettext("%(count)d billing run", "%(count)d billing runs", len(starts)) % {"count": len(starts)}
    ending = ngettext("%(count)d not complete", "%(count)d not complete", not_done) % {"count": not_done}
    title = f"{title}, {ending}" if not_done else f"{title}, {_('all complete')}"
    blocks = ["\n".join(_result(start)) for start in starts[:MOST_LINES]]
    more = len(starts) - MOST_LINES
    rest = [_("… and %(count)d more.") % {"count": more}, address("billing:runs")] if more > 0 else []
    return letter(title, [f"{title}.", "", "\n\n".join(blocks), *rest])


def _title(start: RunStart) -> str:
    return _("Billing run %(month)s, %(scope)s: %(state)s") % {
        "month": month_label(start.run.month),
        "scope": _scope(start.run),
        "state": Job.State(start.state).label,
    }


def _result(start: RunStart) -> list[str]:
    """The lines about one start."""
    run, title = start.run, _title(start)
    lines = [f"{title}.", done_and_failed(start.done_count, len(start.failures)), _counts(start), ""]
    heading = _("What needs a person's look:") if start.complete else _("What is missing, or needs a person's look:")
    lines += listed(heading, start.problems, LONGEST_SENTENCE)
    failed = ["{customer_id} {customer}: {error}".format(**row) for row in start.failures]
    lines += listed(_("Customers that could not be billed:"), failed, LONGEST_SENTENCE)
    later = [f"{row['customer_id']} {row['customer']}: {_day(row['day'])}" for row in start.left_out]
    lines += listed(_("Drafted later, by terms of their own:"), later, LONGEST_NAME)
    period = f"{run.month:%Y-%m}"
    lines += [
        _("The run: %(url)s") % {"url": address("billing:run", run.pk)},
        _("The orders: %(url)s") % {"url": address("billing:orders", period=period)},
        _("What stands in no order: %(url)s") % {"url": address("billing:left_out", period=period)},
    ]
    return lines


def digest_letter(digest: Digest) -> Letter:
    """What waits for an account manager, the own customers only."""
    count = len(digest.drafts)
    title = ngettext("%(count)d draft of your customers waits", "%(count)d drafts of your customers wait", count)
    title %= {"count": count}
    rows = [_draft(order) for order in digest.drafts]
    lines = listed(f"{title}:", rows, LONGEST_SENTENCE) if rows else [f"{title}.", ""]
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
    return letter(title, lines)


def done_and_failed(done: int, failed: int) -> str:
    """``38 customers done, 2 failed``, a sentence."""
    text = ngettext("%(done)d customer done, %(failed)d failed.", "%(done)d customers done, %(failed)d failed.", done)
    return text % {"done": done, "failed": failed}


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
