"""The documents for users, from Markdown to HTML. They are ours: nothing that a person has entered is rendered here."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

NAMES = (
    "billing-rules",
    "time-reports",
    "kivitendo",
    "out-of-office",
    "registration-pages",
    "writing-back",
    "connect-your-ticket-system",
    "keyboard",
)
"""Of those for whoever works with the portal, in the order of the list; the others are for whoever runs it."""

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


class Heading(NamedTuple):
    """``level`` 1 is the title; ``anchor`` is its ``id`` on the page."""

    level: int
    text: str
    anchor: str


class Document(NamedTuple):
    name: str
    title: str
    headings: tuple[Heading, ...]
    html: SafeString


@cache
def document(name: str) -> Document:
    """Read and rendered once for each process; ``KeyError`` for a name that is not one of ``NAMES``."""
    if name not in NAMES:
        raise KeyError(name)
    source = (settings.BASE_DIR / "docs" / f"{name}.md").read_text(encoding="utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(source)
    headings = _name_headings(tokens)
    for token in tokens:
        _lead_links(token.children or [])
    tokens = [part for token in tokens for part in _in_its_own_region(token)]
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Document(name=name, title=headings[0].text, headings=tuple(headings), html=mark_safe(html))


def anchors(name: str) -> Mapping[str, str]:
    """By anchor the text of each heading."""
    return MappingProxyType({heading.anchor: heading.text for heading in document(name).headings})


def anchor_of(heading: str) -> str:
    """As GitHub makes it, so that links work there, too: ``3. Tell the portal`` is ``3-tell-the-portal``."""
    return _NOT_IN_ANCHORS.sub("", heading.lower()).strip().replace(" ", "-")


def _name_headings(tokens: list[Token]) -> list[Heading]:
    found = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            text = "".join(part.content for part in tokens[place + 1].children or [])
            found.append(Heading(int(token.tag[1:]), text, anchor_of(text)))
            token.attrSet("id", found[-1].anchor)
    return found


def _lead_links(tokens: list[Token]) -> None:
    """A link to another document for users leads to its page; what has none stays as words."""
    is_dead = False
    for token in tokens:
        if token.type == "link_open":
            address = _address_on_a_page(str(token.attrGet("href") or ""))
            is_dead = not address
            token.attrSet("href", address)
        if token.type in ("link_open", "link_close") and is_dead:
            token.hidden, token.tag, token.attrs = True, "span", {}
            is_dead = token.type == "link_open"


def _address_on_a_page(address: str) -> str:
    """Empty where it leads to a file that is no page here."""
    if address.startswith(("#", "https://")):
        return address
    file, _sign, anchor = address.partition("#")
    name = file.removesuffix(".md")
    if name not in NAMES:
        return ""
    page = reverse("help_document", args=[name])
    return f"{page}#{anchor}" if anchor else page


def _in_its_own_region(token: Token) -> list[Token]:
    """Wide parts scroll by themselves, also by keyboard, and not the page."""
    if token.type == "table_open":
        return [Token("div_open", "div", 1, attrs={"class": "table-wrap", "tabindex": "0"}), token]
    if token.type == "table_close":
        return [token, Token("div_close", "div", -1)]
    if token.type in ("code_block", "fence"):
        token.attrSet("tabindex", "0")
    return [token]
