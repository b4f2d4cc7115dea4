"""“How is this counted?” beside a figure."""

from typing import Any

from django import template

from portal.help.counted import COUNTED

register = template.Library()


@register.inclusion_tag("help/counted.html")
def counted(key: str, number: int = 0) -> dict[str, Any]:
    """A button and what it opens, without script; ``number`` tells several of one key on a page apart."""
    return {"counted": COUNTED[key], "id": f"counted-{key}-{number}" if number else f"counted-{key}"}
