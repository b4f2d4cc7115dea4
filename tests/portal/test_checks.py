import pytest
from django.core.checks import run_checks
from pytest_django import Settings


@pytest.mark.parametrize(
    ("sends", "url", "found"),
    [
        (False, "", []),
        (True, "https://portal.example.com/", []),
        (True, "http://127.0.0.1:8000", []),
        (True, "", ["portal.E001"]),
        (True, "portal.example.com", ["portal.E001"]),
        (True, "javascript:1", ["portal.E001"]),
    ],
)
def test_mails_need_the_address_of_the_portal(settings: Settings, sends: bool, url: str, found: list[str]) -> None:
    settings.SENDS_MAIL, settings.PORTAL_URL = sends, url

    assert [message.id for message in run_checks() if message.id == "portal.E001"] == found


@pytest.mark.parametrize(
    ("hosts", "https", "debug", "found"),
    [
        (["https://help.example.org"], True, False, []),
        ([], True, False, ["portal.W001"]),
        ([], False, False, []),
        ([], True, True, []),
        (["help.example.org"], True, False, ["portal.E003"]),
        (["https://help.example.org/otrs"], False, True, ["portal.E003"]),
    ],
)
def test_empty_list_of_ticket_systems_is_told_in_production(
    settings: Settings, hosts: list[str], https: bool, debug: bool, found: list[str]
) -> None:
    settings.TICKET_SYSTEM_HOSTS, settings.HTTPS, settings.DEBUG = hosts, https, debug

    assert [message.id for message in run_checks() if message.id in {"portal.W001", "portal.E003"}] == found
