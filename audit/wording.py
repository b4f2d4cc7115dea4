"""How stored texts are shown: numbers in the form of the reader's language; what persons have typed stays as it is.

Rows and the histories of orders hold numbers as programs write them, ``1234.5``, for good, and so do files and the
read API. Only what the portal itself has written is read here, by the shape that it writes.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateField, DateTimeField, DecimalField, Field
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.actions import Action
from common.money import plain
from common.templatetags.formats import money, number

LINE_BREAK = re.compile(r"(\n|\\u000a)")
"""In a history, and in a row, where it is made visible."""
NUMBER = r"-?\d+(?:\.\d+)?"
AMOUNTS = re.compile(rf"(?:(?P<before>{NUMBER})(?P<arrow> → ))?(?P<after>{NUMBER}) (?P<currency>[A-Z]{{3}})")
SETTLED = re.compile(
    rf"(?P<what>\d+ × .+, )(?P<minutes>{NUMBER}) min, (?P<money>{NUMBER}) (?P<currency>[A-Z]{{3}})(?P<rest>| \(.+\))"
)
SAID = re.compile(
    r"(?P<typed>“[^”]*”|\([^)]*\))"  # texts of lines, reasons
    rf"|(?<![\w.,:/-])(?P<before>{NUMBER})(?P<arrow> → )(?P<after>{NUMBER})(?![\w/:]|\.\d)"
    r"|(?<![\w.,:/-])(?P<number>-?\d+\.\d+)(?![\w/:]|\.\d)"
)


def shown_text(action: str, text: str) -> str:
    """The text of a row, or of the event of an order with this action, for a page."""
    show = SHOWN.get(action)
    return show(text) if show else text


def shown_changes(object_type: str, name: str, old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Both values of a changed field of such an object; a field that this version does not know stays as stored."""
    field = _field(object_type, name)
    if isinstance(field, DecimalField):
        return _numbers(old, new)
    return _value(field, old), _value(field, new)


def _drafted(text: str) -> str:
    """An amount, then sentences on what persons have changed."""
    first, *rest = LINE_BREAK.split(text, maxsplit=1)
    return "".join([_amounts(first), *(SAID.sub(_said, part) for part in rest)])


def _adjusted(text: str) -> str:
    """What was changed, the amounts, then the reason, which a person has typed."""
    parts = LINE_BREAK.split(text)
    place = next((at for at, part in enumerate(parts) if AMOUNTS.fullmatch(part)), 0)
    done = SAID.sub(_said, "".join(parts[:place]))
    return "".join([done, _amounts(parts[place]), *parts[place + 1 :]])


def _settled(text: str) -> str:
    """One line for what is alike, then the reason."""
    return "".join(SETTLED.sub(_stake, part) if SETTLED.fullmatch(part) else part for part in LINE_BREAK.split(text))


SHOWN: dict[str, Callable[[str], str]] = {
    Action.ORDER_DRAFTED: _drafted,
    Action.ORDER_CHANGED: _drafted,
    Action.ORDER_ADJUSTED: _adjusted,
    Action.ORDER_SETTLED: _settled,
}


def _amounts(line: str) -> str:
    found = AMOUNTS.fullmatch(line)
    if found is None:
        return line
    before = f"{money(Decimal(found['before']))}{found['arrow']}" if found["before"] else ""
    return f"{before}{money(Decimal(found['after']), found['currency'])}"


def _stake(found: re.Match[str]) -> str:
    minutes, amount = number(Decimal(found["minutes"])), money(Decimal(found["money"]), found["currency"])
    return f"{found['what']}{minutes} min, {amount}{found['rest']}"


def _said(found: re.Match[str]) -> str:
    if found["typed"]:
        return found[0]
    if found["number"]:
        return number(Decimal(found["number"]))
    return f"{number(Decimal(found['before']))}{found['arrow']}{number(Decimal(found['after']))}"


def _field(object_type: str, name: str) -> "Field[Any, Any] | None":
    """By the name or the column of the field."""
    try:
        model = apps.get_model(object_type)
        field = model._meta.get_field(name.removesuffix("_id") if name.endswith("_id") else name)
    except (LookupError, ValueError, FieldDoesNotExist):  # no such model, no name of one, no such field
        return None
    return field if isinstance(field, Field) else None


def _numbers(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Both with cents as soon as one of them has a fraction."""
    before, after = _decimal(old), _decimal(new)
    places = 2 if any("." in plain(value) for value in (before, after) if value is not None) else 0
    shown_before = old if before is None else number(before, places)
    return shown_before, new if after is None else number(after, places)


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = Decimal(text or "")
    except InvalidOperation:  # nothing, or a text that was cut
        return None
    return value if value.is_finite() else None


def _value(field: "Field[Any, Any] | None", text: str | None) -> str | None:
    if not text:
        return text
    try:
        match field:
            case BooleanField():
                return {"True": _("yes"), "False": _("no")}.get(text, text)
            case DateTimeField():
                return date_format(timezone.localtime(datetime.fromisoformat(text)), "SHORT_DATETIME_FORMAT")
            case DateField():
                return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")
    except ValueError:  # a text that was cut, or of an older version
        pass
    return text
