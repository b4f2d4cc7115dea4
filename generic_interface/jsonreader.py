"""Strict JSON: one complete object or an error, and never a crash."""

import json
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from generic_interface.errors import BadAnswer


class _Refused(Exception):
    """Valid JSON for the parser, but nothing that a ticket system writes."""


def read_object(body: bytes, *, operation: str) -> dict[str, object]:
    """The object in ``body``; a number with a point or an exponent is a ``Decimal`` made from its text, never a float.

    Raises ``BadAnswer`` for anything else: truncated, not UTF-8, NaN, a key twice, endless digits, nesting too deep.
    Half a surrogate pair, which Perl writes like any character, is left to the reading of the values.
    """
    try:
        document = json.loads(
            body.decode("utf-8", "surrogatepass"),
            parse_float=_number,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise BadAnswer(
            f"The answer to {operation} is not UTF-8 (byte {error.start}). Nothing of it was used."
        ) from None
    except json.JSONDecodeError as error:
        raise BadAnswer(
            f"The answer to {operation} is no complete JSON ({error.msg}, character {error.pos}). "
            "Nothing of it was used."
        ) from None
    except ValueError:
        raise BadAnswer(
            f"The answer to {operation} holds a number with too many digits. Nothing of it was used."
        ) from None
    except RecursionError:
        raise BadAnswer(f"The answer to {operation} is nested too deep. Nothing of it was used.") from None
    except _Refused as error:
        raise BadAnswer(f"The answer to {operation} holds {error}. Nothing of it was used.") from None
    if not isinstance(document, dict):
        raise BadAnswer(f"The answer to {operation} is no JSON object. Nothing of it was used.")
    return document


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _Refused("a number that is too large") from None


def _constant(text: str) -> NoReturn:
    raise _Refused(f"the number {text}, which JSON does not know")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Refused("a key twice in one object")
    return document
