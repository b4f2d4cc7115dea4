"""The form that takes a file; its size is looked at before any of it is read."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.csvfiles import UnreadableCsv
from outofoffice.dialect import check_size
from tickets.models import TicketSystem


class UploadForm(forms.Form):
    """Cleans to the ticket system, the bytes in ``data`` and the name in ``file_name``."""

    system = forms.ModelChoiceField(
        label=gettext_lazy("Ticket system"), queryset=TicketSystem.objects.filter(active=True), empty_label=None
    )
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            check_size(file.size or 0)
        except UnreadableCsv as error:
            raise ValidationError(str(error)) from error
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None:
            cleaned |= {"data": file.read(), "file_name": file.name or _("upload") + ".csv"}
        return cleaned

    @property
    def chosen(self) -> dict[str, Any]:
        """What ``uploads.upload_file`` wants to know of a valid form."""
        return {name: self.cleaned_data[name] for name in ("system", "data", "file_name")}


class HistoryFilterForm(forms.Form):
    """What cannot be read counts as not said."""

    shown = forms.ChoiceField(
        label=gettext_lazy("Shown"),
        required=False,
        choices=[("", gettext_lazy("All")), ("not_sent", gettext_lazy("Not sent"))],
    )
    q = forms.CharField(label=gettext_lazy("File or ticket system"), required=False, max_length=100)


class CalendarForm(forms.Form):
    """Which ticket system the calendar shows."""

    system = forms.ModelChoiceField(
        label=gettext_lazy("Ticket system"), queryset=TicketSystem.objects.all(), empty_label=None, required=False
    )
