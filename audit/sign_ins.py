"""Who signed in and out, who tried to, and what became of second factors: told by the signals of the libraries."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _

from audit.actions import Action, Result
from audit.recording import record


def connect() -> None:
    """Listen; to the second factor where its app is installed."""
    for signal, receiver in (
        (user_logged_in, signed_in),
        (user_logged_out, signed_out),
        (user_login_failed, sign_in_failed),
    ):
        signal.connect(receiver, dispatch_uid=f"audit.{receiver.__name__}")
    if apps.is_installed("allauth.mfa"):
        connect_second_factor(import_module("allauth.mfa.signals"))


def connect_second_factor(signals: Any) -> None:
    """``signals`` is the library's module; it cannot be imported while its app is not installed."""
    for name, action, result in (
        ("authenticator_added", Action.FACTOR_SET, Result.DONE),
        ("authenticator_removed", Action.FACTOR_REMOVED, Result.DONE),
        ("authenticator_reset", Action.FACTOR_RENEWED, Result.DONE),
        ("authentication_failed", Action.FACTOR_FAILED, Result.REFUSED),
    ):
        receiver = _of_second_factor(action, result)
        getattr(signals, name).connect(receiver, weak=False, dispatch_uid=f"audit.{name}")


def signed_in(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    record(Action.SIGNED_IN, target=user, user=user, request=request)


def signed_out(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Nobody signs out who was not signed in."""
    if user is not None:
        record(Action.SIGNED_OUT, target=user, user=user, request=request)


def sign_in_failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """A name that is nobody's is not kept: people type their password there."""
    name = str(credentials.get("username", ""))
    user = get_user_model()._default_manager.filter(username=name).first() if "\0" not in name else None
    told = "" if user else _("A name that nobody has.")
    record(Action.SIGN_IN_FAILED, target=user, text=told, result=Result.REFUSED, request=request)


def _of_second_factor(action: Action, result: Result) -> Any:
    def receive(sender: Any, request: HttpRequest, user: Any, authenticator: Any = None, **kwargs: Any) -> None:
        kind = str(getattr(authenticator, "type", ""))
        actor = user if result is Result.DONE else None  # a wrong code does not say that it was the person
        record(action, target=user, user=actor, text=kind, result=result, request=request)

    return receive
