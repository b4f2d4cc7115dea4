"""The words of the mails about registrations, in the active language."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.letters import Letter, address, letter, listed, one_line
from registration.mail_models import RegistrationNotice
from registration.models import RegisteredSystem
from registration.reminders import Kind
from registration.status_texts import expiry

LONGEST_ROW = 600


def reminder_letter(notices: Sequence[RegistrationNotice], *, has_account: bool) -> Letter:
    """One paragraph for each kind, the most urgent first. Who has no account in the portal is given no link to it."""
    count = len({notice.system_id for notice in notices})
    title = ngettext(
        "%(count)d registered system needs attention", "%(count)d registered systems need attention", count
    )
    title %= {"count": count}
    lines = [f"{title}.", ""]
    for kind, heading in _headings().items():
        lines += listed(heading, [_row(notice) for notice in notices if notice.kind == kind], LONGEST_ROW)
    lines.append(
        _("To register a system again: in OTRS under Admin, System Registration, with the OTRS-ID and its password.")
    )
    if has_account:
        lines.append(_("The systems: %(url)s") % {"url": address("registration:systems", state="attention")})
    return letter(title, lines)


def _headings() -> dict[Kind, str]:
    return {
        Kind.CONFLICT: _(
            "Two systems use the same key. Find out which one is the copy, and register the right one again:"
        ),
        Kind.EXPIRED: _(
            "Expired. The next good update makes a system active again; after a conflict register it again:"
        ),
        Kind.SOON: _("Expire within a week, unless an update comes; after a conflict register the system again:"),
        Kind.SILENT: _("No update for two weeks. See whether the system runs and reaches the portal:"),
    }


def _row(notice: RegistrationNotice) -> str:
    system = notice.system
    customer = system.account.customer
    whose = f" ({one_line(f'{customer.customer_id} {customer.name}'.rstrip())})" if customer else ""
    text = _("last update %(last)s, expires %(end)s") % {"last": _day(system.last_ok_at), "end": _day(_end(system))}
    return f"{one_line(str(system))}{whose}: {text}"


def _end(system: RegisteredSystem) -> datetime:
    in_conflict = system.state == RegisteredSystem.State.CONFLICT
    return expiry(last_ok=system.last_ok_at, conflict_at=system.conflict_at if in_conflict else None)


def _day(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATE_FORMAT")
