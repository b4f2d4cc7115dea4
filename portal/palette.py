"""The pages that the command palette offers, and the keys after ``g`` that lead to them."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.order_pages import may_bill
from outofoffice.rights import may_upload
from portal.person import Person
from registration.own_rights import may_manage
from tickets.models import AnyUser


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """``key`` is empty where no key leads there."""

    label: str
    url: str
    key: str = ""


def palette_entries(user: AnyUser | None, person: Person) -> list[PaletteEntry]:
    """Only pages that the user may open. Asks the database nothing but the user's rights, which are kept."""
    if not isinstance(user, AbstractUser):
        return []
    entries = [
        PaletteEntry(_("Start"), reverse("start"), "s"),
        PaletteEntry(_("Tickets"), reverse("tickets:list"), "t"),
        PaletteEntry(_("Orders"), reverse("billing:orders"), "o"),
        PaletteEntry(_("Discrepancies"), reverse("billing:discrepancies"), "d"),
        PaletteEntry(_("Left out of the orders"), reverse("billing:left_out"), "l"),
        PaletteEntry(_("Agreements"), reverse("billing:agreements"), "a"),
        PaletteEntry(_("Stored files"), reverse("billing:exports"), "f"),
        PaletteEntry(_("Time reports"), reverse("reports:report"), "r"),
        PaletteEntry(_("Time: cross tables"), reverse("reports:pivot")),
        PaletteEntry(_("Time: charts"), reverse("reports:charts")),
        PaletteEntry(_("Data quality"), reverse("tickets:quality"), "q"),
        PaletteEntry(_("Three totals"), reverse("tickets:reconciliation")),
        PaletteEntry(_("Registered systems"), reverse("registration:systems"), "y"),
        PaletteEntry(_("Preferences"), reverse("preferences"), "p"),
    ]
    return entries + [entry for allowed, entry in _further(user, person) if allowed]


def _further(user: AbstractUser, person: Person) -> list[tuple[bool, PaletteEntry]]:
    can_bill = may_bill(user)
    can_read = user.has_perms(["tickets.add_syncrun", "tickets.see_all_customers"])
    return [
        (person.has_own_month, PaletteEntry(_("My month"), reverse("reports:mine"), "m")),
        (can_bill, PaletteEntry(_("Billing runs"), reverse("billing:runs"), "b")),
        (can_bill, PaletteEntry("kivitendo", reverse("billing:kivitendo"), "k")),
        (can_read, PaletteEntry(_("Readings"), reverse("tickets:readings"))),
        (may_upload(user), PaletteEntry(_("Out of office"), reverse("outofoffice:index"), "u")),
        (may_manage(user), PaletteEntry(_("Own registration"), reverse("own_registration:own"))),
        (user.has_perm("portal.see_health"), PaletteEntry(_("Health of the portal"), reverse("health"), "h")),
        (user.is_staff, PaletteEntry(_("Set-up"), reverse("admin:index"))),
    ]
