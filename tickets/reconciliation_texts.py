"""The sentences about differences between the totals of a ticket: what happened, and what to do where it is known."""

from decimal import Decimal

from django.utils.translation import gettext as _

from common.templatetags.formats import number


def merged() -> str:
    return _("The ticket was merged into another one, and its time has moved there.")


def booked_later() -> str:
    return _(
        "%(units)s units were booked after the ticket itself was last read. A new sync of a month in which it was "
        "closed reads it again."
    )


def correction() -> str:
    return _(
        "Corrections of %(units)s units stand on the ticket that its own total, as it was last read, does not count. "
        "A new sync of a month in which it was closed reads it again."
    )


def no_longer_shown() -> str:
    return _(
        "All time of the ticket (%(units)s units) is gone, and the ticket itself was not read since: it was deleted, "
        "or the portal's agent may no longer see it."
    )


def still_counted() -> str:
    return _("%(units)s units are marked as gone, but the ticket's own total, as it was last read, still counts them.")


def booked_before_creation() -> str:
    return _(
        "%(units)s units were booked before the ticket existed, so they came with a merge; the ticket's own total, as "
        "it was last read, does not count them."
    )


def without_queue() -> str:
    return _(
        "%(units)s units name no queue, as time does that came with a merge; the ticket's own total, as it was last "
        "read, does not count them."
    )


def moved_later() -> str:
    return _(
        "A sync after the ticket was last read has moved time from one ticket to another. It was probably merged; "
        "where time came from is not kept."
    )


def agent_without_login() -> str:
    return _(
        "An agent whose login is not known has booked here, so that agent's time cannot be asked for. Add the login."
    )


def somebody_else() -> str:
    return _(
        "Every known agent was asked for all months in which the ticket existed, so somebody else booked the rest. "
        "Add the login of the agent who is missing."
    )


def months_not_read() -> str:
    return _(
        "The ticket existed in months for which not all agents were asked (%(months)s). Raise the days read back, or "
        "sync these months."
    )


def total_is_lower() -> str:
    return _(
        "The ticket's own total is lower than its entries: time was probably deleted there, or moved away, and is "
        "still shown elsewhere."
    )


def articles_differ(difference: Decimal) -> str:
    if difference < 0:
        text = _("The entries agree with the ticket's own total, but its articles count %(units)s units more.")
    else:
        text = _(
            "The entries agree with the ticket's own total, but its articles count %(units)s units less: time was "
            "booked without an article, or an article was deleted and its time stayed."
        )
    return text % {"units": number(abs(difference))}


def not_all() -> str:
    return _("That is not the whole difference.")


def unknown() -> str:
    return _("Nothing that the portal knows explains this. Compare the ticket's history in the ticket system.")
