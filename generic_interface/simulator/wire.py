"""What passes between the web server and the operations: calls, and the three ways in which a call can fail."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]


class Flavour(StrEnum):
    """``MAIN`` has the additional operations of Znuny, ``STOCK`` is the unmodified OTRS Community Edition."""

    MAIN = "main"
    STOCK = "stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    operation: str
    parameters: Json
    address: str
    """Client address; a session is bound to it."""
    is_array: bool = False
    """The body was a JSON array, which no operation understands."""


class Refused(Exception):
    """The web server or its reading of the request answers, before any operation: status and text."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class OperationError(Exception):
    """An application error: HTTP 200 with the key ``Error``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.answer: Json = {"Error": {"ErrorCode": code, "ErrorMessage": message}}


class OperationFault(Exception):
    """The operation reports failure: HTTP 500, a JSON text typed text/plain."""


class OperationCrash(Exception):
    """The operation dies: an HTML page without status line and header."""


def auth_fail(operation: str) -> OperationError:
    """The AuthFail of an operation, with the words that it uses."""
    words = {
        "TimeAccountingGet": "Authentication failed!",
        "SessionRemove": "Authorization failed!",
        "OutOfOffice": "Authentication failed.",
    }.get(operation, "Authorization failing!")
    return OperationError(f"{operation}.AuthFail", f"{operation}: {words}")


def not_authenticated(call: Call) -> OperationError:
    """What the writing operations say to a wrong login and to none."""
    operation = call.operation
    if not any(is_true(call.parameters.get(name)) for name in ("UserLogin", "CustomerUserLogin", "SessionID")):
        text = f"{operation}: UserLogin, CustomerUserLogin or SessionID is required!"
        return OperationError(f"{operation}.MissingParameter", text)
    return OperationError(f"{operation}.AuthFail", f"{operation}: User could not be authenticated!")


def missing(operation: str, parameter: str) -> OperationError:
    return OperationError(f"{operation}.MissingParameter", f"{operation}: {parameter} parameter is missing!")


def no_permission(operation: str) -> OperationError:
    return OperationError(f"{operation}.NoPermission", f"{operation}: User has no permission!")


def is_true(value: object) -> bool:
    """Truth as the operations see it: missing, null, empty, 0 and "0" are false."""
    return bool(value) and value != "0"
