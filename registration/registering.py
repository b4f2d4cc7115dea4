"""Tokens, registrations and deregistrations. Everything here runs inside the transaction of the request."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from functools import lru_cache

from django.contrib.auth.hashers import check_password, make_password

from registration.events import note
from registration.identifiers import (
    UpdateId,
    api_keys_for,
    keyed_hash,
    keyed_hashes,
    matches,
    new_salt,
    new_token,
    write_update_id,
)
from registration.models import Account, RegisteredSystem, RegistrationEvent, RegistrationToken
from registration.operations import Answer, Deregister, Key, Register, TokenGet
from registration.rotation import next_update

TOKEN_LIFE = timedelta(minutes=30)
WRONG_LOGIN = "Username unknown or password incorrect."
WRONG_TOKEN = "The token is unknown, used or too old, or belongs to another OTRS-ID. Please start again."  # noqa: S105
WRONG_KEY = "Unknown UniqueID or wrong API key. Please register this system again."
HASH_OF_NOTHING = "0" * 64
Kind = RegistrationEvent.Kind


@lru_cache(maxsize=1)
def _dummy_password() -> str:
    return make_password(new_token())


def normal_otrs_id(text: str) -> str:
    return text.strip().lower()


def log_in(otrs_id: str, password: str) -> Account | None:
    """The active account with this password. An unknown OTRS-ID takes as long as a wrong password."""
    account = Account.objects.filter(otrs_id=normal_otrs_id(otrs_id), active=True).first()
    right = check_password(password, account.password if account else _dummy_password())
    return account if right else None


def give_token(account: Account | None, asked: TokenGet, *, address: str | None, now: datetime) -> Answer:
    if account is None:
        return Answer(data={"Auth": "failed"}, reason=WRONG_LOGIN)
    token = new_token()
    RegistrationToken.objects.create(
        account=account,
        token_hash=keyed_hash("token", token),
        purpose=asked.purpose,
        address=address,
        created_at=now,
        expires_at=now + TOKEN_LIFE,
    )
    RegistrationEvent.objects.create(account=account, kind=Kind.TOKEN, at=now, address=address)
    return Answer(data={"Auth": "ok", "Token": token})


def find_token(token: str, otrs_id: str) -> RegistrationToken | None:
    """Unlocked, and used or not: whether it is one of this account at all."""
    return RegistrationToken.objects.filter(
        token_hash__in=keyed_hashes("token", token), account__otrs_id=normal_otrs_id(otrs_id), account__active=True
    ).first()


def find_system(key: Key | None) -> RegisteredSystem | None:
    """The system whose key it is, unlocked. An unknown UniqueID takes as long as a wrong key."""
    if key is None:
        return None
    system = (
        RegisteredSystem.objects.filter(unique_id=key.unique_id).only("unique_id", "key_hash", "account_id").first()
    )
    right = matches("api key", key.api_key, system.key_hash if system else keyed_hash("nothing", key.unique_id))
    return system if right else None


def register(token: RegistrationToken | None, asked: Register, *, address: str | None, now: datetime) -> Answer:
    """A new system for the token, or the same answer again when this very request made it and it never updated."""
    if token is None:
        return Answer(reason=WRONG_TOKEN)
    payload_hash = _payload_hash(asked.payload)
    if not _use(token, RegistrationToken.Purpose.REGISTER, payload_hash, now=now):
        return _registered_before(token, payload_hash, address=address, now=now)
    old = _retire(asked.old, address=address, now=now)
    salt = new_salt()
    system = RegisteredSystem.objects.create(
        account_id=token.account_id,
        unique_id=str(uuid.uuid4()),
        key_hash=keyed_hash("api key", api_keys_for(token.token_hash)[0]),
        replaces=old,
        reported_type=asked.type,
        reported_description=asked.description,
        sends_support_data=asked.sends_support_data,
        address=address,
        registered_at=now,
        last_ok_at=now,
        next_due_at=next_due(now),
        salt=salt,
        **asked.facts,
    )
    RegistrationToken.objects.filter(pk=token.pk).update(system=system)
    kind = Kind.REGISTERED if old is None else Kind.REGISTERED_AGAIN
    note(system, kind, address=address, now=now, facts=asked.facts)
    return _registration(system, token, now=now)


def deregister(token: RegistrationToken | None, asked: Deregister, *, address: str | None, now: datetime) -> Answer:
    """Ends the registration; the same request again is done already."""
    if token is None:
        return Answer(reason=WRONG_TOKEN)
    known = find_system(asked.key)
    if known is None:
        return Answer(reason=WRONG_KEY)
    if known.account_id != token.account_id:
        return Answer(reason="The system is registered with another OTRS-ID.")
    payload_hash = _payload_hash(asked.payload)
    if not _use(token, RegistrationToken.Purpose.DEREGISTER, payload_hash, now=now, system=known):
        again = _used_for(token, RegistrationToken.Purpose.DEREGISTER, payload_hash)
        return Answer() if again is not None else Answer(reason=WRONG_TOKEN)
    system = RegisteredSystem.objects.select_for_update().get(pk=known.pk)
    if system.state != RegisteredSystem.State.DEREGISTERED:
        _end(system, RegisteredSystem.State.DEREGISTERED, now=now)
        note(system, Kind.DEREGISTERED, address=address, now=now)
    return Answer()


def next_due(now: datetime, other: datetime | None = None) -> datetime:
    """A week from now, up to six hours earlier or later, and not near ``other``."""
    return next_update(now, secrets.SystemRandom().uniform(-1, 1), other)


def seconds_until(due: datetime, now: datetime) -> str:
    """As the client wants it: digits, and never 0, which it takes for nothing."""
    return str(max(1, int((due - now).total_seconds())))


def _use(
    token: RegistrationToken,
    purpose: RegistrationToken.Purpose,
    payload_hash: str,
    *,
    now: datetime,
    system: RegisteredSystem | None = None,
) -> bool:
    """Mark the token as used by one conditional UPDATE; ``False`` when somebody else has, or it is over."""
    free = RegistrationToken.objects.filter(
        pk=token.pk,
        used_at__isnull=True,
        expires_at__gte=now,
        created_at__lte=now,
        purpose__in=(RegistrationToken.Purpose.EITHER, purpose),
    )
    return free.update(used_at=now, used_for=purpose, payload_hash=payload_hash, system=system) == 1


def _used_for(
    token: RegistrationToken, purpose: RegistrationToken.Purpose, payload_hash: str
) -> RegisteredSystem | None:
    """The system that this very request has registered or deregistered before."""
    used = RegistrationToken.objects.filter(pk=token.pk, used_for=purpose, payload_hash=payload_hash).first()
    return used.system if used else None


def _registered_before(token: RegistrationToken, payload_hash: str, *, address: str | None, now: datetime) -> Answer:
    found = _used_for(token, RegistrationToken.Purpose.REGISTER, payload_hash)
    if found is None:
        return Answer(reason=WRONG_TOKEN)
    system = RegisteredSystem.objects.select_for_update().get(pk=found.pk)
    if system.state != RegisteredSystem.State.ACTIVE or system.last_counter is not None:
        return Answer(reason=WRONG_TOKEN)
    note(system, Kind.REPEATED, address=address, now=now)
    return _registration(system, token, now=now)


def _registration(system: RegisteredSystem, token: RegistrationToken, *, now: datetime) -> Answer:
    api_key = next(key for key in api_keys_for(token.token_hash) if matches("api key", key, system.key_hash))
    return Answer(
        data={
            "UniqueID": system.unique_id,
            "APIKey": api_key,
            "LastUpdateID": write_update_id(system.unique_id, UpdateId(system.counter, system.salt)),
            "NextUpdate": seconds_until(system.next_due_at, now),
            "Type": system.type,
            "Description": system.description,
        }
    )


def _retire(key: Key, *, address: str | None, now: datetime) -> RegisteredSystem | None:
    """The registration that the new one takes the place of; ``None`` when the old key is not right."""
    known = find_system(key) if key.unique_id and key.api_key else None
    if known is None:
        return None
    old = RegisteredSystem.objects.select_for_update().get(pk=known.pk)
    if old.ended_at is None:
        _end(old, RegisteredSystem.State.RETIRED, now=now)
        note(old, Kind.RETIRED, address=address, now=now)
    return old


def _end(system: RegisteredSystem, state: RegisteredSystem.State, *, now: datetime) -> None:
    system.state, system.ended_at = state, now
    system.save(update_fields=["state", "ended_at"])


def _payload_hash(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()
