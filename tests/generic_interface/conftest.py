from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.client import Client
from generic_interface.connection import Authentication, Connection
from generic_interface.reach import Reach
from tests.generic_interface.replay import Handler, ReplayServer

HERE = Reach.of(["http://127.0.0.1:*", "http://localhost:*", "https://127.0.0.1:*"])
Serve = Callable[..., tuple[ReplayServer, Client]]


def make_connection(base_url: str = "http://127.0.0.1:9/otrs", **options: Any) -> Connection:
    defaults: dict[str, Any] = {
        "login": "portal-api",
        "password": "Portal-Api-1",
        "zone": ZoneInfo("Europe/Berlin"),
        "authentication": Authentication.BODY,
        "reach": HERE,
    }
    return Connection(base_url=base_url, **{**defaults, **options})


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server with this script and a client of it; login data travel in the body unless told otherwise."""
    with ExitStack() as stack:

        def start(*script: bytes | Iterable[bytes] | Handler, **options: Any) -> tuple[ReplayServer, Client]:
            server = stack.enter_context(ReplayServer(*script))
            client = stack.enter_context(Client(make_connection(server.base_url, **options)))
            return server, client

        yield start
