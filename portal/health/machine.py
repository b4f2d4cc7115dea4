"""The machine and what it is connected with: database, broker, disk, keys."""

import shutil
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from common.rotation import unreadable_columns
from portal.celery import app
from portal.health.findings import Finding, State
from portal.redaction import redact

LITTLE_SHARE, TOO_LITTLE_SHARE = 0.10, 0.03
MEBIBYTE = 1024 * 1024
LONGEST_WAIT_SECONDS = 5


def check_database() -> Finding:
    found, state = _("The database answers."), State.GOOD
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        found, state = _("The database does not answer: %(why)s") % {"why": redact(str(error)).strip()}, State.BAD
    return Finding(
        name="database",
        label=_("Database"),
        state=state,
        text=found,
        meaning=_("Holds everything. Without it nothing works."),
        advice=""
        if state == State.GOOD
        else _("Look whether the database server runs and whether DATABASE_URL is right, then at its log."),
    )


def check_broker() -> Finding:
    found, state = _("The broker answers."), State.GOOD
    broker: Any = app.connection_for_write()
    errors: tuple[type[Exception], ...] = (OperationalError, OSError, *broker.recoverable_connection_errors)
    try:
        with broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=LONGEST_WAIT_SECONDS)
            broker.channel().close()  # of Redis only this reaches the server
    except errors as error:
        found, state = _("The broker does not answer: %(why)s") % {"why": redact(str(error)).strip()}, State.BAD
    return Finding(
        name="broker",
        label=_("Broker"),
        state=state,
        text=found,
        meaning=_("Passes work on to the workers. Nothing is lost without it: jobs are rows of the database."),
        advice=""
        if state == State.GOOD
        else _("Look whether Redis or RabbitMQ runs and whether CELERY_BROKER_URL is right. Work goes on by itself."),
    )


def check_disk() -> Finding:
    folder = settings.VAR_DIR
    try:
        folder = next(each for each in (folder, *folder.parents) if each.exists())  # made at the first start
        usage = shutil.disk_usage(folder)
        share = usage.free / usage.total
        values = {"free": usage.free // MEBIBYTE, "percent": int(share * 100), "folder": folder}
        found = _("%(free)d MiB are free (%(percent)d %%) where %(folder)s is.") % values
    except OSError as error:
        share, found = 0.0, f"{folder}: {error.strerror}"
    state = State.GOOD if share >= LITTLE_SHARE else State.WARN if share >= TOO_LITTLE_SHARE else State.BAD
    return Finding(
        name="disk",
        label=_("Disk"),
        state=state,
        text=found,
        meaning=_("A full disk stops the database, the queue and the backups."),
        advice="" if state == State.GOOD else _("Make room: old backups and exports first. Then find out what grows."),
    )


def check_keys() -> Finding:
    """Needs a database that answers."""
    state, found = State.GOOD, _("The keys read what is stored.")
    try:
        for key in settings.FIELD_ENCRYPTION_KEYS:
            Fernet(key)
        columns = ", ".join(map(str, unreadable_columns()))
        if columns:
            state, found = State.BAD, _("No key reads what was stored last: %(columns)s.") % {"columns": columns}
    except ValueError:
        state, found = State.BAD, _("A key of FIELD_ENCRYPTION_KEYS is not 32 bytes in URL-safe base64.")
    return Finding(
        name="keys",
        label=_("Encryption keys"),
        state=state,
        text=found,
        meaning=_("Encrypt the passwords of the ticket systems. Without the right key no ticket system can be read."),
        advice=""
        if state == State.GOOD
        else _("Put the key back that was used before, behind the newest in FIELD_ENCRYPTION_KEYS, and restart."),
    )
