"""The list of stored files."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Export
from billing.stored_files import name_of_format
from billing.tables import WORDS
from common.tables import Column, DateTimeColumn, NumberColumn, Table


class ExportTable(Table):
    """One row a file, the latest first; its name leads to its bytes."""

    caption = gettext_lazy("Stored files")

    file_name = Column(verbose_name=gettext_lazy("File"), attrs=WORDS)
    format = Column(verbose_name=gettext_lazy("Format"), attrs=WORDS)
    held = NumberColumn(verbose_name=gettext_lazy("Orders"))
    created_at = DateTimeColumn(verbose_name=gettext_lazy("When"))
    created_by = Column(verbose_name=gettext_lazy("Who"), empty_values=(), order_by=("created_by__username",))
    size = NumberColumn(verbose_name=gettext_lazy("Bytes"))
    sha256 = Column(verbose_name="SHA-256", orderable=False, attrs=WORDS)

    def render_file_name(self, record: Export) -> SafeString:
        return format_html('<a href="{}" download>{}</a>', reverse("billing:stored_file", args=[record.pk]), record)

    def value_file_name(self, record: Export) -> str:
        return record.file_name

    def render_format(self, record: Export) -> str:
        return name_of_format(record)

    def value_format(self, record: Export) -> str:
        return record.format

    def render_created_by(self, record: Export) -> str:
        return record.created_by.get_username() if record.created_by else _("command line")
