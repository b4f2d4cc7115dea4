"""``manage.py simulate_ticket_system``: a stand-in ticket system on this machine, for the demo and for trying out."""

import argparse
import errno
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.months import Month
from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.faults import FaultKind, NotAFault, parse_fault
from generic_interface.simulator.months import ZONE
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.store import TicketStore

DEFAULT_PORT = 8099
EXAMPLE = "Example: manage.py simulate_ticket_system --port 8099 --last-month 2026-10 --fault TicketGet:http_500:2"


class Command(BaseCommand):
    help = f"Serves an invented ticket system on 127.0.0.1 until it is stopped with Ctrl-C. {EXAMPLE}"

    requires_system_checks = []  # needs neither the database nor the pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)"
        )
        parser.add_argument(
            "--last-month",
            type=_month,
            help="last of the three months that the data cover, YYYY-MM (default: previous)",
        )
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            type=_fault,
            metavar="OPERATION:KIND[:N]",
            help=f"fail every or the N-th request of an operation, or of any with *; kinds: {', '.join(FaultKind)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        last_month = options["last_month"] or Month.of(timezone.now().astimezone(ZONE)).previous
        data = build_data_set((last_month.year, last_month.month))
        try:
            simulator = start_simulator(data, port=options["port"], faults=options["fault"])
        except OSError as error:
            raise CommandError(_port_problem(options["port"], error), returncode=2) from None
        with simulator, _stop_signals() as stopped:
            self._tell(simulator, data)
            stopped.wait()
        self.stdout.write(_("Stopped after %(count)d requests.") % {"count": len(simulator.requests)})

    def _tell(self, simulator: RunningSimulator, data: TicketStore) -> None:
        """Where it listens, how to log in and what it holds."""
        kinds = Counter(ticket.state.state_type for ticket in data.tickets.values())
        self.stdout.write(_("Ticket system: %(url)s") % {"url": simulator.base_url})
        self.stdout.write(_("Login: %(login)s") % {"login": simulator.login})
        self.stdout.write(_("Password: %(password)s") % {"password": simulator.password})
        self.stdout.write(
            _("Time zone: %(zone)s, one time unit is one minute.") % {"zone": ZONE.key},
        )
        self.stdout.write(
            _(
                "It holds %(tickets)d tickets (%(closed)d closed) and %(entries)d bookings "
                "of %(customers)d customers and %(agents)d agents."
            )
            % {
                "tickets": len(data.tickets),
                "closed": kinds["closed"],
                "entries": len(data.entries()),
                "customers": len(data.customers),
                "agents": len(data.agents),
            }
        )
        for month in data.months:
            self.stdout.write(
                _("%(month)s: %(tickets)d tickets closed, %(minutes)s minutes booked.")
                % {
                    "month": f"{month[0]}-{month[1]:02d}",
                    "tickets": len(data.closed_in(month)),
                    "minutes": f"{data.minutes_booked_in(month):f}",
                }
            )
        self.stdout.write(_("Press Ctrl-C to stop."))
        self.stdout.flush()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port; write a number from 0 to 65535.")
    return int(text)


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fault(text: str) -> str:
    try:
        parse_fault(text)
    except NotAFault as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _port_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _("Port %(port)d is in use by another program. Stop that one, or choose another with --port.") % {
            "port": port
        }
    return _("Port %(port)d cannot be opened (%(reason)s). Choose another with --port.") % {
        "port": port,
        "reason": error.strerror,
    }


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the block runs."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
