"""The settings of other installations than the tests' own, each read in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
