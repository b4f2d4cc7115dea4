"""Whether ``rpc.pl`` of a ticket system answers, and what to do where it does not."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from django.utils.translation import gettext as _

from generic_interface.rpc_absences import StoredAbsences
from tickets.check_results import Check, ask_plainly
from tickets.connect import open_read_back
from tickets.models import TicketSystem

RPC = "rpc.pl"


def login_check_name(system: TicketSystem) -> str:
    """What the login is called with which tickets are searched."""
    if system.goes_over_rpc("TicketSearch"):
        return RPC
    return "SessionCreate" if makes_session(system) else _("Login")


def makes_session(system: TicketSystem) -> bool:
    by_session = system.authentication == TicketSystem.Authentication.SESSION
    return by_session and not system.goes_over_rpc("TicketSearch")


def rpc_checks(system: TicketSystem) -> Iterator[Check]:
    """Of ``rpc.pl`` beside the Generic Interface: a sync needs it where an operation goes over it."""
    reader = open_read_back(system)
    if reader is None or system.goes_over_rpc("TicketSearch"):
        return
    with closing(reader):
        check = ask_plainly(RPC, lambda: _log_in(reader), needed="RPC" in system.routes.values())
    yield check if check.works else replace(check, fix=rpc_fix())


def rpc_fix() -> str:
    return _(
        "Compare user and password with SOAP::User and SOAP::Password in the ticket system's configuration, and check "
        "the address of rpc.pl and the firewall."
    )


def _log_in(reader: StoredAbsences) -> str:
    reader.check_login()
    return _("The login of rpc.pl works. Whoever has it can do everything there; let nobody but the portal reach it.")
