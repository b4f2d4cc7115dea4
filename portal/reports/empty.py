"""Why a report has nothing to show and what to do next."""

from collections.abc import Mapping
from dataclasses import replace

from django.urls import reverse
from django.utils.translation import gettext as _

from common.paging import Empty, EmptyKind, no_customers, nothing_matches
from portal.reports.choice import SpanChoice
from portal.reports.data_state import DataState
from tickets.models import AnyUser
from tickets.queries import has_no_customers


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
        return no_customers(
            _("You see the time of the customers that are assigned to you. An administrator can assign them.")
        )
    if not is_valid:
        text = _("What the filters say cannot be answered; the sentence at the field says why.")
        unread = nothing_matches(text, url=without_filters)
        return replace(unread, title=_("Nothing is shown"))
    if given:
        text = _("In %(period)s no time passes the filters.") % {"period": choice.label}
        return nothing_matches(text, url=without_filters)
    if state.as_of is None:
        return Empty(
            kind=EmptyKind.NOT_READ,
            title=_("Not read yet"),
            text=_("The time of %(period)s was not yet read from any ticket system.") % {"period": choice.label},
            url=reverse("billing:orders"),
            action=_("To the orders, where a run reads them"),
        )
    return Empty(title=_("Nothing was booked"), text=_("No time was booked in %(period)s.") % {"period": choice.label})
