"""Lines and JSON documents of the log: with the request and the job, without secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from celery import shared_task
from django.test import Client

from portal.logs import REQUEST_ID, JsonFormatter, LineFormatter, UnknownFormat, logging_settings
from portal.middleware import SANE

SECRETS = ["only-in-the-environment"]


@pytest.fixture
def request_id() -> Iterator[str]:
    token = REQUEST_ID.set("req-12345678")
    yield "req-12345678"
    REQUEST_ID.reset(token)


def record(text: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("portal.test").makeRecord(
        "portal.test", logging.WARNING, __file__, 1, text, args, None, extra=extra or None
    )


def written(made: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = json.loads(JsonFormatter(secrets=SECRETS).format(made))
    return found


def test_document_says_when_how_bad_who_and_what(request_id: str) -> None:
    document = written(record("Read %d months", 3, fields={"status": 200}))

    assert document.pop("at")
    assert document == {
        "level": "WARNING",
        "logger": "portal.test",
        "text": "Read 3 months",
        "request": request_id,
        "status": 200,
    }


def test_document_is_one_line_even_where_the_text_is_not() -> None:
    assert "\n" not in JsonFormatter(secrets=[]).format(record("two\nlines"))


@pytest.mark.parametrize("formatter", [JsonFormatter(secrets=SECRETS), LineFormatter(secrets=SECRETS)])
def test_secrets_are_in_neither_the_text_nor_the_error(formatter: logging.Formatter) -> None:
    made = record("Login with %s", {"Password": "geheim-geheim"})
    try:
        raise ValueError("smtp://portal:geheim-geheim@mail and only-in-the-environment")
    except ValueError:
        made.exc_info = sys.exc_info()

    text = formatter.format(made)

    assert "ValueError" in text
    assert "geheim-geheim" not in text
    assert SECRETS[0] not in text


def test_line_ends_with_the_request(request_id: str) -> None:
    text = LineFormatter(secrets=[]).format(record("Done."))

    assert text.endswith("WARNING portal.test Done. [request=req-12345678]")


def test_line_outside_of_everything_ends_with_its_text() -> None:
    assert LineFormatter(secrets=[]).format(record("Done.")).endswith("portal.test Done.")


@shared_task(name="tests.log_something")
def log_something(run_id: int) -> dict[str, object]:
    return written(record("Working."))


def test_document_of_a_task_names_it_its_message_and_its_job() -> None:
    document = log_something.apply(args=(17,), task_id="message-1").get()

    assert (document["task"], document["message"], document["job"]) == ("tests.log_something", "message-1", 17)


@pytest.mark.parametrize(("style", "level"), [("line", "WARNING"), ("json", "INFO")])
def test_requests_are_logged_for_log_stores_only(style: str, level: str) -> None:
    found = logging_settings(level="INFO", style=style, secrets=[])

    assert found["loggers"]["portal.requests"]["level"] == level


def test_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownFormat, match="LOG_FORMAT is xml; it must be one of line, json"):
        logging_settings(level="INFO", style="xml", secrets=[])


def test_answer_carries_the_id_that_a_proxy_has_given() -> None:
    response = Client().get("/healthz", headers={"X-Request-ID": "proxy-4711.a_b"})

    assert response["X-Request-ID"] == "proxy-4711.a_b"


@pytest.mark.parametrize(
    "sent", ["", "short", "with space inside", "line\nbreak-inside", "x" * 65, "ümlaut-ümlaut", "<script>alert(1)"]
)
def test_insane_id_is_replaced(sent: str) -> None:
    ident = Client().get("/healthz", headers={"X-Request-ID": sent})["X-Request-ID"]

    assert ident != sent
    assert SANE.fullmatch(ident)


def test_two_requests_have_two_ids_and_leave_none_behind() -> None:
    idents = {Client().get("/healthz")["X-Request-ID"] for _number in range(2)}

    assert len(idents) == 2
    assert REQUEST_ID.get() == ""


def test_logged_request_says_what_was_asked_but_not_what_was_searched_for() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(secrets=[]))
    logger = logging.getLogger("portal.requests")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        Client().get("/healthz?q=Zebra", headers={"X-Request-ID": "proxy-4711"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.WARNING)

    document = json.loads(stream.getvalue())
    assert (document["method"], document["path"], document["status"]) == ("GET", "/healthz", 200)
    assert document["request"] == "proxy-4711"
    assert "Zebra" not in stream.getvalue()
