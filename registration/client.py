"""This portal as a client of a registration server: the six calls of the protocol.

Each call asks once (``client_transport.post`` says what is repeated) and keeps what came of it in one transaction. A
password is only passed on, a token only held in memory; neither is kept, logged or told in a sentence. Nothing is
locked while the network is waited for.
"""

from datetime import datetime

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from common.fields import DecryptionError
from registration import own_steps as steps
from registration.client_answers import API_VERSION, NoAnswer, NotPossible, read_keys, read_text
from registration.client_calls import Outcome, TokenOutcome, ask, facts, server_url
from registration.client_updates import send_update
from registration.date_check import date_check
from registration.models import OwnRegistration
from registration.own_facts import system_facts
from tickets.models import AnyUser

ROUNDS = 3
"""Of one update: what an earlier one left behind, the one that was asked for, and a new attempt where a copy is."""


@sensitive_variables("password")
def token_get(*, otrs_id: str, password: str, purpose: str = "") -> TokenOutcome:
    """TokenGet: a token for one registration or deregistration; good for 30 minutes, never kept.

    ``purpose`` is ``Register``, ``Deregister`` or empty for either.
    """
    try:
        server = server_url()
        data = {"Purpose": purpose} if purpose else {}
        account = {"OTRSID": otrs_id, "Password": password}
        answer = ask(server, "TokenGet", data, secrets=[password], otrs_id_auth=account)
        if not answer.success:
            return TokenOutcome(False, answer.reason)
        if answer.data.get("Auth") != "ok":
            return TokenOutcome(False, _("Username unknown or password incorrect."))
        return TokenOutcome(True, token=read_text(answer.data, "Token"))
    except NotPossible as error:
        return TokenOutcome(False, str(error), is_wrong_use=True)
    except NoAnswer as error:
        return TokenOutcome(False, str(error))


@sensitive_variables("token", "old", "data", "answer", "keys")
def register(
    *,
    token: str,
    otrs_id: str,
    system_type: str,
    description: str = "",
    now: datetime,
    user: AnyUser | None = None,
) -> Outcome:
    """Register: a key and the first update id are kept, or nothing is.

    Where the answer is lost the server holds a registration that nobody reports for; it expires there, and a second
    call with a new token makes another one. An earlier registration at the same server is named and thereby ended.
    """
    try:
        server = server_url()
        old = steps.old_keys(server=server)
        data = {
            "OTRSID": otrs_id,
            "Token": token,
            "Type": system_type,
            "Description": description,
            "OldUniqueID": old.unique_id,
            "OldAPIKey": old.api_key,
            **facts(),
        }
        auth = {"UniqueID": old.unique_id, "APIKey": old.api_key} if old.is_known else None
        answer = ask(server, "Register", data, secrets=[token, old.api_key], unique_id_auth=auth)
        if answer.success:
            keys = read_keys(answer.data)
            steps.keep_keys(keys, server=server, system_type=system_type, description=description, now=now, user=user)
            return Outcome(True)
    except NotPossible as error:
        return Outcome(False, str(error), is_wrong_use=True)
    except NoAnswer as error:
        steps.note_failure(str(error), now=now, user=user)
        return Outcome(False, str(error))
    steps.note_failure(answer.reason, now=now, user=user, refused=True)
    return Outcome(False, answer.reason)


def registration_data_get(*, extended: bool = False) -> dict[str, str]:
    """RegistrationDataGet: what is kept of the registration, without its key; ``extended`` adds what is reported.

    Times are ISO 8601 in UTC; what is not known is an empty text.
    """
    own = steps.the_own()
    data = {
        "State": own.state,
        "Server": own.server,
        "UniqueID": own.unique_id,
        "Type": own.system_type,
        "Description": own.description,
        "LastUpdate": own.last_ok.isoformat() if own.last_ok else "",
        "NextUpdate": own.next_due.isoformat() if own.next_due else "",
        "Reason": own.error,
    }
    return data | system_facts() if extended else data


def registration_update_send(
    *,
    system_type: str | None = None,
    description: str | None = None,
    debug: bool = False,
    now: datetime,
    user: AnyUser | None = None,
) -> Outcome:
    """RegistrationUpdateSend: report, and keep the new update id. ``None`` leaves type or description as it is.

    An update that was begun and got no answer is sent first, with the same attempt id and what it carried then.
    ``debug`` logs the facts that are sent; secrets are none of them.
    """
    wanted = {"Type": system_type, "Description": description}
    given = {name: value for name, value in wanted.items() if value is not None}
    try:
        server = server_url()
        for _round in range(ROUNDS):
            attempt = steps.begin_update(server=server, given=given)
            outcome = send_update(server, attempt, debug=debug, now=now, user=user)
            if outcome is not None and not (outcome.success and given.items() - attempt.given.items()):
                return outcome
    except NotPossible as error:
        return Outcome(False, str(error), is_wrong_use=True)
    return Outcome(False, _("Another update was on its way at the same time. Look at the state and try again."))


def send_due_update(*, now: datetime) -> Outcome | None:
    """The weekly update, if it is due; ``None`` where it is not, or where somebody else sends it."""
    if not steps.claim_due(now=now):
        return None
    outcome = registration_update_send(now=now)
    if outcome.is_wrong_use:
        steps.note_failure(outcome.reason, now=now, user=None)
    return outcome


@sensitive_variables("token", "own", "data")
def deregister(*, token: str, otrs_id: str, now: datetime, user: AnyUser | None = None) -> Outcome:
    """Deregister: the server forgets this portal and the updates stop. Where the answer was lost, call it again."""
    try:
        server = server_url()
        own = steps.refuse_unknown(server=server)
        auth = {"UniqueID": own.unique_id, "APIKey": own.api_key}
        data = {"OTRSID": otrs_id, "Token": token, "APIVersion": API_VERSION, **auth}
        answer = ask(server, "Deregister", data, secrets=[token, own.api_key], unique_id_auth=auth)
    except (NotPossible, DecryptionError) as error:
        return Outcome(False, str(error), is_wrong_use=True)
    except NoAnswer as error:
        steps.note_failure(str(error), now=now, user=user)
        return Outcome(False, str(error))
    if not answer.success:
        steps.note_failure(answer.reason, now=now, user=user, refused=True)
        return Outcome(False, answer.reason)
    steps.keep_deregistration(own.unique_id, now=now, user=user)
    return Outcome(True)


def registration_date_check(own: OwnRegistration | None = None, *, now: datetime) -> str | None:
    """RegistrationDateCheck: ``None``, ``ON_GRACE_PERIOD`` or ``EXPIRED``. One query where the row is not given.

    Nothing is sent. A portal that was never registered, or was deregistered, has nothing that could expire.
    """
    own = own or steps.the_own()
    if not own.is_known or own.last_ok is None:
        return None
    return date_check(last_ok=own.last_ok, conflict_at=own.refused_at, now=now)
