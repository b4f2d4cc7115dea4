"""Support data as rows of a table. They are whatever a system has sent: each value is read with doubt, shown as text.

The collectors of OTRS say per fact: Label, Value, Status (0 unknown, 1 information, 2 fine, 3 warning, 4 problem),
DisplayPath (where it belongs, levels parted by a slash) and, where something is to be done, Message.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

LONGEST = 4_000
"""Characters of a value."""
MOST = 500
"""Rows on a page."""


class Verdict(IntEnum):
    UNKNOWN = 0
    INFORMATION = 1
    FINE = 2
    WARNING = 3
    PROBLEM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    label: str
    value: str
    verdict: Verdict
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The facts of one path, in the order they came."""

    path: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """``left_out`` facts are more than a page shows; warnings and problems are counted over all of them."""

    groups: list[Group]
    count: int
    warnings: int
    problems: int
    left_out: int


def read_support_data(content: Any) -> Support:
    """Never fails; what is no list of objects with a label or a value gives no row."""
    found = list(_facts(content))
    groups: dict[str, Group] = {}
    for path, fact in found[:MOST]:
        groups.setdefault(path, Group(path=path, facts=[])).facts.append(fact)
    verdicts = [fact.verdict for _path, fact in found]
    return Support(
        groups=list(groups.values()),
        count=len(found),
        warnings=verdicts.count(Verdict.WARNING),
        problems=verdicts.count(Verdict.PROBLEM),
        left_out=max(len(found) - MOST, 0),
    )


def _facts(content: Any) -> Iterator[tuple[str, Fact]]:
    for item in content if isinstance(content, list) else []:
        if not isinstance(item, Mapping) or not ("Label" in item or "Value" in item):
            continue
        label = _text(item.get("Label")) or _text(item.get("Identifier"))
        fact = Fact(
            label=label,
            value=_text(item.get("Value")),
            verdict=_verdict(item.get("Status")),
            message=_text(item.get("Message")),
        )
        yield _text(item.get("DisplayPath")), fact


def _verdict(status: Any) -> Verdict:
    text = str(status)
    return Verdict(int(text)) if text in {"0", "1", "2", "3", "4"} else Verdict.UNKNOWN


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.strip() if len(text) <= LONGEST else f"{text[:LONGEST]}…"
