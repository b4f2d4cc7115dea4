"""What the pages about kivitendo show, and why a list is empty."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Case, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.erp_findings import as_they_should_be
from billing.erp_models import ErpFinding, KivitendoCopy
from billing.kivitendo_copy import is_configured
from billing.kivitendo_database import settings_fault
from billing.kivitendo_matching import Match, Pair
from billing.models import Order
from common.paging import Empty, EmptyKind, nothing_matches
from tickets.models import AnyUser
from tickets.periods import Period


def chosen_pairs(found: list[Pair], *, match: str, text: str) -> list[Pair]:
    """The pairs of one kind, or of all, in whose names or number the text occurs, whatever its case."""
    plain = text.strip().casefold()
    return [
        pair
        for pair in found
        if (not match or pair.match == match)
        and plain in f"{pair.customer or ''} {pair.number} {pair.names}".casefold()
    ]


def counts(found: list[Pair]) -> list[tuple[Match, int]]:
    """How many pairs there are of each kind that occurs."""
    of_kind = [(match, sum(pair.match == match for pair in found)) for match in Match]
    return [(match, count) for match, count in of_kind if count]


def place_in_words() -> str:
    """``erp.example.org:5432/kivitendo as portal_ro``: where the copy is read, without the password.

    Empty where that cannot be told.
    """
    if not is_configured() or settings_fault(settings.KIVITENDO_DATABASE_URL):
        return ""
    parts = urlsplit(settings.KIVITENDO_DATABASE_URL)
    host = parts.netloc.rpartition("@")[2]
    words = {"place": f"{host}{parts.path}", "user": parts.username or "–"}
    return _("%(place)s as %(user)s") % words


def not_configured() -> Empty | None:
    """Why there is nothing to show without an address of kivitendo."""
    if is_configured():
        return None
    return Empty(
        title=_("No kivitendo is set up"),
        text=_(
            "With KIVITENDO_DATABASE_URL in its environment the portal matches customers, checks orders before the "
            "export and finds them again after the import. Without it orders are handed over unchecked."
        ),
        url=reverse("help_document", args=["kivitendo"]),
        action=_("How it is set up"),
    )


def why_no_pairs(copy: KivitendoCopy) -> Empty:
    """The sentence for a list without customers: a copy never is without any."""
    if copy.read_at is None:
        return Empty(
            kind=EmptyKind.NOT_READ, title=_("kivitendo has not been read yet"), text=_("Press “Read kivitendo now”.")
        )
    text = _("Customers are there, but none passes the filters.")
    return nothing_matches(text)


def findings_of(period: Period, *, user: AnyUser) -> "QuerySet[ErpFinding]":
    """The period's findings that the user may see, those that are not as they should be first."""
    orders = Order.objects.visible_to(user)
    found = ErpFinding.objects.filter(order__in=orders).select_related("order__customer")
    if not period.everything:
        found = found.filter(order__month=period.month.first_day)
    fine = Case(When(as_they_should_be(), then=Value(1)), default=Value(0))
    return found.annotate(fine=fine).order_by("fine", "-order__month", "order__number")


def why_no_findings() -> Empty:
    return Empty(
        title=_("No order was looked for yet"),
        text=_("Press “Look for the orders in kivitendo” after the file was imported there."),
    )
