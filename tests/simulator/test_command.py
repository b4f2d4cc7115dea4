import io
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from portal.management.commands.simulate_ticket_system import Command

COMMAND = "simulate_ticket_system"
MODULE = "portal.management.commands.simulate_ticket_system"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


class StopWhenServing(io.StringIO):
    """Output that asks the announced address once, then sends a signal, as a person with Ctrl-C would."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number
        self.answered = False

    def flush(self) -> None:
        port = re.search(r"127\.0\.0\.1:(\d+)/otrs", self.getvalue())
        if port and not self.answered:
            with socket.create_connection(("127.0.0.1", int(port[1])), timeout=5) as connection:
                connection.sendall(b"GET /otrs/elsewhere HTTP/1.1\r\nConnection: close\r\n\r\n")
                self.answered = connection.recv(12) == b"HTTP/1.1 404"
            threading.Timer(0.05, os.kill, (os.getpid(), self.number)).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_tells_what_it_holds_and_serves_until_a_signal(number: signal.Signals) -> None:
    out, before = StopWhenServing(number), signal.getsignal(number)

    call_command(COMMAND, "--port", "0", "--last-month", "2026-10", stdout=out)

    assert out.answered
    assert out.getvalue().splitlines()[1:] == [
        "Login: portal-api",
        "Password: stand-in-only",
        "Time zone: Europe/Berlin, one time unit is one minute.",
        "It holds 746 tickets (742 closed) and 1035 bookings of 8 customers and 8 agents.",
        "2026-08: 63 tickets closed, 7260.00 minutes booked.",
        "2026-09: 69 tickets closed, 6756.00 minutes booked.",
        "2026-10: 612 tickets closed, 8365.00 minutes booked.",
        "Press Ctrl-C to stop.",
        "Stopped after 0 requests.",
    ]
    assert signal.getsignal(number) == before


def test_command_takes_the_previous_month_of_the_ticket_system_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    half_an_hour_into_november = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(f"{MODULE}.timezone.now", lambda: half_an_hour_into_november)
    out = StopWhenServing(signal.SIGTERM)

    call_command(COMMAND, "--port", "0", "--fault", "TicketGet:drop:1", stdout=out)

    assert "2026-10: 612 tickets closed" in out.getvalue()


def test_port_in_use_is_one_sentence_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as refused:
            call_command(COMMAND, "--port", str(port))

    assert str(refused.value) == (
        f"Port {port} is in use by another program. Stop that one, or choose another with --port."
    )
    assert refused.value.returncode == 2


def test_port_that_cannot_be_opened_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(f"{MODULE}.start_simulator", forbidden)

    with pytest.raises(CommandError, match=r"Port 80 cannot be opened \(Permission denied\)") as refused:
        call_command(COMMAND, "--port", "80")
    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "70000"], "'70000' is not a port"),
        (["--last-month", "2026-13"], "is not a month"),
        (["--fault", "TicketGet:explode"], "'TicketGet:explode' is not a fault"),
    ],
)
def test_wrong_arguments_are_refused_in_words(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", COMMAND, *arguments])

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
