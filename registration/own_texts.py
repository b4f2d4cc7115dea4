"""What people are told of the own registration when its updates do not get through."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from registration.client import registration_date_check
from registration.date_check import EXPIRED, GRACE, ON_GRACE_PERIOD, SILENCE
from registration.own_models import OwnRegistration
from registration.own_steps import the_own


def warning(*, now: datetime) -> str:
    """The sentence for administrators; empty while all is well. One query."""
    own = the_own()
    check = registration_date_check(own, now=now)
    if check == ON_GRACE_PERIOD:
        return _on_grace(own)
    return expired_text() if check == EXPIRED else ""


def hold(*, now: datetime) -> str:
    """Why no billing run is started by schedule; empty where the registration holds none back. One query."""
    return expired_text() if registration_date_check(now=now) == EXPIRED else ""


def expired_text() -> str:
    return _(
        "The registration of this portal has expired, so no billing run is started by schedule. Runs by button and "
        "command, reading and export work as before. As soon as the portal is registered again, what was missed is "
        "made up for."
    )


def _on_grace(own: OwnRegistration) -> str:
    if own.refused_at is not None:
        text = _(
            "The registration server has refused this portal since %(since)s. Register it again: billing runs are "
            "started by schedule until %(until)s only."
        )
        return text % {"since": _day(own.refused_at), "until": _day(expires_at(own))}
    text = _(
        "No update has reached the registration server since %(since)s. Look at the reason: billing runs are started "
        "by schedule until %(until)s only."
    )
    return text % {"since": _day(own.last_ok), "until": _day(expires_at(own))}


def expires_at(own: OwnRegistration) -> datetime | None:
    """When the registration expires if nothing gets through any more; ``None`` where there is none."""
    if not own.is_known or own.last_ok is None:
        return None
    return own.last_ok + SILENCE + GRACE if own.refused_at is None else own.refused_at + GRACE


def _day(instant: datetime | None) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATE_FORMAT")
