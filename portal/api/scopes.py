"""What a token lets a program read. It never reads more than its user may see."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

UPLOAD_RIGHTS = ("outofoffice.upload_out_of_office",)
READING_RIGHTS = ("tickets.see_all_customers", "tickets.add_syncrun")
RUN_RIGHTS = ("billing.run_billing", "tickets.see_all_customers")
"""Those of the pages that show the same."""


class Scope(TextChoices):
    TICKETS = "tickets:read", _("tickets, time entries, customers and agents")
    REPORTS = "reports:read", _("time reports and data quality")
    ORDERS = "orders:read", _("orders, discrepancies and billing runs")
    READINGS = "readings:read", _("readings of the ticket systems")
    UPLOADS = "uploads:read", _("out-of-office uploads")
    REGISTRATIONS = "registrations:read", _("registered systems")


NEEDED = {Scope.READINGS: READING_RIGHTS, Scope.UPLOADS: UPLOAD_RIGHTS}
"""Permissions without which a scope opens nothing."""


def scopes_for(user: User) -> list[Scope]:
    """Those that open something to the user."""
    return [scope for scope in Scope if user.has_perms(NEEDED.get(scope, ()))]


def in_words(names: Iterable[str]) -> list[str]:
    """Each scope as people read it; one that is no more stays as it is written."""
    return [str(Scope(name).label) if name in Scope.values else name for name in names]
