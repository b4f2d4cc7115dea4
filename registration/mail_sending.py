"""The mails about registrations are sent: each once, and telling only what is still so and what the reader may see."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation

from common.letters import Letter
from common.mails import UNNEEDED, Outcome, hand_over, send_waiting
from registration.mail_models import RegistrationMail, RegistrationNotice
from registration.mail_texts import reminder_letter
from registration.models import RegisteredSystem
from registration.reminders import reminder_of


def send_mails(*, clock: Callable[[], datetime], language_of: Callable[[User], str]) -> int:
    """Send what waits, in the language of each reader; returns how many mails the mail server has taken."""

    def send(mail: RegistrationMail) -> Outcome:
        with translation.override(language_of(mail.user) if mail.user else settings.LANGUAGE_CODE):
            letter = _letter(mail, now=clock())
        to = mail.user.email if mail.user else mail.address
        return UNNEEDED if letter is None else hand_over(letter, to=to, name=f"registration-mail-{mail.pk}")

    return send_waiting(RegistrationMail.objects.select_related("user"), clock=clock, send=send)


def _letter(mail: RegistrationMail, *, now: datetime) -> Letter | None:
    """As things are now; ``None`` when there is nothing to tell, or the reader may not see it any more."""
    if mail.user is None:
        systems = RegisteredSystem.objects.filter(account__email__iexact=mail.address, account__active=True)
    elif mail.user.is_active and mail.user.email:
        systems = RegisteredSystem.objects.visible_to(mail.user)
    else:
        return None
    notices = mail.notices.filter(system__in=systems).select_related("system__account__customer").order_by("pk")
    open_ones = [notice for notice in notices if _is_open(notice, now=now)]
    return reminder_letter(open_ones, has_account=mail.user is not None) if open_ones else None


def _is_open(notice: RegistrationNotice, *, now: datetime) -> bool:
    """Nothing was heard of the system since, and nobody has ended it."""
    system = notice.system
    in_conflict = system.state == RegisteredSystem.State.CONFLICT
    if not in_conflict and system.state != RegisteredSystem.State.ACTIVE:
        return False
    found = reminder_of(in_conflict=in_conflict, last_ok=system.last_ok_at, conflict_at=system.conflict_at, now=now)
    return found is not None and found.occasion == notice.occasion
