"""Reading the recordings of the real server: raw request and response bytes."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "recordings"
MONTH_FOLDER = FOLDER / "month-2026-09"
_OVER_REST = re.compile(
    "http-|rest-(session|auth|ticketsearch|ticketget|ticketcreate|ticketupdate|tickethistory|timeaccounting|outofoffice)-"
    "|stock-(http|ticketcreate|ticketget|ticketsearch|timeaccounting|outofoffice)|psgi-(json|service|too)"
)
_REQUEST, _RESPONSE = b"## ---- request ----\n", b"\n## ---- response ----\n"


@dataclass(frozen=True)
class Answer:
    """``status`` is 0 for a page without status line; None for a connection closed without a byte."""

    status: int | None
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Recording:
    name: str
    port: str
    request: bytes
    answer: Answer


def read_recording(name: str) -> Recording:
    content = (FOLDER / f"{name}.http").read_bytes()
    head, rest = content.split(_REQUEST, 1)
    request, response = rest.split(_RESPONSE, 1)
    port = re.search(rb"recorded against port (\d+)", head)
    return Recording(name, port[1].decode() if port else "8081", request, parse_answer(response.removesuffix(b"\n")))


def parse_answer(response: bytes) -> Answer:
    if not response.strip():
        return Answer(None, "", b"")
    if not response.startswith(b"HTTP/1.1 "):
        return Answer(0, "", response)
    head, _, body = response.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status == 100:
        return parse_answer(body)
    content_type = re.search(rb"(?im)^content-type: ([^\r\n]*)", head)
    return Answer(status, content_type[1].decode() if content_type else "", body)


def recorded_names() -> list[str]:
    """The recordings over REST that lie in the folder."""
    return sorted(path.stem for path in FOLDER.glob("*.http") if _OVER_REST.match(path.stem))
