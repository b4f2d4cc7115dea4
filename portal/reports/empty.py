"""Why a report has nothing to show and what to do next."""

from collections.abc import Mapping

from django.urls import reverse
from django.utils.translation import gettext as _

from common.paging import Empty
from portal.reports.choice import SpanChoice
from portal.reports.data_state import DataState
from tickets.models import AnyUser, Customer, sees_all_customers


def has_no_customers(user: AnyUser) -> bool:
    return not sees_all_customers(user) and not Customer.objects.visible_to(user).exists()


def why_no_time(
    choice: SpanChoice,
    *,
    user: AnyUser,
    given: Mapping[str, str],
    is_valid: bool,
    state: DataState,
    without_filters: str,
) -> Empty:
    """The sentence for a report without rows; ``without_filters`` is the address that shows the whole span."""
    if has_no_customers(user):
        return Empty(
            title=_("No customers are assigned to you"),
            text=_("You see the time of the customers that are assigned to you. An administrator can assign them."),
        )
    clear = {"url": without_filters, "action": _("Clear the filters")}
    if not is_valid:
        text = _("What the filters say cannot be answered; the sentence at the field says why.")
        return Empty(title=_("Nothing is shown"), text=text, **clear)
    if given:
        text = _("In %(period)s no time passes the filters.") % {"period": choice.label}
        return Empty(title=_("Nothing matches"), text=text, **clear)
    if state.as_of is None:
        return Empty(
            title=_("Not read yet"),
            text=_("The time of %(period)s was not yet read from any ticket system.") % {"period": choice.label},
            url=reverse("billing:orders"),
            action=_("To the orders, where a run reads them"),
        )
    return Empty(title=_("Nothing was booked"), text=_("No time was booked in %(period)s.") % {"period": choice.label})
