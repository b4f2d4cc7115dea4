"""The next billing run that the scheduler will start, in a sentence."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.templatetags.formats import month_label
from portal.schedule import next_runs
from registration.own_texts import hold
from tickets.models import TicketSystem

AT_ONCE = timedelta(minutes=5)
"""As often the scheduler looks."""


def next_run_in_words(*, now: datetime) -> str:
    """When, of which month and for whom; or why none comes."""
    if hold(now=now):
        return _("No billing run is scheduled while the registration of this portal has expired.")
    if not TicketSystem.objects.filter(active=True).exists():
        return _("No billing run is scheduled: no ticket system is connected.")
    found = next_runs(now=now, day=settings.BILLING_DAY_OF_MONTH)
    if found is None:
        return _(
            "No billing run is scheduled: neither the default agreement nor BILLING_DAY_OF_MONTH names a day, nor does "
            "a customer's agreement. Runs are started by hand, on the page of the orders."
        )
    at, due = found
    time = date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at > now + AT_ONCE else _("within minutes")
    words = {"month": month_label(due[0].month), "time": time}
    if due[0].customer is None:
        return _("Next billing run: %(time)s, %(month)s, for all customers.") % words
    text = ngettext(
        "Next billing run: %(time)s, %(month)s, for %(count)d customer with terms of its own.",
        "Next billing run: %(time)s, %(month)s, for %(count)d customers with terms of their own.",
        len(due),
    )
    return text % (words | {"count": len(due)})
