"""Asking a running stand-in over its socket, with the standard library."""

import http.client
import json
from typing import Any

from generic_interface.simulator.server import RunningSimulator

PORTAL = "/otrs/nph-genericinterface.pl/Webservice/BillingPortal"
OCTOBER = {"TicketCloseTimeNewerDate": "2026-10-01 00:00:00", "TicketCloseTimeOlderDate": "2026-10-31 23:59:59"}


class Caller:
    """One kept connection. Login data are added unless the parameters bring their own."""

    def __init__(self, simulator: RunningSimulator, timeout: float = 10) -> None:
        self.simulator = simulator
        self.connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=timeout)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def send(self, operation: str, **parameters: Any) -> http.client.HTTPResponse:
        if not {"Password", "SessionID"} & parameters.keys():
            parameters |= {"UserLogin": self.simulator.login, "Password": self.simulator.password}
        body = json.dumps(parameters).encode()
        self.connection.request("POST", f"{PORTAL}/{operation}", body, {"Content-Type": "application/json"})
        return self.connection.getresponse()

    def ask(self, operation: str, **parameters: Any) -> Any:
        """The JSON answer of an HTTP 200."""
        with self.send(operation, **parameters) as response:
            content = response.read()
            assert response.status == 200, content
            return json.loads(content)

    def found(self, **parameters: Any) -> list[str]:
        """The ids of a TicketSearch, an empty list for ``{}``."""
        answer = self.ask("TicketSearch", **parameters)
        assert "Error" not in answer, answer
        return list(answer.get("TicketID", []))

    def error_code(self, operation: str, **parameters: Any) -> str:
        return str(self.ask(operation, **parameters)["Error"]["ErrorCode"])
