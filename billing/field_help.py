"""A line with an example under each field of agreements, rules, recurring lines and prepaid blocks that has none."""

from collections.abc import Mapping
from decimal import Decimal

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.money import plain

HELP: Mapping[str, Promise] = {
    "is_default": _("Serves every customer without an own one. A customer is then not chosen."),
    "customer": _("Type a part of the number or name, for example “K1001”."),
    "billed": _("Without it nothing is billed, and the time is listed as not billable; for example your own firm."),
    "counting": _(
        "Tickets closed in October, for example, with all their time; or all time booked up to its end, be the ticket "
        "open or closed."
    ),
    "period_months": _("With a quarter, the order for January to March is drafted in April."),
    "hourly_rate": _("Net, for example 95.00."),
    "currency": _("Three capitals, for example EUR or CHF."),
    "article_number": _("As the ERP knows it, for example SUP-STD."),
    "unit": _("As the ERP knows it, for example Std for hours."),
    "minutes_per_unit": _("60 where the unit is an hour: 90 minutes are then a quantity of 1.5."),
    "tax_rate": _("For the control sums of the export only, for example 19. Taxes are the business of the ERP."),
    "rounding_scope": _("5, 5 and 20 minutes, 15 up: each entry gives 60 minutes, the ticket as a whole 30."),
    "rounding_step": _("With 15 minutes, up, 20 minutes count as 30."),
    "rounding_mode": _("20 minutes by steps of 15: up 30, to the nearest 15, down 15."),
    "message_language": _("Of what is written into the ticket system."),
    "statement_sign": _("How the ticket system signs the mail; needs a key there."),
    "statement_crypt": _("How the ticket system encrypts the mail; needs the recipient's key there."),
    "billable": _("Without it the rule says what is not billed; give the reason then, for example “Warranty”."),
    "valid_from": _("For example 2026-10-01."),
    "valid_to": _("For example 2026-12-31; empty: without end."),
    "text": _("As it stands in each order, for example “Maintenance of the server”."),
    "quantity": _("For example 1."),
    "unit_price": _("Net, for example 250.00."),
    "name": _("As orders name it, for example “Block of 10 hours 2026”."),
    "starts": _("The first day on which it can be used, for example 2026-01-01."),
    "reason": _("Shown with the time, for example “Warranty”."),
    "block": _("Type a part of the name, or of the customer."),
    "kind": _("Bought, or adjusted by hand with a reason."),
    "minutes": _("600 for ten hours; with a minus to take some out."),
}


class ExplainedForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For the admin, which names model and fields: what a field's own help does not say is said here.

    Numbers are shown without the zeros that the database keeps behind them.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, field in self.fields.items():
            if not field.help_text and name in HELP:
                field.help_text = str(HELP[name])
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = Decimal(plain(value))
