"""What is done with somebody's sign-in: a lost second factor is taken away, sessions are ended."""

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_removed
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from portal.sessions import end_sessions


@transaction.atomic
def take_second_factor(user: AbstractBaseUser, *, request: HttpRequest | None = None) -> bool:
    """Remove the user's second factor with its codes and end all sessions; returns whether there was one.

    Whoever has found the lost device is out, and the user signs in with the password and sets up a new one.
    """
    removed = list(Authenticator.objects.filter(user_id=user.pk))
    Authenticator.objects.filter(pk__in=[authenticator.pk for authenticator in removed]).delete()
    end_sessions(user)
    for authenticator in removed:
        authenticator_removed.send(sender=Authenticator, request=request, user=user, authenticator=authenticator)
    return bool(removed)
