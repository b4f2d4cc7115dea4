"""How the status of a fact among the support data is shown."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registration.support_data import Verdict

LABELS: dict[Verdict, Promise] = {
    Verdict.UNKNOWN: _("unknown"),
    Verdict.INFORMATION: _("information"),
    Verdict.FINE: _("fine"),
    Verdict.WARNING: _("warning"),
    Verdict.PROBLEM: _("problem"),
}
LOOKS = {
    Verdict.UNKNOWN: ("", ""),
    Verdict.INFORMATION: ("", "info-circle"),
    Verdict.FINE: ("state-good", "check-circle"),
    Verdict.WARNING: ("state-warn", "exclamation-triangle"),
    Verdict.PROBLEM: ("state-bad", "x-circle"),
}
"""Class and symbol."""
