"""What can go wrong between the portal and a ticket system.

``str(error)`` is a sentence that can be shown to a person and never contains a secret.
``retryable`` says whether the same read may be asked again later without a person changing anything.
``maybe_done`` says whether the operation may have been carried out all the same: what writes is not repeated then.
"""


class InterfaceError(Exception):
    """Base of everything the client raises on purpose."""

    retryable = False
    maybe_done = False

    def __init__(self, text: str, *, maybe_done: bool | None = None) -> None:
        super().__init__(text)
        if maybe_done is not None:
            self.maybe_done = maybe_done


class WrongRequest(InterfaceError):
    """The question itself was refused before sending: empty customer number, naive date, start after end."""


class Unreachable(InterfaceError):
    """No connection, no answer in time, or the connection was closed without a byte."""

    retryable = True
    maybe_done = True


class BadAnswer(InterfaceError):
    """Something answered, but not what the contract says: HTML, truncated JSON, wrong type, too large, redirect."""

    retryable = True
    maybe_done = True


class OperationFailed(BadAnswer):
    """The operation itself reports a failure (HTTP 500 with a fault): it has ended, and may have stored a part."""


class TooLarge(BadAnswer):
    """Request or answer exceeds a limit (413, 414, length of the URL, ``max_bytes``): asking for less may pass."""

    retryable = False


class AuthenticationFailed(InterfaceError):
    """``AuthFail``: wrong login or password, or a deactivated agent. Failures are counted upstream: no blind retry."""


class NoPermission(InterfaceError):
    """The agent is known but may not call this operation."""


class ApplicationError(InterfaceError):
    """Any other ``Error`` inside an HTTP 200; ``code`` is the ErrorCode such as ``TicketGet.MissingParameter``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"The ticket system answered {code}: {message}")
        self.code = code


class AccessDenied(ApplicationError):
    """``AccessDenied``: one id of the call is unknown, deleted or forbidden; the answer does not say which."""


class IncompleteAnswer(InterfaceError):
    """The answer is known to lack something (search cut off, ids missing) and could not be completed."""
