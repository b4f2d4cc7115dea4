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
