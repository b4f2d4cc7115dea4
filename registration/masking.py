"""An OTRS-ID as lists and files show it: to be told apart, not to be used."""


def masked(otrs_id: str) -> str:
    """``ku…@example.org`` for ``kunde@example.org``; what is no address keeps its first two characters alone."""
    name, at, host = otrs_id.rpartition("@")
    shown = name if at else host
    return f"{shown[: 2 if len(shown) > 2 else 1]}…{at}{host if at else ''}"
