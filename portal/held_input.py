"""What somebody sent after the session had ended, kept until they have signed in again; never a password.

It waits in the session that the sign-in takes over, and only whoever had been signed in here before gets it back: a
signed cookie remembers who that was. Nothing is kept of what another site has made the browser send.
"""

import json
import re
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

HELD = "held_input"
COOKIE = "__Host-person" if settings.HTTPS else "person"
COOKIE_SALT = "portal.held_input"
COOKIE_SECONDS = 7 * 24 * 3600
LONGEST = 100_000  # characters of all fields together
SECRET = re.compile(r"passw|secret|token|credential|otp|^code$|api_?key", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInput:
    """``path`` is where it was sent to, ``page`` the page with the form; ``left_out`` names what was not kept."""

    path: str
    page: str
    fields: list[tuple[str, str]]
    left_out: list[str]

    @property
    def as_json(self) -> str:
        """For the script that puts it back into the form."""
        return json.dumps({"page": self.page, "path": self.path, "fields": self.fields})


def read_input(request: HttpRequest) -> HeldInput | None:
    """What the request sends, if a page of the portal sent it and it is not about signing in."""
    if not _is_from_here(request) or request.path.startswith(_folder(resolve_url(settings.LOGIN_URL))):
        return None
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, value) for name, value in sent if not SECRET.search(name)]  # nor the token of the form
    if sum(len(name) + len(value) for name, value in fields) > LONGEST:
        return None
    secrets = {name for name, _value in sent if SECRET.search(name)} - {"csrfmiddlewaretoken"}
    return HeldInput(
        path=request.get_full_path(), page=_page_of(request), fields=fields, left_out=sorted(secrets | {*request.FILES})
    )


def hold(request: HttpRequest) -> bool:
    """Keep what the request sends for whoever was signed in last; whether there was something to keep."""
    user = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT, max_age=COOKIE_SECONDS)
    held = read_input(request) if user else None
    if held is None:
        return False
    request.session[HELD] = asdict(held) | {"user": user}
    return True


def held_for(request: HttpRequest) -> HeldInput | None:
    """What is kept for who is signed in; what is somebody else's is thrown away."""
    kept = dict(request.session.get(HELD, {}))
    if not kept:
        return None
    if kept.pop("user") != str(request.user.pk):
        forget(request)
        return None
    return HeldInput(**kept | {"fields": [(name, value) for name, value in kept["fields"]]})


def forget_sent(request: HttpRequest) -> None:
    """What was kept has been sent again."""
    if request.session.get(HELD, {}).get("path") == request.get_full_path():
        forget(request)


def forget(request: HttpRequest) -> None:
    """Nothing is kept any more."""
    request.session.pop(HELD, None)


def remember_person(request: HttpRequest, response: HttpResponseBase, user: str) -> None:
    """Know later, when the session has ended, whose input it is that comes."""
    response.set_signed_cookie(
        COOKIE,
        user,
        salt=COOKIE_SALT,
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _is_from_here(request: HttpRequest) -> bool:
    """Browsers say so of every POST, and no other site can make them say it."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _page_of(request: HttpRequest) -> str:
    """The page that the form stood on; where the browser does not tell, the address that it was sent to."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host() or came_from.scheme != request.scheme:
        return request.path
    path = "/" + came_from.path.lstrip("/")  # two slashes would name another host
    return f"{path}?{came_from.query}" if came_from.query else path


def _folder(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] + "/"
