"""The settings of other installations than the tests' own, each read in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = """
import json, sys
from portal import settings
print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[1:]}, default=str))
"""
KEYS = {"SECRET_KEY": "x" * 50, "FIELD_ENCRYPTION_KEYS": "newest,older"}


def read_settings(*names: str, **environment: str) -> dict[str, Any]:
    plain = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "SYSTEMROOT"}}
    # An .env beside the code must not decide what this test sees.
    quiet = {"HTTPS": "on", "REDIS_URL": "", "CELERY_BROKER_URL": "filesystem://localhost", "VAR_DIR": "/var/portal"}
    process = subprocess.run(
        [sys.executable, "-c", SOURCE, *names],
        cwd=ROOT,
        env=plain | quiet | KEYS | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def test_production_uses_postgresql_and_redis() -> None:
    found = read_settings(
        "DATABASES",
        "CACHES",
        "CELERY_BROKER_URL",
        "CELERY_BROKER_TRANSPORT_OPTIONS",
        DATABASE_URL="postgres://portal:secret@db:5432/portal",
        REDIS_URL="redis://cache:6379/0",
        CELERY_BROKER_URL="redis://broker:6379/0",
    )

    assert found["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert found["DATABASES"]["default"]["CONN_HEALTH_CHECKS"] is True
    assert found["CACHES"]["default"]["LOCATION"] == "redis://cache:6379/0"
    assert found["CELERY_BROKER_URL"] == "redis://broker:6379/0"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"] == 3600
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["unacked_restore_interval"] == 10


def test_postgresql_ends_what_hangs_and_the_address_has_the_last_word() -> None:
    address = "postgres://portal@db/portal?options=-c%20lock_timeout%3D1&sslmode=require"

    found = read_settings(
        "DATABASES", DATABASE_URL=address, DATABASE_STATEMENT_TIMEOUT_SECONDS="0", DATABASE_IDLE_TIMEOUT_SECONDS="7"
    )

    assert found["DATABASES"]["default"]["OPTIONS"] == {
        "connect_timeout": 10,
        "sslmode": "require",
        "options": "-c statement_timeout=0 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=7000 "
        "-c lock_timeout=1",
    }


@pytest.mark.parametrize(
    ("address", "disables_prefetch", "options"),
    [
        ("redis://broker:6379/0", True, {"visibility_timeout", "socket_timeout"}),
        ("amqp://broker//", False, {"confirm_publish"}),
        ("filesystem://localhost", False, {"data_folder_in", "polling_interval"}),
    ],
)
def test_each_broker_gets_the_options_that_it_knows(address: str, disables_prefetch: bool, options: set[str]) -> None:
    found = read_settings(
        "CELERY_BROKER_TRANSPORT_OPTIONS", "CELERY_WORKER_DISABLE_PREFETCH", CELERY_BROKER_URL=address
    )

    assert found["CELERY_WORKER_DISABLE_PREFETCH"] == disables_prefetch
    assert options <= set(found["CELERY_BROKER_TRANSPORT_OPTIONS"])


def test_logs_know_the_secrets_of_the_environment_that_they_must_not_hold() -> None:
    found = read_settings("LOGGING", LOG_FORMAT="json", METRICS_TOKEN="token-for-metrics")

    formatter = found["LOGGING"]["formatters"]["portal"]
    assert formatter == {
        "()": "portal.logs.JsonFormatter",
        "secrets": ["x" * 50, "newest", "older", "token-for-metrics"],
    }


def test_one_machine_uses_sqlite_and_files() -> None:
    found = read_settings(
        "DATABASES", "CACHES", "CELERY_BROKER_TRANSPORT_OPTIONS", DATABASE_URL="sqlite:////var/portal/portal.sqlite3"
    )

    assert found["DATABASES"]["default"]["NAME"] == "/var/portal/portal.sqlite3"
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["CACHES"]["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["data_folder_in"] == "/var/portal/broker"


def test_https_makes_cookies_secure() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")

    assert set(read_settings(*names, HTTPS="on").values()) == {True, 365 * 24 * 3600}
    assert set(read_settings(*names, HTTPS="off").values()) == {False}


def test_header_of_a_proxy_is_believed_only_when_told() -> None:
    name = "SECURE_PROXY_SSL_HEADER"

    assert read_settings(name, BEHIND_TLS_PROXY="off") == {name: None}
    assert read_settings(name, BEHIND_TLS_PROXY="on") == {name: ["HTTP_X_FORWARDED_PROTO", "https"]}


def test_keys_are_a_list_with_the_newest_first() -> None:
    assert read_settings("FIELD_ENCRYPTION_KEYS") == {"FIELD_ENCRYPTION_KEYS": ["newest", "older"]}


def test_mail_server_comes_from_one_address() -> None:
    found = read_settings(
        "SENDS_MAIL",
        "EMAIL_BACKEND",
        "EMAIL_HOST",
        "EMAIL_PORT",
        "EMAIL_HOST_USER",
        "EMAIL_USE_TLS",
        "EMAIL_TIMEOUT",
        "DEFAULT_FROM_EMAIL",
        EMAIL_URL="smtp+tls://portal:secret@mail.example.com:587",
        MAIL_FROM="billing@example.com",
    )

    assert found == {
        "SENDS_MAIL": True,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "portal",
        "EMAIL_USE_TLS": True,
        "EMAIL_TIMEOUT": 20,
        "DEFAULT_FROM_EMAIL": "billing@example.com",
    }


def test_without_a_mail_server_nothing_is_sent() -> None:
    found = read_settings("SENDS_MAIL", "EMAIL_BACKEND", EMAIL_URL="")

    assert found == {"SENDS_MAIL": False, "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


def test_second_factor_is_required_of_administrators_unless_the_portal_is_on_one_machine_only() -> None:
    name = "SECOND_FACTOR_REQUIRED_FOR"

    assert read_settings(name) == {name: ["administrator"]}
    assert read_settings(name, HTTPS="off") == {name: []}
    assert read_settings(name, SECOND_FACTOR_REQUIRED_FOR="billing,account-manager") == {
        name: ["billing", "account-manager"]
    }
    assert read_settings(name, SECOND_FACTOR_REQUIRED_FOR="") == {name: []}


def test_sessions_end_after_half_an_hour_and_after_twelve_hours() -> None:
    names = ("SESSION_IDLE_MINUTES", "SESSION_ABSOLUTE_HOURS", "SESSION_COOKIE_AGE")

    assert list(read_settings(*names).values()) == [30, 12, 12 * 3600]
    assert list(read_settings(*names, SESSION_IDLE_MINUTES="15", SESSION_ABSOLUTE_HOURS="8").values()) == [
        15,
        8,
        8 * 3600,
    ]


def test_headers_of_production_are_strict() -> None:
    names = ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")

    assert list(read_settings(*names).values()) == [365 * 24 * 3600, True, "__Host-sessionid", "__Host-csrftoken"]


@pytest.mark.slow
def test_deployment_check_finds_nothing() -> None:
    """With the environment that ``make check`` uses."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    block = text.partition("PRODUCTION := $(SETTINGS) ")[2].partition("\nunexport")[0]
    given = dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())
    plain = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "SYSTEMROOT"}}

    process = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=plain | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.returncode, process.stdout) == (0, "System check identified no issues (0 silenced).\n")
