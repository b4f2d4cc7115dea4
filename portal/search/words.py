"""What somebody has typed or pasted into the box."""

LONGEST = 200
AROUND = " #\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""What is copied along with numbers and is no part of them."""


def clean_text(text: str) -> str:
    """One line without control characters, at most ``LONGEST`` characters; empty where nothing is left."""
    words = "".join(letter if letter == "\u200d" or letter >= " " else " " for letter in text).replace("\x7f", " ")
    return " ".join(words.split())[:LONGEST].strip(AROUND)
