"""Answers of the web server as bytes, in the shapes that were recorded."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"
PLAIN_TYPE = "text/plain; charset=UTF-8"
HTML_TYPE = "text/html; charset=iso-8859-1"

CRASH_PAGE = b"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head>
<title>500 Internal Server Error</title>
</head><body>
<h1>Internal Server Error</h1>
<p>The server encountered an internal error or misconfiguration and was unable to complete your request.</p>
</body></html>
"""
LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Login - Help desk</title></head>
<body><form action="/otrs/index.pl" method="post"><input name="User"><input name="Password" type="password">
<button type="submit">Login</button></form></body></html>
"""
TOO_LONG_PAGE = b"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head>
<title>414 Request-URI Too Long</title>
</head><body>
<h1>Request-URI Too Long</h1>
<p>The requested URL's length exceeds the capacity
limit for this server.<br />
</p>
</body></html>
"""
NOT_FOUND_PAGE = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """``bare`` sends the body alone, without status line and header. The last four fields serve faults: only ``sent``
    bytes leave, without an ``announced`` length, ``drip_seconds`` lie between two, ``padding`` blanks follow."""

    status: HTTPStatus
    reason: str
    content_type: str
    body: bytes
    keep_alive: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    bare: bool = False
    sent: int | None = None
    announced: bool = True
    drip_seconds: float = 0.0
    padding: int = 0

    def head(self) -> bytes:
        """Status line and header; neither Date nor Server, as under mod_perl."""
        lines = [f"HTTP/1.1 {self.status.value} {self.reason}", f"Content-Type: {self.content_type}"]
        if self.announced:
            lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'Keep-Alive' if self.keep_alive else 'close'}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_response(answer: dict[str, Any], *, keep_alive: bool) -> Response:
    """Keys sorted, no blanks, UTF-8, as the recorded server writes JSON; half a surrogate pair passes as in Perl."""
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    body = text.encode("utf-8", "surrogatepass")
    return Response(status=HTTPStatus.OK, reason="OK", content_type=JSON_TYPE, body=body, keep_alive=keep_alive)


def plain_response(status: HTTPStatus, text: str, *, keep_alive: bool) -> Response:
    return Response(
        status=status, reason=status.phrase, content_type=PLAIN_TYPE, body=text.encode(), keep_alive=keep_alive
    )


def html_response(status: HTTPStatus, page: bytes, *, reason: str = "") -> Response:
    return Response(status=status, reason=reason or status.phrase, content_type=HTML_TYPE, body=page)


def bare_response(page: bytes) -> Response:
    """What mod_perl sends when an operation dies: the page and nothing before it."""
    return Response(status=HTTPStatus.OK, reason="", content_type="", body=page, bare=True)
