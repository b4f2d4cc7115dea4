"""What the frame of every page says."""

from datetime import datetime

from django import template
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tickets.models import TicketSystem

register = template.Library()


@register.simple_tag
def data_age() -> str:
    """How old the mirror is: the time of the oldest among the latest complete readings of the active systems."""
    complete = Max("sync_runs__finished_at", filter=Q(sync_runs__complete=True))
    ages = list(
        TicketSystem.objects.filter(active=True).order_by().annotate(age=complete).values_list("age", flat=True)
    )
    if not ages:
        return _("No ticket system is connected yet.")
    known: list[datetime] = [age for age in ages if age is not None]
    if len(known) < len(ages):
        return _("Not every ticket system was read in full yet.")
    return _("Read in full last: %(time)s") % {
        "time": date_format(timezone.localtime(min(known)), "SHORT_DATETIME_FORMAT")
    }
