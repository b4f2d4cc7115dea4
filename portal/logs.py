"""How the portal logs: lines for people or JSON for a log store, with the request and the job, without secrets."""

import json
import logging
from collections.abc import Collection
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import current_task

from portal.redaction import redact, redact_all

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
FORMATS = ("line", "json")


class UnknownFormat(ValueError):
    """``LOG_FORMAT`` holds a word that the portal does not know."""


def context() -> dict[str, Any]:
    """What is worked on: ``request``; or ``task``, ``message`` and ``job``, the key of the job's row."""
    found: dict[str, Any] = {"request": REQUEST_ID.get()} if REQUEST_ID.get() else {}
    if current_task:  # empty outside a worker
        request = current_task.request
        found |= {"task": current_task.name, "message": request.id}
        if request.args:
            found["job"] = request.args[0]
    return found


class LineFormatter(logging.Formatter):
    """One line for people; the request or the job stands behind it in brackets."""

    def __init__(self, *, secrets: Collection[str]) -> None:
        super().__init__(LINE)
        self._secrets = secrets

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name of the standard library
        text = super().formatMessage(record)
        known = " ".join(f"{name}={value}" for name, value in context().items())
        return f"{text} [{known}]" if known else text

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), secrets=self._secrets)


class JsonFormatter(logging.Formatter):
    """One JSON document a line: ``at`` (UTC), ``level``, ``logger``, ``text``, ``error`` and what ``context`` knows.

    What a call passes as ``extra={"fields": {...}}`` stands in it, too.
    """

    def __init__(self, *, secrets: Collection[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        document |= context() | getattr(record, "fields", {})
        return json.dumps(redact_all(document, secrets=self._secrets), ensure_ascii=False, default=str)


def logging_settings(*, level: str, style: str, secrets: Collection[str]) -> dict[str, Any]:
    """Django's ``LOGGING``; raises ``UnknownFormat``. ``secrets`` are values that no line may hold."""
    if style not in FORMATS:
        raise UnknownFormat(f"LOG_FORMAT is {style}; it must be one of {', '.join(FORMATS)}.")
    formatter = "portal.logs.JsonFormatter" if style == "json" else "portal.logs.LineFormatter"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"portal": {"()": formatter, "secrets": list(secrets)}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "portal"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers print without this format and would write the lines a second time.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Every request, for the log store; on a terminal it would drown the rest.
            "portal.requests": {"level": "INFO" if style == "json" else "WARNING"},
            # They tell every letter of a PDF that is embedded or missing.
            "fontTools": {"level": "WARNING"},
            "fpdf": {"level": "ERROR"},
        },
    }
