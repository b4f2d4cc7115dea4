"""Which ticket systems may be reached: the origins of a list, compared as they are, and no others.

An address is read strictly, so that what was compared is what is connected to: no other spelling of a number, no
login, no letters beyond ASCII.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from generic_interface.addresses import THIS_MACHINE, is_this_machine, judge, literal, look_up
from generic_interface.errors import WrongRequest

SETTING = "TICKET_SYSTEM_HOSTS"
PORTS = {"http": 80, "https": 443}
ANY_PORT = 0

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::([0-9]{1,5}))?", re.ASCII)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """``host`` is lower case, an address of IPv6 without brackets; ``port`` is never left out."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str, host: str, port: int) -> Self:
        """With the host in the one spelling that is compared."""
        return cls(scheme, str(literal(host) or host.lower()), port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def origin_of(url: str) -> Origin:
    """Of an absolute http or https address. Raises ``WrongRequest`` for what programs read in different ways."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise WrongRequest("The address holds a blank, a backslash or a character that cannot be seen.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise WrongRequest("The address cannot be read; write it like https://help.example.org/otrs.") from None
    if parts.scheme not in PORTS:
        raise WrongRequest("The address must begin with https:// (or with http://).")
    if "@" in parts.netloc:
        raise WrongRequest("The address must not contain a login or a password; these have their own fields.")
    match = _AUTHORITY.fullmatch(parts.netloc)
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        raise WrongRequest("Host or port of the address cannot be read; write it like https://help.example.org:8443.")
    return Origin(parts.scheme, _host(match[1].lower()), int(match[2] or PORTS[parts.scheme]))


def _host(text: str) -> str:
    """In the one spelling that is compared."""
    if not text.isascii():
        raise WrongRequest(f"Write the host “{text[:80]}” in ASCII, as the name servers know it (xn--…).")
    address = literal(text.strip("[]"))
    if text.startswith("[") or _NUMBER.fullmatch(text.rpartition(".")[2]):
        if address is None or (text[0] == "[") != (address.version == 6):
            raise WrongRequest(f"“{text[:80]}” is no address; write it like 192.0.2.7 or [2001:db8::7].")
        return str(address)
    if not _NAME.fullmatch(text):
        raise WrongRequest(f"“{text[:80]}” is no name of a host; it has letters, digits and no dot at its end.")
    return text


@dataclass(frozen=True, slots=True)
class Reach:
    """``origins`` may be reached; with none listed every host may, this machine excepted.

    Never reached, listed or not: link-local, multicast, unspecified and reserved addresses, and those where clouds
    hand out secrets. This machine is reached only where its origin itself stands in the list, by no other name.
    """

    origins: frozenset[Origin] = frozenset()
    setting: str = SETTING

    @classmethod
    def of(cls, texts: Iterable[str], *, setting: str = SETTING) -> Self:
        """From ``https://host[:port]``; ``:*`` is any port of this machine. Raises ``WrongRequest``."""
        return cls(frozenset(_listed(text.strip(), setting) for text in texts if text.strip()), setting)

    def check(self, url: str) -> Origin:
        """The origin of an address that may be asked; no name is looked up. Raises ``WrongRequest``."""
        origin = origin_of(url)
        self._admit(origin)
        return origin

    def addresses(self, origin: Origin) -> list[str]:
        """Where to connect to, best first. Raises ``WrongRequest``, or ``OSError`` where the name has no address."""
        self._admit(origin)
        return look_up(origin.host, origin.port, may_be_here=self._may_be_here(origin))

    def _admit(self, origin: Origin) -> None:
        if self.origins and not self._lists(origin):
            raise WrongRequest(
                f"{origin} is none of the ticket systems that the portal may talk to. Nothing was sent. Whoever runs "
                f"the portal can add it to the setting {self.setting}."
            )
        if not self.origins and is_this_machine(origin.host):
            raise WrongRequest(
                f"{origin} is this machine itself, which the portal talks to only where the setting {self.setting} "
                "names it. Nothing was sent."
            )
        address = literal(origin.host)
        if address is not None:
            judge(origin.host, address, may_be_here=self._may_be_here(origin))

    def _lists(self, origin: Origin) -> bool:
        return not self.origins.isdisjoint((origin, Origin(origin.scheme, origin.host, ANY_PORT)))

    def _may_be_here(self, origin: Origin) -> bool:
        return is_this_machine(origin.host) and self._lists(origin)


def _listed(text: str, setting: str) -> Origin:
    bare = text.removesuffix(":*")
    try:
        origin = origin_of(bare)
        here = is_this_machine(origin.host)
        address = literal(origin.host)
        if address is not None:
            judge(origin.host, address, may_be_here=True)
    except WrongRequest as error:
        raise WrongRequest(f"The setting {setting} cannot be used: “{_shown(text)}”. {error}") from None
    if "/" in bare.partition("://")[2] or "?" in bare or "#" in bare:
        raise WrongRequest(
            f"The setting {setting} holds “{_shown(text)}”; it lists addresses without a path, such as "
            "https://help.example.org or https://help.example.org:8443, separated by commas."
        )
    if bare == text:
        return origin
    if not here or origin.port != PORTS[origin.scheme]:
        raise WrongRequest(
            f"The setting {setting} holds “{_shown(text)}”; any port (:*) is for this machine alone, such as "
            f"http://127.0.0.1:* or http://{THIS_MACHINE}:*."
        )
    return Origin(origin.scheme, origin.host, ANY_PORT)


def _shown(text: str) -> str:
    """Without what may be a login and a password."""
    before, sign, after = text.rpartition("@")
    return f"…@{after[:80]}" if sign else before + after[:80]
