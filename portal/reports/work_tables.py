"""An agent's month as a file; the page shows the same rows by day."""

import django_tables2 as tables
from django.utils.translation import gettext_lazy

from common.tables import DateColumn, HoursColumn, NumberColumn, Table
from portal.reports.my_month import MyMonth


class WorkTable(Table):
    """One row for each ticket of a day."""

    caption = gettext_lazy("My month")
    totals_fields = ("entries", "minutes", "hours")

    day = DateColumn(verbose_name=gettext_lazy("Day"))
    number = tables.Column(verbose_name=gettext_lazy("Ticket"))
    title = tables.Column(verbose_name=gettext_lazy("Title"))
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"))
    entries = NumberColumn(verbose_name=gettext_lazy("Entries"))
    minutes = NumberColumn(verbose_name=gettext_lazy("Minutes"))
    hours = HoursColumn(verbose_name=gettext_lazy("Hours"), accessor="minutes")

    def __init__(self, month: MyMonth) -> None:
        super().__init__(month.work)
        self.month = month
