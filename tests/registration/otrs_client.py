"""What the real clients make of an answer (WIRE 8.3), and requests as they write them.

``OtrsClient`` is the one of OTRS 4 to 6: it reads an answer as that one does and keeps what that one keeps.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

FACTS = {
    "FQDN": "otrs.example.test",
    "OTRSVersion": "6.0.x git",
    "OSType": "Linux",
    "OSVersion": "debian 12.11",
    "PerlVersion": "5.36.0",
    "DatabaseVersion": "MariaDB 10.11.19",
    "SupportDataSending": "No",
    "State": "active",
    "APIVersion": 2,
}
FORM = "application/x-www-form-urlencoded"


def form(
    *operations: tuple[str, dict[str, Any]],
    login: tuple[str, str] | None = None,
    key: tuple[str, str] | None = None,
    service: str = "SystemRegistration",
) -> bytes:
    """A request of OTRS 4 to 6. ``login`` is OTRS-ID and password, ``key`` UniqueID and API key."""
    elements = [{"Operation": name, "Data": data} for name, data in operations]
    fields = {
        "Action": "PublicCloudService",
        "RequestData": json.dumps({service: elements}),
        "UniqueIDAuth": json.dumps({"UniqueID": key[0], "APIKey": key[1]}) if key else "",
        "OTRSIDAuth": json.dumps({"OTRSID": login[0], "Password": login[1]}) if login else "",
    }
    return urlencode(fields).encode()


@dataclass
class OtrsClient:
    """``stored`` is its table SystemData, group Registration; empty as long as it never registered."""

    stored: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str] | None:
        if self.stored.get("State") != "registered":
            return None
        return self.stored["UniqueID"], self.stored["APIKey"]

    def read_token(self, status: str, body: bytes) -> str:
        """The token; an ``AssertionError`` with the reason that the real client shows."""
        result = _result(status, body, "TokenGet")
        assert result["Success"], result["ErrorMessage"]
        assert result["Data"].get("Auth") == "ok", "Username and password do not match. Please try again."
        assert result["Data"].get("Token"), "Problems processing server result. Please try again later."
        return str(result["Data"]["Token"])

    def read_registration(self, status: str, body: bytes) -> None:
        result = _result(status, body, "Register")
        assert result["Success"], result.get("ErrorMessage")
        data = result["Data"]
        for name in ("UniqueID", "APIKey", "LastUpdateID", "NextUpdate"):
            assert data.get(name), f"received no {name}"
        assert int(data["NextUpdate"]) > 0
        self.stored |= {"State": "registered"} | {name: data[name] for name in ("UniqueID", "APIKey", "LastUpdateID")}
        self.stored |= {name: data.get(name, "") for name in ("Type", "Description")}

    def read_update(self, status: str, body: bytes) -> None:
        result = _result(status, body, "Update")
        assert result["Success"], f"Can not update system {result['Data'].get('Reason')}"
        data = result["Data"]
        for name in ("UpdateID", "Type", "Description"):
            assert data.get(name) is not None, f"Received no '{name}'!"
        self.stored |= {"LastUpdateID": data["UpdateID"], "Type": data["Type"], "Description": data["Description"]}
        if data.get("UniqueID") and data.get("APIKey"):
            self.stored |= {"UniqueID": data["UniqueID"], "APIKey": data["APIKey"]}

    def read_deregistration(self, status: str, body: bytes) -> None:
        result = _result(status, body, "Deregister")
        assert result["Success"], result["Data"].get("Reason")
        self.stored["State"] = "deregistered"


def _result(status: str, body: bytes, operation: str) -> dict[str, Any]:
    assert status == "200 OK", f"Can't contact registration server: {status}"
    document = json.loads(body)
    assert document.get("Success"), "Can't contact registration server"
    assert document.get("Results"), "Can't contact registration server"
    for result in document["Results"]["SystemRegistration"]:
        if result["Operation"] == operation and "InstanceName" not in result:
            return dict(result)
    raise AssertionError("Can't get result from server")
