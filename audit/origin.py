"""Who acts at this moment, and from where: a person's request, a task of the scheduler, or a command."""

import os
import pwd
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePath

from celery import current_task
from django.http import HttpRequest

from audit.actions import ActorKind
from common.addresses import address_of

REQUEST: ContextVar[HttpRequest | None] = ContextVar("audited_request", default=None)
"""The request that is being answered, for rows that are written deep below its view."""
REQUEST_ID = "portal.request_id"
"""Under this name the middleware that gives ids leaves the request's in ``META``, where no header can get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """``actor`` is the name, ``key`` the primary key of the person's account; ``source`` a request or a job."""

    kind: ActorKind
    actor: str = ""
    key: int | None = None
    address: str = ""
    source: str = ""


def origin_now(request: HttpRequest | None = None) -> Origin:
    """Of what runs at this moment; ``request`` where the caller has one at hand."""
    asked = request if request is not None else REQUEST.get()
    if asked is not None:
        return _of_request(asked)
    if current_task:  # empty outside of a worker
        return Origin(kind=ActorKind.SCHEDULER, actor=str(ActorKind.SCHEDULER.value), source=_job())
    return Origin(kind=ActorKind.COMMAND, actor=f"{_command()} by {_login()}")


def _of_request(request: HttpRequest) -> Origin:
    user = getattr(request, "user", None)
    address, source = address_of(request) or "", _source(request)
    if user is None or not user.is_authenticated:
        return Origin(kind=ActorKind.NOBODY, address=address, source=source)
    return Origin(kind=ActorKind.USER, actor=user.get_username(), key=user.pk, address=address, source=source)


def _source(request: HttpRequest) -> str:
    ident = request.META.get(REQUEST_ID, "")
    return f"request {ident}" if ident else ""


def _job() -> str:
    """The task, and the key of the job's row where it has one; ids only, never what else a task is given."""
    name, args = current_task.name, current_task.request.args
    return f"task {name} {args[0]}" if args and isinstance(args[0], int) else f"task {name}"


def _command() -> str:
    """The command of ``manage.py``; of anything else the program's name."""
    program = PurePath(sys.argv[0]).name if sys.argv else ""
    return sys.argv[1] if program == "manage.py" and len(sys.argv) > 1 else program or "python"


def _login() -> str:
    """Of the operating system; not taken from the environment, which anybody sets as they like."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
