"""The second factor: codes of an authenticator app, and codes to recover with. Its secrets are stored encrypted."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from common.fields import decrypt, encrypt
from portal.roles import ADMINISTRATOR, NAMES_OF_ROLES


class MFAAdapter(DefaultMFAAdapter):
    """Named by ``MFA_ADAPTER``; ``manage.py rotate_keys`` knows where these secrets stand, see ``common.rotation``."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Whether the sign-in of the user asks for a code; codes to recover with do not count on their own."""
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()


def needs_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the user has a role of ``SECOND_FACTOR_REQUIRED_FOR`` and no second factor yet.

    One query for those who have one; asked for each request, so that a role or a loss counts from the next one.
    """
    required = settings.SECOND_FACTOR_REQUIRED_FOR
    if not required or not isinstance(user, User) or has_second_factor(user):
        return False
    return _has_role(user, {NAMES_OF_ROLES[name] for name in required})


def _has_role(user: User, roles: set[str]) -> bool:
    if ADMINISTRATOR in roles and (user.is_staff or user.is_superuser):
        return True
    return user.groups.filter(name__in=roles).exists()
