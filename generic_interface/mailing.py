"""Whom an article is mailed to, and how the mail is signed and encrypted.

The ticket system's own rules are kept before sending: an address that it would refuse, or take and never mail to, is
a ``WrongRequest``. Whether it holds a key is not known here: a signature that fails stores the article all the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from generic_interface.errors import WrongRequest

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}))", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_NAMED = re.compile(r"(?P<name>[^<>,;\"]*|\"[^\"\\]*\")\s*<(?P<address>[^<>]*)>")
_KEY = re.compile(r"[0-9A-Za-z._-]{1,100}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Protection(StrEnum):
    """The three ways that ArticleSend knows; for S/MIME there is no choice between inline and detached."""

    PGP_INLINE = "pgp_inline"
    PGP_DETACHED = "pgp_detached"
    SMIME = "smime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """``name`` is the key as the ticket system lists it, for S/MIME the hash of the certificate."""

    protection: Protection
    name: str

    def parameters(self) -> dict[str, str]:
        """The value of ``Sign`` or ``Crypt``. Raises ``WrongRequest`` for a name that is none."""
        if not _KEY.fullmatch(self.name):
            raise WrongRequest(f"“{self.name[:80]}” is no name of a key; write it as the ticket system lists it.")
        if self.protection is Protection.SMIME:
            return {"Type": "SMIME", "Key": self.name}
        kind = "Inline" if self.protection is Protection.PGP_INLINE else "Detached"
        return {"Type": "PGP", "SubType": kind, "Key": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Recipients are addresses, or names with addresses such as ``Hans Müller <h.mueller@kunde.test>``."""

    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    sign: Key | None = None
    crypt: Key | None = None

    def parameters(self) -> dict[str, object]:
        """What makes an article a mail. Raises ``WrongRequest``."""
        if not self.to:
            raise WrongRequest("A mail needs a recipient.")
        answer: dict[str, object] = {"ArticleSend": 1}
        for name, recipients in (("To", self.to), ("Cc", self.cc), ("Bcc", self.bcc)):
            for recipient in recipients:
                bare_address(recipient)
            if recipients:
                answer[name] = ", ".join(recipients)
        for name, key in (("Sign", self.sign), ("Crypt", self.crypt)):
            if key is not None:
                answer[name] = key.parameters()
        return answer


def bare_address(recipient: str) -> str:
    """The address of a recipient. Raises ``WrongRequest`` for what the ticket system would refuse or not mail to."""
    if _CONTROL.search(recipient):
        raise WrongRequest("A recipient holds a line break or another character that no mail address has.")
    named = _NAMED.fullmatch(recipient.strip())
    address = named["address"] if named else recipient
    found = _ADDRESS.fullmatch(address)
    labels = found[1].split(".") if found else []
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or ".." in address or ".@" in address:
        raise WrongRequest(f"“{recipient[:100]}” is no mail address.")
    if labels[-2].lower() == "example" and len(labels) == 2:
        raise WrongRequest(
            f"“{recipient[:100]}” is an address of documentations: the ticket system refuses example.* as it is set up."
        )
    return address
