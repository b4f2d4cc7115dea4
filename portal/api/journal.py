"""What became of tokens and who was turned away, in the audit log. Never a token, only its beginning."""

from django.http import HttpRequest

from audit.actions import Action
from audit.middleware import record_refusal
from audit.recording import record
from portal.token_models import ApiToken


def note_made(token: ApiToken) -> None:
    record(Action.TOKEN_MADE, target=token, text=token.scopes)


def note_revoked(token: ApiToken) -> None:
    record(Action.TOKEN_REVOKED, target=token)


def note_denied(request: HttpRequest, *, status: int) -> None:
    """A status of 403 is recorded for every page in one place, so not here."""
    if status != 403:
        record_refusal(Action.TOKEN_REFUSED, request)
