"""One update as it was begun: sent, and its answer kept."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from registration import own_steps as steps
from registration.client_answers import (
    LONGEST_TEXT,
    LONGEST_TYPE,
    Answer,
    NoAnswer,
    read_next_update,
    read_optional,
    read_text,
)
from registration.client_calls import Outcome, ask, facts
from registration.own_steps import Attempt, Updated
from tickets.models import AnyUser

STALE = "stale"
"""The server's code for an attempt that it has seen before a later one."""

logger = logging.getLogger(__name__)


@sensitive_variables("data", "auth", "answer", "updated")
def send_update(server: str, attempt: Attempt, *, debug: bool, now: datetime, user: AnyUser | None) -> Outcome | None:
    """Send it and keep what comes of it; ``None`` where the update has to be begun once more."""
    auth = {"UniqueID": attempt.unique_id, "APIKey": attempt.api_key}
    told = {**attempt.given, **facts()}
    if debug:
        logger.info("The update sends %s", told)
    data = {"LastUpdateID": attempt.update_id, "AttemptID": attempt.attempt, **told}
    try:
        answer = ask(server, "Update", data, secrets=[attempt.api_key], unique_id_auth=auth)
        updated = _read_update(answer.data) if answer.success else None
    except NoAnswer as error:
        steps.note_failure(str(error), now=now, user=user, attempt=attempt)
        return Outcome(False, str(error))
    if updated is not None:
        steps.keep_update(attempt, updated, now=now, user=user)
        return Outcome(True)
    return _not_updated(attempt, answer, now=now, user=user)


def _not_updated(attempt: Attempt, answer: Answer, *, now: datetime, user: AnyUser | None) -> Outcome | None:
    if answer.data.get("Code") == STALE:
        steps.renew_attempt(attempt)
        return None
    if not answer.is_decided:
        text = _("The registration server could not take the update: %(reason)s Nothing was lost; it is sent again.")
        sentence = text % {"reason": answer.reason}
        steps.note_failure(sentence, now=now, user=user, attempt=attempt)
        return Outcome(False, sentence)
    text = _("The registration server refused the update: %(reason)s Register this portal again.")
    sentence = text % {"reason": answer.reason}
    if not steps.keep_refusal(attempt, sentence, now=now, user=user):
        return None
    return Outcome(False, sentence)


def _read_update(data: Mapping[str, object]) -> Updated:
    """The new id must be there. A new unique ID and key count only together. Raises ``NoAnswer``."""
    unique_id, api_key = read_optional(data, "UniqueID", longest=100), read_optional(data, "APIKey")
    both = bool(unique_id and api_key)
    return Updated(
        update_id=read_text(data, "UpdateID"),
        next_update=read_next_update(data),
        system_type=read_optional(data, "Type", longest=LONGEST_TYPE),
        description=read_optional(data, "Description", longest=LONGEST_TEXT),
        unique_id=unique_id if both else None,
        api_key=api_key if both else None,
    )
