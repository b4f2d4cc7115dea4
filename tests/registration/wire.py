"""The rules of the test server without its socket."""

import json
from collections.abc import Mapping

from tests.registration.server import RegistrationServer


def form_of(server: RegistrationServer, fields: Mapping[str, str]) -> bytes:
    """The bytes of the server's answer to a form."""
    form = {name: json.loads(value) if value.startswith("{") else value for name, value in fields.items()}
    return json.dumps(server.answer(form)).encode()
