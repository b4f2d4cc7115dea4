"""Text of strangers in rows that people and scripts read line by line."""

import unicodedata

LONGEST = 500


def visible(text: object, longest: int = LONGEST) -> str:
    r"""The text on one line: line breaks, control characters, what turns the direction of letters, lone surrogates
    and the like stand as ``\u202e``; what is longer than ``longest`` ends with an ellipsis."""
    shown = "".join(_escaped(letter) if _is_hidden(letter) else letter for letter in str(text)[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _is_hidden(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category[0] == "C" or category in ("Zl", "Zp")


def _escaped(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
