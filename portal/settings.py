"""One file for every installation; what differs comes from the environment or from ``.env`` (see ``.env.example``)."""

import tomllib
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from portal.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- What must be set -------------------------------------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS")  # newest first; see docs/operations.md for rotation

# --- Where it runs ----------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
HTTPS = env.bool("HTTPS", default=True)  # off only for the demo and for tests on loopback
VAR_DIR = BASE_DIR / env.str("VAR_DIR", default="var")
WSGI_APPLICATION = "portal.wsgi.application"
ROOT_URLCONF = "portal.urls"
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# --- Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "common",
    "audit",
    "tickets",
    "billing",
    "registration",
    "outofoffice",
    "portal",
]
MIDDLEWARE = [
    # What sets headers comes first: answers that later ones give, static files and refusals, carry them as well.
    "portal.middleware.RequestIdMiddleware",
    "portal.middleware.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "audit.middleware.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.middleware.HeldInputMiddleware",  # around all that could send a visitor to the sign-in page
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.sign_in_middleware.SessionLimitMiddleware",
    "portal.sign_in_middleware.RequireSecondFactorMiddleware",
    "portal.middleware.LimitsMiddleware",
    "portal.saved_pages.SavedFilterMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
FORM_RENDERER = "common.forms.FormRenderer"

# --- Database and cache -----------------------------------------------------------------------------------------------
if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.db("DATABASE_URL")}
else:  # not as a URL: the path may hold characters that mean something there
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "portal.sqlite3")}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # WAL and immediate transactions: with the defaults, a fifth of concurrent writers fails with "database is locked".
    # Recursive triggers: else what REPLACE deletes goes past the triggers that protect the orders.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
            "PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    # A statement, a lock or a forgotten transaction that hangs must not hold up the billing of everybody else. 0: no
    # limit; migrations and backups need that. What DATABASE_URL says itself comes later and wins.
    _limits = {
        "statement_timeout": env.int("DATABASE_STATEMENT_TIMEOUT_SECONDS", default=30),
        "lock_timeout": env.int("DATABASE_LOCK_TIMEOUT_SECONDS", default=10),
        "idle_in_transaction_session_timeout": env.int("DATABASE_IDLE_TIMEOUT_SECONDS", default=60),
    }
    _database_options = DATABASES["default"].get("OPTIONS", {})
    _words = [f"-c {name}={seconds * 1000}" for name, seconds in _limits.items()]
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10}
        | _database_options
        | {"options": " ".join([*_words, _database_options.get("options", "")]).strip()},
    }
# kivitendo's database, only ever read; empty: the portal knows nothing of it and checks nothing against it.
KIVITENDO_DATABASE_URL = env.str("KIVITENDO_DATABASE_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", default="")  # empty: everything runs without Redis on this one machine
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"}}

# --- Background work --------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL or "filesystem://localhost")
if CELERY_BROKER_URL.startswith("filesystem"):
    _queue_folder = str(VAR_DIR / "broker")
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "data_folder_in": _queue_folder,
        "data_folder_out": _queue_folder,
        "control_folder": str(VAR_DIR / "broker-control"),
        "polling_interval": 0.2,
    }
elif CELERY_BROKER_URL.startswith("amqp"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}  # else a message may vanish on its way without an error
else:
    # A lost worker's message comes back after an hour at the latest, looked for every ten seconds; tasks are shorter.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 3600,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
# Two queues, so that ticket systems that answer slowly never hold up the billing. Who is told none works for both.
WORKER_QUEUES = ("network", "ledger")
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in WORKER_QUEUES]
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_EXCHANGE = CELERY_TASK_DEFAULT_ROUTING_KEY = "ledger"
CELERY_TASK_ROUTES = {
    "tickets.*": {"queue": "network"},
    "outofoffice.*": {"queue": "network"},
    "registration.*": {"queue": "network"},
    "billing.refresh_kivitendo": {"queue": "network"},
    "billing.deliver_messages": {"queue": "network"},
    "portal.send_mails": {"queue": "network"},
}
CELERY_TASK_IGNORE_RESULT = True  # the job rows in the database are the results
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A message that waits behind a long task in the same worker is delivered a second time: none is taken ahead.
CELERY_WORKER_DISABLE_PREFETCH = CELERY_BROKER_URL.startswith("redis")
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULER = "portal.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    # The message is only a hint; what is due stands in the database. So a missed minute is caught up, and a message
    # that nobody has taken when the next one comes is thrown away instead of waiting in a pile.
    "resume jobs whose worker died": {"task": "portal.resume_jobs", "schedule": 60.0, "options": {"expires": 60}},
    "start what is due": {"task": "portal.start_due_runs", "schedule": 300.0, "options": {"expires": 300}},
    "plan what is read at night": {"task": "portal.plan_readings", "schedule": 300.0, "options": {"expires": 300}},
    "send mails that wait": {"task": "portal.send_mails", "schedule": 60.0, "options": {"expires": 60}},
    "plan when kivitendo is read": {"task": "portal.plan_kivitendo", "schedule": 300.0, "options": {"expires": 300}},
    "seal the audit log": {"task": "portal.seal_audit_log", "schedule": 60.0, "options": {"expires": 60}},
    "forget old counters of requests": {
        "task": "portal.forget_requests",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "plan what is told of registrations": {
        "task": "portal.plan_registration_mails",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "report to the registration server": {
        "task": "portal.plan_registration",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
} | {
    f"sign of life of the queue {name}": {
        "task": "portal.heartbeat",
        "args": (name,),
        "schedule": 60.0,
        "options": {"queue": name, "expires": 60},
    }
    for name in WORKER_QUEUES
}
# Day on which the previous month is billed where no agreement names another one; 0: no scheduled run for those.
BILLING_DAY_OF_MONTH = env.int("BILLING_DAY_OF_MONTH", default=0)
# Hour from which the ticket systems are read every night; -1: never.
NIGHTLY_READING_HOUR = env.int("NIGHTLY_READING_HOUR", default=3)

# --- Ticket systems ---------------------------------------------------------------------------------------------------
# Whom the portal may talk to, such as https://help.example.org:8443; empty: everybody but this machine.
TICKET_SYSTEM_HOSTS = env.list("TICKET_SYSTEM_HOSTS", default=[])

# --- Own registration -------------------------------------------------------------------------------------------------
# The whole address of the server that this portal registers at; empty: it registers nowhere and reports to nobody.
REGISTRATION_URL = env.str("REGISTRATION_URL", default="")

# --- Mail: only what the portal tells after scheduled runs and about registrations ------------------------------------
PORTAL_URL = env.str("PORTAL_URL", default="")  # links in mails begin with it
SENDS_MAIL = bool(env.str("EMAIL_URL", default=""))
if SENDS_MAIL:
    vars().update(env.email("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="portal@localhost")

# --- Sign-in ----------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = True  # for SESSION_COOKIE_AGE, without asking
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_RATE_LIMITS = False  # counted in the cache, which may forget; portal.throttling counts in the database
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds
ACCOUNT_FORMS = {"change_password": "portal.accounts.ThrottledChangePasswordForm"}
MFA_ADAPTER = "portal.second_factor.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Billing portal"
MFA_TOTP_TOLERANCE = 1  # the code before and the one after: clocks differ, and people type
MFA_FORMS = {
    "authenticate": "portal.accounts.ThrottledAuthenticateForm",
    "reauthenticate": "portal.accounts.ThrottledReauthenticateForm",
    "activate_totp": "portal.accounts.ThrottledActivateTOTPForm",
}
# Roles (administrator, billing, account-manager) that reach nothing without a second factor; staff and superusers count
# as administrators.
SECOND_FACTOR_REQUIRED_FOR = env.list("SECOND_FACTOR_REQUIRED_FOR", default=["administrator"] if HTTPS else [])
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_ABSOLUTE_HOURS = env.int("SESSION_ABSOLUTE_HOURS", default=12)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_HOURS * 3600

# --- Security ---------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# Asked from inside the machine, without TLS; neither says anything about anybody.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_FAILURE_VIEW = "portal.held_views.form_has_expired"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The largest file that a page takes has 1 MB. A body above the first limit is refused unread; the others are Django's,
# for what a form holds besides its files.
LARGEST_REQUEST_BYTES = 5_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# --- Read API ---------------------------------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=120)  # of each token

# --- Language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Europe/Berlin")  # of what people see; the database holds UTC
CELERY_TIMEZONE = TIME_ZONE
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["portal.formats"]

# --- Static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
DJANGO_TABLES2_TEMPLATE = "common/table.html"

# --- Logging and watching ---------------------------------------------------------------------------------------------
# line: for people; json: one document a line, for a log store. Both without passwords, sessions and keys.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # empty: only people with the permission see the metrics
LOGGING = logging_settings(
    level=env.str("LOG_LEVEL", default="INFO"),
    style=env.str("LOG_FORMAT", default="line"),
    secrets=[SECRET_KEY, *FIELD_ENCRYPTION_KEYS, METRICS_TOKEN],
)
SENTRY_DSN = env.str("SENTRY_DSN", default="")  # empty: errors are told to nobody else
