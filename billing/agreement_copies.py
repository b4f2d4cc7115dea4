"""A new agreement from a month on, with the terms of the one before."""

from django.db import transaction
from django.utils.translation import gettext as _

from billing.agreement_models import Agreement, FlatFee, RateRule
from common.months import Month


class AgreementRefused(Exception):
    """Nothing was written; the text tells a person why."""


@transaction.atomic
def copy_agreement(agreement: Agreement, month: Month) -> Agreement:
    """The same terms, rules and recurring lines from the month on; raises ``AgreementRefused``.

    The rules of the one before hold for the days before the month.
    """
    if agreement.valid_from >= month.first_day:
        raise AgreementRefused(_("%(agreement)s begins later than that.") % {"agreement": agreement})
    if (month.month - 1) % agreement.period_months:
        text = _("%(agreement)s is billed by the quarter: a new one begins in January, April, July or October.")
        raise AgreementRefused(text % {"agreement": agreement})
    same = Agreement.objects.filter(
        customer=agreement.customer, is_default=agreement.is_default, valid_from=month.first_day
    )
    if same.exists():
        raise AgreementRefused(
            _("%(agreement)s: there is one from %(month)s on already.") % {"agreement": agreement, "month": month}
        )
    rows: list[RateRule | FlatFee] = [*agreement.rate_rules.all(), *agreement.flat_fees.all()]
    copy = Agreement.objects.get(pk=agreement.pk)
    copy.pk, copy.valid_from = None, month.first_day
    copy.valid_to = None
    copy.save(force_insert=True)
    for row in rows:
        row.pk, row.agreement = None, copy
        row.save(force_insert=True)
    return copy
