"""A small registration server on a real socket, with the attempt ids of our own protocol and with faults.

It keeps the rules of the table of states for one client that sends attempt ids; the real endpoint has tests of its own.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

OTRS_ID, PASSWORD = "kunde@beispiel.test", "geheim-9876"
WEEK = 604_800
PATH = "/otrs/public.pl"
Json = dict[str, Any]


@dataclass
class System:
    api_key: str
    current: str
    state: str = "active"
    last: tuple[str, str, Json] | None = None
    accepted: set[tuple[str, str]] = field(default_factory=set)
    updates: list[Json] = field(default_factory=list)


class RegistrationServer:
    """Answers at ``url``; ``faults`` are used up one a request, and ``changes`` overwrite data of good answers."""

    def __init__(self) -> None:
        self.systems: dict[str, System] = {}
        self.tokens: dict[str, bool] = {}
        self.bodies: list[bytes] = []
        self.heads: list[tuple[str, str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.changes: Json = {}
        self.url = ""
        self._numbers = count(1)
        self._lock = threading.Lock()

    @property
    def operations(self) -> list[str]:
        return [form["RequestData"]["SystemRegistration"][0]["Operation"] for form in self.forms]

    @property
    def forms(self) -> list[Json]:
        """Each request's fields, the JSON ones as values."""
        found = [dict(parse_qsl(body.decode(), keep_blank_values=True)) for body in self.bodies]
        return [
            {name: json.loads(value) if value.startswith("{") else value for name, value in form.items()}
            for form in found
        ]

    def data(self, number: int = -1) -> Json:
        """What a request told, by default the last."""
        data: Json = self.forms[number]["RequestData"]["SystemRegistration"][0]["Data"]
        return data

    def only(self) -> System:
        (system,) = self.systems.values()
        return system

    def answer(self, form: Json) -> Json:
        """The answer of the one operation in the form; what it changes is done when this returns."""
        element = form["RequestData"]["SystemRegistration"][0]
        with self._lock:
            success, data = getattr(self, f"_{element['Operation'].lower()}")(element["Data"], form)
        if success:
            data = {name: value for name, value in (data | self.changes).items() if value is not ...}
        result = {"Operation": element["Operation"], "Success": success, "Data": data}
        return {"Success": 1, "Results": {"SystemRegistration": [result]}}

    def _tokenget(self, data: Json, form: Json) -> tuple[int, Json]:
        if form["OTRSIDAuth"] != {"OTRSID": OTRS_ID, "Password": PASSWORD}:
            return 1, {"Auth": "failed"}
        token = f"token-{next(self._numbers)}"
        self.tokens[token] = True
        return 1, {"Auth": "ok", "Token": token}

    def _register(self, data: Json, form: Json) -> tuple[int, Json]:
        if not self.tokens.get(data["Token"]):
            return 0, {"Reason": "Token unknown or used."}
        self.tokens[data["Token"]] = False
        old = self.systems.get(data["OldUniqueID"])
        if old is not None and old.api_key == data["OldAPIKey"]:
            old.state = "retired"
        number = next(self._numbers)
        self.systems[f"unique-{number}"] = System(api_key=f"key-{number}", current=f"id-{number}")
        keys = {"UniqueID": f"unique-{number}", "APIKey": f"key-{number}", "LastUpdateID": f"id-{number}"}
        return 1, keys | {"NextUpdate": str(WEEK)}

    def _update(self, data: Json, form: Json) -> tuple[int, Json]:
        auth = form["UniqueIDAuth"]
        system = self.systems.get(auth["UniqueID"])
        if system is None or system.api_key != auth["APIKey"] or system.state != "active":
            return 0, {"Reason": "Not registered."}
        shown, attempt = data["LastUpdateID"], data["AttemptID"]
        if system.last is not None and system.last[:2] == (shown, attempt):
            return 1, system.last[2]
        if shown == system.current:
            system.current = f"id-{next(self._numbers)}"
            system.updates.append(data)
            told = {"UpdateID": system.current, "Type": data.get("Type", "production"), "NextUpdate": WEEK}
            told["Description"] = data.get("Description", "")
            system.last = (shown, attempt, told)
            system.accepted.add((shown, attempt))
            return 1, told
        if (shown, attempt) in system.accepted:
            return 0, {"Reason": "Seen before.", "Code": "stale"}
        system.state = "conflict"
        return 0, {"Reason": "UpdateID does not match. Please register again."}

    def _deregister(self, data: Json, form: Json) -> tuple[int, Json]:
        system = self.systems.get(data["UniqueID"])
        if data["Token"] not in self.tokens or system is None or system.api_key != data["APIKey"]:
            return 0, {"Reason": "Deregistration refused."}
        self.tokens[data["Token"]] = False
        system.state = "deregistered"
        return 1, {}


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        known = self.server.known
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known.bodies.append(body)
        known.heads.append((self.command, self.path, dict(self.headers)))
        fault = known.faults.pop(0) if known.faults else ""
        self.close_connection = True
        if fault == "lost request":
            return
        answer = json.dumps(known.answer(known.forms[-1])).encode()
        getattr(self, f"_{fault.replace(' ', '_')}", self._good)(answer, fault)

    def _send(self, status: str, body: bytes, *headers: str) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n").encode() + body)

    def _good(self, answer: bytes, fault: str) -> None:
        """``status …`` gives the good answer under that status line, ``body …`` another body."""
        if fault.startswith("status "):
            self._send(fault.removeprefix("status "), answer, f"Location: {known_url(self)}/elsewhere")
        elif fault.startswith("body "):
            self._send("200 OK", fault.removeprefix("body ").encode())
        else:
            self._send("200 OK", answer)

    def _lost_answer(self, answer: bytes, fault: str) -> None:
        """Done, and closed without a byte."""

    def _broken_off(self, answer: bytes, fault: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")

    def _no_http(self, answer: bytes, fault: str) -> None:
        self.wfile.write(b"Segmentation fault\r\n\r\n")

    def _huge(self, answer: bytes, fault: str) -> None:
        self._send("200 OK", answer + b" " * 70_000)

    def _endless_header(self, answer: bytes, fault: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(90)))
        self._silent(answer, fault)

    def _silent(self, answer: bytes, fault: str) -> None:
        self.server.stop.wait(5)

    def _dripping(self, answer: bytes, fault: str) -> None:
        """A byte at a time, each soon enough for a timeout that begins anew with every byte."""
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 1000:
                self.wfile.write(bytes([byte]))
                if self.server.stop.wait(0.02):
                    return
        except OSError:
            return  # the client has gone, as it should

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Tests print nothing."""


def known_url(handler: _Handler) -> str:
    return handler.server.known.url


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, known: RegistrationServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.known = known
        self.stop = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def running_server() -> Iterator[RegistrationServer]:
    known = RegistrationServer()
    server = _Server(known)
    known.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield known
    finally:
        server.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()
