"""Mails as administrators look at them: what is set up, which were not sent, and one to try it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import PermissionsMixin, User
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.run_models import RunMail
from common.letters import Letter
from common.mails import Mail, Outcome, hand_over
from portal.health.access import PERMISSION
from portal.languages import language_of
from registration.mail_models import RegistrationMail
from tickets.models import AnyUser

REMEMBERED = timedelta(days=30)
"""So long a mail that failed is brought up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedMail:
    """``to`` is the name of a user or an address; ``at`` when it was given up."""

    at: datetime | None
    to: str
    about: str
    attempts: int
    error: str


def may_see_mails(user: AnyUser) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(PERMISSION)


def failed_mails(*, now: datetime) -> list[FailedMail]:
    """Those of the last weeks that were not sent, or of which nobody knows; the latest first. Two queries."""
    of_runs = _failed(RunMail.objects.select_related("user", "start__run"), now)
    of_systems = _failed(RegistrationMail.objects.select_related("user"), now)
    found = [
        *(
            _shown(mail, mail.user.get_username(), _("Billing run %(run)s") % {"run": mail.start.run})
            for mail in of_runs
        ),
        *(_shown(mail, str(mail.user or mail.address), _("Registered systems")) for mail in of_systems),
    ]
    return sorted(found, key=lambda mail: (mail.at is not None, mail.at), reverse=True)


def send_test_mail(user: User, *, now: datetime) -> Outcome:
    """A mail to the user's own address, in the user's language; not tried again. The user needs an address."""
    with override(language_of(user)):
        time = date_format(localtime(now), "SHORT_DATETIME_FORMAT")
        words = {"portal": settings.PORTAL_URL, "time": time}
        letter = Letter(
            subject=_("Test mail of the billing portal"),
            body=_("This mail was asked for at %(time)s. The portal at %(portal)s can send mails.\n") % words,
        )
    return hand_over(letter, to=user.email, name=f"test-{user.pk}-{now:%Y%m%d%H%M%S%f}")


def _failed(mails: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    return mails.filter(state=Mail.State.FAILED, ended_at__gt=now - REMEMBERED)


def _shown(mail: Mail, to: str, about: str) -> FailedMail:
    return FailedMail(at=mail.ended_at, to=to, about=about, attempts=mail.attempts, error=mail.error)
