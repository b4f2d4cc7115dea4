"""One request to the registration server: look, count, then everything in one transaction, then the answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from registration.limits import Subject, count, forget_old_counters
from registration.models import Account, RegisteredSystem, RegistrationToken
from registration.operations import (
    Answer,
    Asked,
    Deregister,
    Register,
    Request,
    SupportDataAdd,
    TokenGet,
    Update,
    Wrong,
)
from registration.registering import (
    WRONG_KEY,
    deregister,
    find_system,
    find_token,
    give_token,
    log_in,
    normal_otrs_id,
    register,
)
from registration.updating import store_support_data, update

UNUSED_TOKENS_KEPT = timedelta(days=1)


@dataclass(slots=True)
class Known:
    """What was looked up before the transaction, and what support data then learns from what it came with."""

    account: Account | None = None
    token: RegistrationToken | None = None
    system: RegisteredSystem | None = None
    reports: RegisteredSystem | None = None
    refused: str = ""


def answer(request: Request, *, address: str | None, now: datetime) -> list[Answer]:
    """One answer for each operation, in order; all their effects are committed when this returns, or none.

    Raises ``limits.TooMany`` before anything but a counter is written.
    """
    known = Known()
    for asked in request.asked:
        _look(known, asked, request, address=address, now=now)
    with transaction.atomic():
        return [_do(known, asked, request, address=address, now=now) for asked in request.asked]


def forget(*, now: datetime) -> None:
    """Delete counters of windows long over and tokens that nobody used in time."""
    forget_old_counters(now=now)
    RegistrationToken.objects.filter(used_at__isnull=True, expires_at__lt=now - UNUSED_TOKENS_KEPT).delete()


def _look(known: Known, asked: Asked, request: Request, *, address: str | None, now: datetime) -> None:
    operation = asked.operation
    if isinstance(operation, TokenGet):
        count(Subject.TOKEN_BY_ADDRESS, address or "", now=now)
        count(Subject.TOKEN_OF_ACCOUNT, normal_otrs_id(operation.otrs_id), now=now)
        known.account = log_in(operation.otrs_id, operation.password)
    elif isinstance(operation, Register | Deregister):
        known.token = find_token(operation.token, operation.otrs_id)
        wrong = known.token is None or (isinstance(operation, Deregister) and find_system(operation.key) is None)
        _count_wrong(wrong, address, now=now)
    elif isinstance(operation, Update):
        known.system = find_system(request.key)
        _count_wrong(known.system is None, address, now=now)
        if known.system is not None:
            count(Subject.UPDATE_OF_SYSTEM, known.system.unique_id, now=now)
    elif isinstance(operation, SupportDataAdd) and not request.introduces_system:
        known.reports = find_system(request.key)
        _count_wrong(known.reports is None, address, now=now)


def _count_wrong(wrong: bool, address: str | None, *, now: datetime) -> None:
    if wrong:
        count(Subject.WRONG_BY_ADDRESS, address or "", now=now)


def _do(known: Known, asked: Asked, request: Request, *, address: str | None, now: datetime) -> Answer:
    operation = asked.operation
    if isinstance(operation, Wrong):
        return Answer(reason=operation.reason)
    if isinstance(operation, TokenGet):
        return give_token(known.account, operation, address=address, now=now)
    if isinstance(operation, Deregister):
        return deregister(known.token, operation, address=address, now=now)
    if isinstance(operation, SupportDataAdd):
        return _add_support_data(known, operation, now=now)
    if isinstance(operation, Register):
        result = register(known.token, operation, address=address, now=now)
        known.reports = RegisteredSystem.objects.filter(unique_id=result.data.get("UniqueID", "")).first()
    else:
        result = _update(known, operation, request, address=address, now=now)
        known.reports = None if result.reason else known.system
    known.refused = result.reason
    return result


def _update(known: Known, operation: Update, request: Request, *, address: str | None, now: datetime) -> Answer:
    if known.system is None or request.key is None:
        return Answer(reason=WRONG_KEY)
    return update(known.system, operation, api_key=request.key.api_key, address=address, now=now)


def _add_support_data(known: Known, operation: SupportDataAdd, *, now: datetime) -> Answer:
    """Goes the way of the registration or the update that it came with."""
    if known.reports is None:
        return Answer(reason=known.refused or WRONG_KEY)
    return store_support_data(known.reports, operation.content, now=now)
