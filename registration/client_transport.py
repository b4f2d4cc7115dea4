"""The one way out to a registration server: a form over HTTP, and nothing but ``200 OK`` counts as an answer."""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from django.utils.translation import gettext as _

from generic_interface.addresses import ForbiddenAddress, is_this_machine, look_up
from registration.client_answers import NoAnswer

TRIES = 3
CONNECT_SECONDS = 5.0
DEADLINE_SECONDS = 15.0
"""For one try, whatever the server does; three make less than what a page may take."""
MAX_BYTES = 64 * 1024
"""Of one answer with its headers."""
TOO_MANY = 429


class _Again(Exception):
    """The try gave no answer; its text is the reason."""


class _TooLarge(Exception):
    """The answer is larger than ``MAX_BYTES``."""


def url_fault(url: str) -> str:
    """Why nothing can be sent to this address, as a sentence; empty where it can. No server is asked."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", SplitResult("", "", "", "", "")
    is_whole = parts.scheme in {"http", "https"} and host and host.isascii() and url.isprintable() and " " not in url
    if not is_whole or parts.username is not None or parts.query or parts.fragment:
        return _(
            "REGISTRATION_URL must be the whole address of a registration server without user, query and fragment, "
            "such as https://portal.example.com/otrs/public.pl."
        )
    if parts.scheme == "http" and not is_this_machine(host):
        return _("REGISTRATION_URL must begin with https://, since passwords and keys are sent there.")
    return ""


def post(url: str, fields: Mapping[str, str]) -> bytes:
    """The body of a ``200 OK``. Raises ``NoAnswer``; its text holds nothing of what was sent.

    Retry policy: what did not end in ``200 OK`` is sent again at once, three times in all and byte for byte the same,
    as the real client does; the server tells a repetition by its attempt id or token. Not repeated: a refusal for
    too many requests, and an answer that is too large. Never followed: redirects. Never used: proxies, netrc and
    cookies. Certificates are always checked. The host of ``url`` is asked at an address that was judged.
    """
    body = urlencode(fields).encode()
    for _try in range(TRIES - 1):
        try:
            return _send(url, body)
        except _Again:
            continue
    try:
        return _send(url, body)
    except _Again as last:
        raise _no_contact(str(last)) from None


def _send(url: str, body: bytes) -> bytes:
    """One try. Raises ``_Again`` or ``NoAnswer``."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=CONNECT_SECONDS)
    connection._create_connection = _open_socket  # type: ignore[attr-defined]  # typeshed does not know it
    end = time.monotonic() + DEADLINE_SECONDS
    connection.response_class = partial(_BoundedResponse, end=end)  # type: ignore[assignment]
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": "billing-portal",
        "Connection": "close",
    }
    try:
        connection.request("POST", parts.path or "/", body, headers)
        with connection.getresponse() as response:
            return _read(response)
    except ForbiddenAddress as error:
        raise _no_contact(str(error).rstrip(".")) from None
    except _TooLarge:
        raise _no_contact(_("its answer is larger than %(bytes)s bytes") % {"bytes": MAX_BYTES}) from None
    except TimeoutError:
        raise _Again(_("no answer in time")) from None
    except OSError as error:
        raise _Again(error.strerror or type(error).__name__) from None
    except (http.client.HTTPException, ValueError) as error:
        raise _Again(_("no HTTP came back (%(kind)s)") % {"kind": type(error).__name__}) from None
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse) -> bytes:
    if (response.status, response.reason) == (200, "OK"):
        return response.read()
    if response.status == TOO_MANY:
        raise _no_contact(_("it was asked too often"))
    raise _Again(_("it answered with status %(status)s instead of “200 OK”") % {"status": response.status})


def _no_contact(what: str) -> NoAnswer:
    return NoAnswer(_("Can't connect to server: %(what)s. Try again later.") % {"what": what})


def _open_socket(target: tuple[str, int], timeout: float, source: tuple[str, int] | None = None) -> socket.socket:
    """As ``socket.create_connection``, but at addresses that were judged: looked up once, no metadata service, and
    this machine only where the address itself says so. Raises ``ForbiddenAddress`` and ``OSError``.
    """
    host, port = target
    *others, last = look_up(host, port, may_be_here=is_this_machine(host))
    for address in others:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout, source)
    return socket.create_connection((last, port), timeout, source)


class _BoundedResponse(http.client.HTTPResponse):
    """Reads with a deadline for all of the answer and a cap on its size, headers included."""

    def __init__(self, sock: socket.socket, *, end: float, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedReader(sock, end))


class _BoundedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, end: float) -> None:
        super().__init__()
        self._sock = sock
        self._source = sock.makefile("rb", 0)
        self._end = end
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count = self._source.readinto(buffer)
        self._size += count or 0
        if self._size > MAX_BYTES:
            raise _TooLarge
        return count

    def close(self) -> None:
        self._source.close()
        super().close()
