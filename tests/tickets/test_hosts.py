"""Which ticket systems may be entered and asked: the setting decides, in the set-up and at each request."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from generic_interface.errors import WrongRequest
from tests.commands import run_command
from tests.factories.tickets import TicketSystemFactory
from tests.generic_interface.replay import ReplayServer
from tickets.connect import open_client, open_read_back
from tickets.hosts import allowed_hosts

STRANGER = "https://stranger.example.org/otrs"


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer() as running:
        yield running


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["base_url", "rpc_url"])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"{STRANGER}/rpc.pl", "TICKET_SYSTEM_HOSTS"),
        ("http://169.254.169.254/latest/meta-data", "TICKET_SYSTEM_HOSTS"),
        ("http://2130706433/otrs/rpc.pl", "is no address; write it like"),
        ("https://help.example.org./otrs/rpc.pl", "no dot at its end"),
        ("file:///otrs/rpc.pl", "must look like"),
    ],
)
def test_other_host_is_not_stored(field: str, url: str, sentence: str) -> None:
    system = TicketSystemFactory(rpc_user="soap", rpc_password="x", rpc_url="http://127.0.0.1:9/otrs/rpc.pl")
    setattr(system, field, url)

    with pytest.raises(ValidationError) as caught:
        system.full_clean()

    assert sentence in caught.value.message_dict[field][0]


@pytest.mark.django_db
def test_command_refuses_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_SYSTEM_PASSWORD", "x")
    words = ["--preset", "billing_portal", "--login", "portal", "--time-zone", "UTC", "--minutes-per-unit", "1"]

    code, _out, err = run_command("ticket_system", "add", "--name", "Other", "--url", STRANGER, *words)

    assert code == 2
    assert "base_url: https://stranger.example.org is none of the ticket systems" in err


@pytest.mark.django_db
def test_system_from_before_the_list_is_not_asked(settings: Settings, server: ReplayServer) -> None:
    system = TicketSystemFactory(
        base_url=server.base_url, rpc_url=f"{server.base_url}/rpc.pl", rpc_user="soap", rpc_password="x"
    )
    settings.TICKET_SYSTEM_HOSTS = ["https://help.example.org"]

    with open_client(system) as client, pytest.raises(WrongRequest, match="setting TICKET_SYSTEM_HOSTS"):
        client.any_ticket_visible()
    read_back = open_read_back(system)
    assert read_back is not None
    with pytest.raises(WrongRequest, match="setting TICKET_SYSTEM_HOSTS"):
        read_back.check_login()
    assert server.requests == []


@pytest.mark.django_db
def test_without_a_list_this_machine_is_not_asked(settings: Settings, server: ReplayServer) -> None:
    settings.TICKET_SYSTEM_HOSTS = []

    with open_client(TicketSystemFactory(base_url=server.base_url)) as client, pytest.raises(WrongRequest) as caught:
        client.any_ticket_visible()

    assert "this machine itself" in str(caught.value)
    assert server.requests == []


@pytest.mark.django_db
def test_list_that_cannot_be_read_lets_nothing_pass(settings: Settings, server: ReplayServer) -> None:
    settings.TICKET_SYSTEM_HOSTS = ["help.example.org"]

    with pytest.raises(WrongRequest, match="setting TICKET_SYSTEM_HOSTS cannot be used"):
        open_client(TicketSystemFactory(base_url=server.base_url))
    assert server.requests == []


def test_list_comes_from_the_settings(settings: Settings) -> None:
    settings.TICKET_SYSTEM_HOSTS = ["https://help.example.org"]

    assert [str(origin) for origin in allowed_hosts().origins] == ["https://help.example.org"]
