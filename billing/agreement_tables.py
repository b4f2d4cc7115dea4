"""The list of customers with what they have agreed to pay."""

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreement_pages import AgreementRow
from billing.tables import ONE_LINE, WORDS
from common.tables import MinutesColumn, MoneyColumn, Table


class AgreementTable(Table):
    """One row a customer. Amounts are not summed: they are rates."""

    caption = gettext_lazy("Agreements and prepaid time")

    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"), order_by=("customer__customer_id",), attrs=WORDS, footer=""
    )
    agreement = tables.Column(
        verbose_name=gettext_lazy("Agreement"), empty_values=(), orderable=False, attrs=ONE_LINE, accessor="agreement"
    )
    hourly_rate = MoneyColumn(verbose_name=gettext_lazy("Hourly rate"))
    rounding = tables.Column(verbose_name=gettext_lazy("Rounding"), attrs={"td": {"class": "text"}}, orderable=False)
    agreed = MinutesColumn(verbose_name=gettext_lazy("Included minutes"), default="–")
    left = MinutesColumn(verbose_name=gettext_lazy("Of these left"), default="–")
    prepaid = MinutesColumn(verbose_name=gettext_lazy("Prepaid minutes left"))

    def render_customer(self, record: AgreementRow) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("billing:agreement", args=[record.customer.pk]), record.customer
        )

    def value_customer(self, record: AgreementRow) -> str:
        return str(record.customer)

    def render_agreement(self, record: AgreementRow) -> str:
        if record.agreement is None:
            return _("none")
        name = _("default agreement") if record.agreement.is_default else _("own agreement")
        return f"{name}, {_('ended')}" if record.has_ended else name

    def value_agreement(self, record: AgreementRow) -> str:
        return self.render_agreement(record)
