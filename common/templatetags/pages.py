"""Small parts of pages: icons, table cells, what a link keeps of the address, which page numbers a list offers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField, Form
from django.http import QueryDict
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common.exports import Format
from common.jobs import Job
from common.tables import Table

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One symbol of the sprite, hidden from assistive technology: the text beside it says the same."""
    sprite = static("vendor/bootstrap-icons/sprite.svg")
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', sprite, name
    )


@register.simple_block_tag
def crumbs(content: str) -> SafeString:
    """The way to a page: the content is its list items, the last one the page itself."""
    return format_html('<nav class="crumbs" aria-label="{}"><ol>{}</ol></nav>', _("Where you are"), content)


@register.simple_tag
def other_parameters(query: QueryDict, *names: str) -> list[tuple[str, str]]:
    """Name and value of each parameter of the address but the named ones, for the hidden fields of a GET form."""
    return [(name, value) for name, values in query.lists() if name not in names for value in values]


@register.simple_tag
def page_numbers(page: Page[Any]) -> list[int | str]:
    """The page numbers to offer, with an ellipsis where some are left out."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return [number if isinstance(number, int) else str(number) for number in numbers]


@register.simple_tag
def export_formats() -> list[tuple[str, str]]:
    """Value and label of each kind of file that a table can be had as."""
    return [(value, str(label)) for value, label in Format.choices]


@register.simple_tag
def table_rows(table: Table) -> Iterator[SafeString]:
    """The cells of each row; what a cell inherits from its column is worked out once, not once a row."""
    columns = [(column.name, column.attrs["td"].as_html()) for column in table.columns]
    for row in table.paginated_rows:
        yield format_html_join("", "<td {}>{}</td>", ((attributes, row.get_cell(name)) for name, attributes in columns))


@register.simple_tag
def active_filters(form: Form) -> list[tuple[str, str, str]]:
    """Name, label and value in words of each field of a bound filter form that narrows the list down."""
    return [
        (field.name, str(field.label), _in_words(field))
        for field in form
        if form.is_bound and form.cleaned_data.get(field.name)
    ]


def _in_words(field: BoundField) -> str:
    value = str(field.value())
    return str(dict(getattr(field.field, "choices", ())).get(value, value))


@register.simple_tag(takes_context=True)
def querystring_without(context: Context, name: str) -> str:
    """The address's parameters without this one and without the page."""
    query = context["request"].GET.copy()
    for key in (name, "page"):
        query.pop(key, None)
    return f"?{query.urlencode()}"


@register.filter
def elapsed(job: Job, now: datetime) -> str:
    """Minutes and seconds that the job has taken or took, ``2:05``; empty before it starts."""
    if job.started_at is None:
        return ""
    seconds = int(((job.finished_at or now) - job.started_at).total_seconds())
    minutes, rest = divmod(max(seconds, 0), 60)
    return f"{minutes}:{rest:02}"
