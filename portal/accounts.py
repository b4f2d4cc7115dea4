"""Sign-in: accounts are made by an administrator, nobody signs up; whoever is wrong too often has to wait."""

import logging
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from common.addresses import address_of, network_of
from portal.session_limits import signed_in_recently
from portal.sessions import end_sessions
from portal.throttling import Attempt, Kind, TooManyAttempts, count_attempt, give_back

NOWHERE = "0.0.0.0"  # noqa: S104 - stands for an address that is not known
logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or NOWHERE

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """For the sign-in and whenever the password is asked for again; raises the answer 429."""
        attempts = _count(request, Kind.ACCOUNT, str(credentials.get("username", "")))
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            _give_all_back(attempts)
        return user

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not of those who have signed in a moment ago: they have just shown all that could be asked for."""
        return not signed_in_recently(context.request.session, now=timezone.now())

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        super().set_password(user, password)
        end_sessions(user, but=context.request.session.session_key)


class ThrottledChangePasswordForm(ChangePasswordForm):
    def clean_oldpassword(self) -> Any:
        attempts = _count(context.request, Kind.ACCOUNT, str(self.user))
        cleaned = super().clean_oldpassword()
        _give_all_back(attempts)
        return cleaned


class ThrottledAuthenticateForm(AuthenticateForm):
    def clean_code(self) -> str:
        return _checked_code(self.user, super().clean_code)


class ThrottledReauthenticateForm(ReauthenticateForm):
    def clean_code(self) -> str:
        return _checked_code(self.user, super().clean_code)


class ThrottledActivateTOTPForm(ActivateTOTPForm):
    def clean_code(self) -> str:
        return _checked_code(self.user, super().clean_code)


def _checked_code(user: AbstractBaseUser, check: Callable[[], str]) -> str:
    """The code, if it is right and was not shown before: whoever looked over a shoulder must not come in with it."""
    attempts = _count(context.request, Kind.CODE, str(user.pk))
    code = check()
    try:
        count_attempt(Kind.USED_CODE, f"{user.pk} {''.join(code.split())}", now=timezone.now())
    except TooManyAttempts:
        raise get_mfa_adapter().validation_error("incorrect_code") from None
    _give_all_back(attempts)
    return code


def _count(request: HttpRequest, kind: Kind, value: str) -> list[Attempt]:
    """Count an attempt for the subject and for the address it comes from; raises the answer that refuses it.

    The address first: one that is refused must not be able to use up the attempts of others.
    """
    now, network = timezone.now(), network_of(address_of(request) or NOWHERE)
    attempts: list[Attempt] = []
    try:
        for each, subject in ((Kind.ADDRESS, network), (kind, value)):
            attempts.append(count_attempt(each, subject, now=now))
    except TooManyAttempts as error:
        _give_all_back(attempts)
        logger.warning("sign-in refused: too many wrong attempts from %s", network)
        raise ImmediateHttpResponse(_please_wait(request, error.retry_after)) from error
    return attempts


def _give_all_back(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        give_back(attempt)


def _please_wait(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "429.html", {"minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response
