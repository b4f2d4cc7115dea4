"""Tokens of the read API: made, recognised, revoked.

``bpt_`` and 8 hex digits that name the token, then 64 that nobody can guess. Of the whole only a keyed hash is stored.
"""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.api.journal import note_made, note_revoked
from portal.api.scopes import Scope
from portal.token_models import MOST_DAYS, ApiToken
from registration.identifiers import keyed_hash, matches

FORM = re.compile(r"bpt_([0-9a-f]{8})_[0-9a-f]{64}")
PURPOSE = "api token"
DEFAULT_DAYS = 90
MOST_TOKENS = 20
"""Of one user that are good at the same time."""
USE_NOTED_EVERY = timedelta(minutes=1)
NOBODY = "0" * 64
"""Stands for the hash where no token has the name, so that looking takes as long."""


class TokenRefused(Exception):
    """Why no token was made, as a sentence."""


@transaction.atomic
def make_token(*, user: User, name: str, scopes: Collection[str], days: int, now: datetime) -> tuple[ApiToken, str]:
    """The token's row and the token itself, which nobody can show again. Raises ``TokenRefused``."""
    name = name.strip()
    _check(user, name, scopes, days, now=now)
    prefix = secrets.token_hex(4)
    text = f"bpt_{prefix}_{secrets.token_hex(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=prefix,
        key_hash=keyed_hash(PURPOSE, text),
        scopes=" ".join(scope.value for scope in Scope if scope.value in scopes),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    note_made(token)
    return token, text


def _check(user: User, name: str, scopes: Collection[str], days: int, *, now: datetime) -> None:
    if not user.is_active:
        raise TokenRefused(_("%(user)s may not sign in, so no token was made.") % {"user": user})
    if not name or len(name) > 80 or "\0" in name:
        raise TokenRefused(_("A token needs a name of at most 80 characters. None was made."))
    unknown = set(scopes) - set(Scope.values)
    if unknown or not scopes:
        known = {"scopes": ", ".join(Scope.values)}
        raise TokenRefused(_("A token needs at least one of these scopes, and no others: %(scopes)s.") % known)
    if not 1 <= days <= MOST_DAYS:
        raise TokenRefused(_("A token is good for 1 to %(most)d days. None was made.") % {"most": MOST_DAYS})
    if ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now).count() >= MOST_TOKENS:
        text = _("%(user)s has %(count)d tokens that are good already. Revoke one of them first.")
        raise TokenRefused(text % {"user": user, "count": MOST_TOKENS})


def recognise(text: str, *, now: datetime) -> ApiToken | None:
    """The usable token of a user who may sign in; all others are alike. One query at most."""
    match = FORM.fullmatch(text)
    if match is None:
        return None
    token = ApiToken.objects.select_related("user").filter(prefix=match[1]).first()
    is_right = matches(PURPOSE, text, token.key_hash if token else NOBODY)
    if token is None or not is_right or not token.user.is_active or not token.is_usable(now=now):
        return None
    return token


def note_use(token: ApiToken, text: str, *, now: datetime) -> None:
    """Once a minute at most; the hash is made anew with the newest key meanwhile."""
    before = now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at <= before:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now, key_hash=keyed_hash(PURPOSE, text))


@transaction.atomic
def revoke_token(token: ApiToken, *, by: User | None, now: datetime) -> bool:
    """It is refused from the next request on; ``False`` where it was revoked before. ``by``: ``None`` for a command."""
    done = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now, revoked_by=by)
    if done:
        note_revoked(token)
    return bool(done)
