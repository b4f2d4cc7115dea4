"""Answers that went wrong by chance: one to three changes to a good one, the same for the same seed."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, 10**25, 0.5, 1e308, "", " ", "0", "-1", "15.00", "1,5", "NaN", "７",
    "%%", "%%1%%2", "%%1%%2%%3%%4", "2026-10-01 00:00:00", "2026-02-30 00:00:00", "0000-00-00 00:00:00", "x" * 5000,
    "9999-12-31 23:59:59", "\x00", "\ud800", "=1+1", [], {}, [[]], [None], ["1"], [{}], {"": ""}, {"Error": {}},
    {"ErrorCode": "X.AuthFail"},
)  # fmt: skip
KEYS = ("", "Error", "TicketID", "Ticket", "TimeUnit", "Name", "x", "TimeAccountingResult")
BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"e",
    b"NaN",
    b"\xed\xa0\x80",
    b"1" * 99,
)


def mutated(answer: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A copy with other values, other types, keys more or less, items twice or in another order."""
    changed = deepcopy(answer)
    for _ in range(dice.choice((1, 1, 2, 3))):
        changed = _mutate(changed, dice)
    return changed


def mutated_bytes(answer: dict[str, Any], dice: random.Random) -> bytes:
    """Its JSON with bytes lost, altered or inserted; often no JSON any more."""
    body = bytearray(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    for _ in range(dice.choice((1, 1, 2, 5))):
        start = dice.randrange(len(body) + 1)
        body[start : start + dice.choice((0, 1, 1, 2, 30))] = dice.choice(BYTES)
    return bytes(body)


def _mutate(answer: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    holder, key = dice.choice(list(_places(answer)) or [({"": answer}, "")])
    value = holder[key]
    match dice.randrange(7):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[dice.choice(KEYS)] = holder.pop(key)
        case 2 if isinstance(holder, list):
            holder.insert(key, deepcopy(value))
        case 3:
            holder[key] = value[0] if isinstance(value, list) and value else [value]
        case 4:
            holder[key] = str(value) if isinstance(value, int | float) else len(str(value))
        case 5 if isinstance(value, list):
            dice.shuffle(value)
        case _:
            holder[key] = deepcopy(dice.choice(VALUES))
    return answer


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from _places(value)
