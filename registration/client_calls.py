"""One question to the registration server, and what a call tells whoever made it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from registration.client_answers import API_VERSION, Answer, NotPossible, read_answer, request_fields
from registration.client_transport import post, url_fault
from registration.own_facts import system_facts


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a call did what it should; else ``reason`` is a sentence for people."""

    success: bool
    reason: str = ""
    is_wrong_use: bool = False
    """Nothing was sent, since it could not have helped."""


@dataclass(frozen=True, slots=True)
class TokenOutcome(Outcome):
    token: str = field(default="", repr=False)


def server_fault() -> str:
    """Why there is no server to ask, as a sentence; empty where there is one."""
    if not settings.REGISTRATION_URL:
        return _("REGISTRATION_URL names no registration server, so this portal registers nowhere.")
    return url_fault(settings.REGISTRATION_URL)


def server_url() -> str:
    """Where the registration server is. Raises ``NotPossible``."""
    fault = server_fault()
    if fault:
        raise NotPossible(fault)
    return str(settings.REGISTRATION_URL)


def facts() -> dict[str, object]:
    """What Register and Update tell of this portal, by the names that the wire has for them."""
    known = system_facts()
    language = {"PerlVersion": f"Python {known.pop('PythonVersion')}"}  # the wire has one name for what it runs on
    return {"State": "active", "APIVersion": API_VERSION, "SupportDataSending": "No", **known, **language}


@sensitive_variables("data", "secrets", "otrs_id_auth", "unique_id_auth", "fields")
def ask(
    server: str,
    operation: str,
    data: Mapping[str, object],
    *,
    secrets: Collection[str],
    otrs_id_auth: Mapping[str, str] | None = None,
    unique_id_auth: Mapping[str, str] | None = None,
) -> Answer:
    """The server's answer to one operation. Raises ``NoAnswer``; no sentence holds one of the ``secrets``."""
    fields = request_fields(operation, data, otrs_id_auth=otrs_id_auth, unique_id_auth=unique_id_auth)
    return read_answer(post(server, fields), operation=operation, secrets=secrets)
