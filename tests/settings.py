"""Settings of the test suite: the product's own, with keys that open nothing."""

import os

os.environ["SECRET_KEY"] = "only-for-tests-" + 50 * "x"
os.environ["FIELD_ENCRYPTION_KEYS"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
os.environ["HTTPS"] = "off"
os.environ["DEBUG"] = "off"
os.environ["REDIS_URL"] = ""
os.environ["CELERY_BROKER_URL"] = "memory://"
os.environ["BILLING_DAY_OF_MONTH"] = "0"
os.environ["NIGHTLY_READING_HOUR"] = "-1"
os.environ["EMAIL_URL"] = ""
os.environ["PORTAL_URL"] = "https://portal.example.com"
os.environ["KIVITENDO_DATABASE_URL"] = ""
os.environ["REGISTRATION_URL"] = ""
os.environ["SECOND_FACTOR_REQUIRED_FOR"] = ""
os.environ["TICKET_SYSTEM_HOSTS"] = (
    "http://127.0.0.1:*,http://localhost:*,http://help,"
    "https://help.example.org,https://old.example.org,https://elsewhere.example.org"
)
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")

from portal.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
