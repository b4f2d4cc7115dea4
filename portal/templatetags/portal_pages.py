"""What the frame of every page says."""

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.worklist import final_readings
from tickets.models import Agent, TicketSystem

register = template.Library()


@register.simple_tag
def data_age() -> str:
    """How old the mirror is: the time of the oldest among the latest final readings of the active systems."""
    systems = TicketSystem.objects.filter(active=True).count()
    if not systems:
        return _("No ticket system is connected yet.")
    ends = [run.finished_at for run in final_readings().values() if run.finished_at is not None]
    if len(ends) < systems:
        return _("Not every ticket system was read in full after the end of a month yet.")
    return _("Read in full last: %(time)s") % {
        "time": date_format(timezone.localtime(min(ends)), "SHORT_DATETIME_FORMAT")
    }


@register.simple_tag(takes_context=True)
def is_agent(context: Context) -> bool:
    """Whether an agent belongs to the account, who then has a month of time to look at."""
    return Agent.objects.filter(account=context["user"].pk).exists()
