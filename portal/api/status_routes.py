"""``/status``: whose token it is, and how far the data can be trusted."""

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field

from portal.api.access import caller
from portal.api.routing import reads
from portal.api.values import Moment
from portal.data_line import state_for
from portal.token_models import ApiToken

router = Router(tags=["Status"])


class TokenState(BaseModel):
    """The token that asks."""

    name: str
    user: Annotated[str, Field(description="Login of the user whose rights it has.")]
    scopes: Annotated[list[str], Field(examples=[["orders:read"]])]
    expires_at: Moment


class ReadingState(BaseModel):
    """The latest reading of the newest month of an active ticket system."""

    system: str
    begun_at: Annotated[Moment | None, Field(description="null: it was never read.")]
    complete: bool


class StatusRecord(BaseModel):
    """The line at the foot of every page, for programs."""

    version: Annotated[str, Field(description="Version of the portal.")]
    token: TokenState
    sentence: Annotated[str, Field(description="As the pages say it; empty for users without customers.")]
    as_of: Annotated[Moment | None, Field(description="When the oldest of the latest readings began.")]
    complete: Annotated[
        bool, Field(description="Whether these are complete and a month that is over was read in full.")
    ]
    readings: list[ReadingState]


@reads(router, "/status", answer=StatusRecord, summary="Status of the data")
def status(request: HttpRequest) -> StatusRecord:
    """Any token may ask. What it says is about the ticket systems whose customers you see."""
    state = state_for(caller(request), now=timezone.now())
    return StatusRecord(
        version=settings.VERSION,
        token=_token(request.auth),  # type: ignore[attr-defined]  # set by the library
        sentence=state.text,
        as_of=state.as_of,
        complete=state.complete,
        readings=[
            ReadingState(system=reading.system, begun_at=reading.begun, complete=reading.complete)
            for reading in state.readings
        ],
    )


def _token(token: ApiToken) -> TokenState:
    login = token.user.get_username()
    return TokenState(name=token.name, user=login, scopes=token.scope_names, expires_at=token.expires_at)
