"""How a chart gets into a page, see ``templates/common/chart.html``."""

from django import template

from common.chart_pictures import Picture, draw
from common.charts import Chart

register = template.Library()


@register.simple_tag
def picture_of(chart: Chart) -> Picture:
    """Where everything of the chart stands."""
    return draw(chart)


@register.filter
def place(value: float) -> str:
    """A place or length in a picture: never with the comma of the language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
