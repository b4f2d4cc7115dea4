"""What the frame of every page says."""

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.data_line import line_for
from portal.palette import PaletteEntry, palette_entries
from portal.person import Person, person_of
from portal.saved_pages import menu_of
from registration.own_rights import may_manage
from registration.own_texts import warning

register = template.Library()


@register.simple_tag(takes_context=True)
def data_line(context: Context) -> str:
    """How old the data are that the user sees, and whether they are complete."""
    return line_for(context["user"], now=timezone.now())


@register.simple_tag(takes_context=True)
def person(context: Context) -> Person:
    """What the frame must know of who is signed in; one query, and none for visitors."""
    return person_of(context.get("user"))


@register.simple_tag(takes_context=True)
def registration_warning(context: Context) -> str:
    """What administrators must know of the portal's own registration; for others nothing is asked."""
    return warning(now=timezone.now()) if may_manage(context["user"]) else ""


@register.simple_tag(takes_context=True)
def palette_pages(context: Context) -> list[PaletteEntry]:
    """What the command palette offers besides the actions of the page."""
    return palette_entries(context.get("user"), context["person"])


@register.filter
def code_words(text: str) -> SafeString:
    """A description of the API: what stands between backticks is code."""
    words = text.split("`")
    parts = ["<code>{}</code>" if place % 2 else "{}" for place in range(len(words))]
    return format_html("".join(parts), *words)


@register.filter
def paragraphs(text: str) -> SafeString:
    """The same of a longer one, where blank lines part paragraphs and other line ends mean nothing."""
    parts = ((code_words(" ".join(part.split())),) for part in text.strip().split("\n\n"))
    return format_html_join("", "<p>{}</p>", parts)


@register.inclusion_tag("common/saved.html", takes_context=True)
def saved_filters(context: Context) -> dict[str, Any]:
    """The menu of the views that the person has saved of this page; nothing where none can be saved."""
    return menu_of(context)
