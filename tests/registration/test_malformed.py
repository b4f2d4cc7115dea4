"""What no client sends: a protocol answer or 4xx, never 500, and nothing is written."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registration import limits
from registration.endpoint_views import endpoint
from registration.models import RegisteredSystem, RegistrationEvent, RegistrationToken, SupportData
from tests.registration.network import NO_LIMIT, register
from tests.registration.otrs_client import FACTS, FORM, form

pytestmark = pytest.mark.django_db
KEY = ("11111111-2222-3333-4444-555555555555", "wrong")
DEEP = "[" * 2_000 + "]" * 2_000
SUPPORT = ("SupportDataAdd", {"SupportData": [{"Label": "x", "Value": "y"}]})


def cloud(request_data: str, **fields: str) -> bytes:
    return urlencode({"Action": "PublicCloudService", "RequestData": request_data} | fields).encode()


def asked(element: Any) -> bytes:
    return cloud(json.dumps({"SystemRegistration": element}))


def update(**data: Any) -> bytes:
    return form(("Update", FACTS | {"LastUpdateID": "1.x.y"} | data), key=KEY)


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"x",
    "NUL": b"\0",
    "only ampersands": b"&&&&",
    "only equal signs": b"====",
    "bytes that are no text": bytes(range(128, 256)),
    "UTF-16": "Action=PublicCloudService".encode("utf-16"),
    "latin-1": "Action=PublicCloudService&x=ä".encode("latin-1"),
    "latin-1, encoded": b"Action=PublicCloudService&RequestData=%E4",
    "broken percent": b"Action=PublicCloudService&RequestData=%ZZ",
    "JSON instead of a form": json.dumps({"Action": "PublicCloudService"}).encode(),
    "XML instead of a form": b"<?xml version='1.0'?><a/>",
    "another action": b"Action=AgentTicketZoom",
    "action twice": b"Action=PublicCloudService&Action=PublicRegistration",
    "many fields": urlencode({f"f{number}": "" for number in range(1_000)}).encode(),
    "no RequestData": b"Action=PublicCloudService",
    "empty RequestData": cloud(""),
    "no JSON": cloud("SystemRegistration"),
    "half of a JSON": cloud('{"SystemRegistration": [{"Operation": "Upd'),
    "JSON with a mark before it": cloud("\ufeff{}"),
    "a list": cloud("[]"),
    "a number": cloud("1"),
    "a text": cloud('"x"'),
    "null": cloud("null"),
    "true": cloud("true"),
    "NaN": cloud('{"SystemRegistration": NaN}'),
    "infinite": cloud('{"SystemRegistration": [{"Operation": "Update", "Data": {"LastUpdateID": 1e999}}]}'),
    "huge number": cloud('{"a": ' + "9" * 5_000 + "}"),
    "no service": cloud("{}"),
    "deep list": cloud('{"SystemRegistration": ' + DEEP + "}"),
    "deep object": cloud('{"a":' * 500 + "1" + "}" * 500),
    "deeper than Python": cloud("[" * 20_000),
    "unknown service": form(("Update", {}), service="SupportDataCollector"),
    "nameless service": form(("Update", {}), service=""),
    "service with NUL": form(("Update", {}), service="a\0b"),
    "operations are an object": asked({"Operation": "Update"}),
    "operations are a text": asked("Update"),
    "operations are null": asked(None),
    "no operation": asked([]),
    "operation is a text": asked(["Update"]),
    "operation is null": asked([None]),
    "operation without name": asked([{"Data": {}}]),
    "operation with a number as name": asked([{"Operation": 1}]),
    "operation with a list as name": asked([{"Operation": ["Update"]}]),
    "instance is a list": asked([{"Operation": "Update", "InstanceName": []}]),
    "unknown operation": form(("Destroy", {})),
    "operation in small letters": form(("update", {})),
    "data is a list": asked([{"Operation": "Update", "Data": [1]}]),
    "data is a text": asked([{"Operation": "Update", "Data": "x"}]),
    "too many operations": form(*[(f"Unknown{number}", {}) for number in range(11)]),
    "operation twice": form(("Update", {}), ("Update", {}), key=KEY),
    "update with nothing": form(("Update", {}), key=KEY),
    "update id is a list": update(LastUpdateID=[]),
    "update id is an object": update(LastUpdateID={}),
    "update id is true": update(LastUpdateID=True),
    "update id is a number": update(LastUpdateID=1),
    "update id is long": update(LastUpdateID="1" * 5_000),
    "attempt is long": update(AttemptID="1" * 5_000),
    "attempt is a list": update(AttemptID=["a"]),
    "facts are lists": update(FQDN=[], OTRSVersion={}),
    "type is an object": update(Type={"a": 1}),
    "flag is an object": update(SupportDataSending={}),
    "key is a list": form(("Update", {})).replace(b"UniqueIDAuth=", b"UniqueIDAuth=[]"),
    "key is no JSON": form(("Update", {})).replace(b"UniqueIDAuth=", b"UniqueIDAuth=x"),
    "key has lists": form(("Update", {})).replace(b"UniqueIDAuth=", b'UniqueIDAuth={"UniqueID":[],"APIKey":[]}'),
    "key has NUL": form(("Update", {"LastUpdateID": "a\0b"}), key=("a\0b", "c\0d")),
    "key has half a letter": form(("Update", {}), key=("\ud800", "\udfff")),
    "login is a list": form(("TokenGet", {})).replace(b"OTRSIDAuth=", b"OTRSIDAuth=[1]"),
    "login has numbers": form(("TokenGet", {})).replace(b"OTRSIDAuth=", b'OTRSIDAuth={"OTRSID":1,"Password":2}'),
    "login has lists": form(("TokenGet", {})).replace(b"OTRSIDAuth=", b'OTRSIDAuth={"OTRSID":[],"Password":{}}'),
    "login has NUL": form(("TokenGet", {}), login=("kunde\0", "a\0b")),
    "login is long": form(("TokenGet", {}), login=("k" * 5_000, "p" * 5_000)),
    "no login": form(("TokenGet", {})),
    "purpose is unknown": form(("TokenGet", {"Purpose": "Everything"}), login=("a", "b")),
    "registration with nothing": form(("Register", {})),
    "registration with lists": form(("Register", {name: [] for name in ("OTRSID", "Token", "Type", "OldUniqueID")})),
    "token with NUL": form(("Register", {"OTRSID": "a", "Token": "x\0"})),
    "deregistration with nothing": form(("Deregister", {})),
    "deregistration with objects": form(("Deregister", {"Token": {}, "UniqueID": {}})),
    "support data without system": form(SUPPORT),
    "support data with a wrong key": form(SUPPORT, key=KEY),
    "support data is a text": form(("SupportDataAdd", {"SupportData": "x"}), key=KEY),
    "support data is missing": form(("SupportDataAdd", {}), key=KEY),
    "flat without subaction": b"Action=PublicRegistration",
    "flat with an unknown subaction": b"Action=PublicRegistration&Subaction=Destroy",
    "flat update with nothing": b"Action=PublicRegistration&Subaction=Update",
    "flat update with a wrong key": b"Action=PublicRegistration&Subaction=Update&RegistrationKey=a&APIKey=b",
    "flat key with NUL": b"Action=PublicRegistration&Subaction=Update&RegistrationKey=%00&APIKey=%00",
    "flat key is long": b"Action=PublicRegistration&Subaction=Update&APIKey=b&RegistrationKey=" + b"a" * 5_000,
    "flat support data is no JSON": b"Action=PublicRegistration&Subaction=Update&SupportData=x",
    "flat support data is an object": b"Action=PublicRegistration&Subaction=Update&SupportData=%7B%7D",
    "65 kB": cloud("x" * 65 * 1024),
}


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", NO_LIMIT)


def written() -> list[Any]:
    models = (RegisteredSystem, RegistrationToken, RegistrationEvent, SupportData)
    return [list(model.objects.order_by("pk").values()) for model in models]


def check(body: bytes, content_type: str = FORM, path: str = "/otrs/public.pl") -> int:
    """A protocol answer or 4xx, and JSON in any case."""
    response = Client(raise_request_exception=False).post(path, body, content_type=content_type)
    document = json.loads(response.content)
    assert response.status_code == 200 or 400 <= response.status_code < 500
    assert isinstance(document, dict)
    assert document["Success"] in (0, 1)
    return response.status_code


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_malformed_request(body: bytes) -> None:
    before = written()

    check(body)

    assert written() == before


def test_there_are_enough_of_them() -> None:
    assert len(BODIES) >= 80


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("", 415),
        (f"{FORM}; charset=latin-1", 200),
    ],
)
def test_content_type(content_type: str, status: int) -> None:
    assert check(form(("Destroy", {})), content_type) == status


@pytest.mark.parametrize(
    ("size", "operation", "status"),
    [
        (60_000, ("Destroy", {}), 200),
        (70_000, ("Destroy", {}), 413),
        (70_000, SUPPORT, 200),
        (1_000_000, SUPPORT, 200),
        (1_100_000, SUPPORT, 413),
    ],
)
def test_size(size: int, operation: tuple[str, dict[str, Any]], status: int) -> None:
    body = form(operation) + b"&x="

    assert check(body + b"x" * (size - len(body))) == status


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_only_post_is_allowed(method: str) -> None:
    assert getattr(Client(), method)("/otrs/public.pl").status_code == 405


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, ""])
def test_length_that_is_not_true(length: str) -> None:
    response = Client(raise_request_exception=False).post("/otrs/public.pl", b"", FORM, CONTENT_LENGTH=length)

    assert 400 <= response.status_code < 500


class BrokenStream(BytesIO):
    """The client hangs up while it sends."""

    def read(self, _size: int | None = -1) -> bytes:
        raise OSError("connection reset")


def test_connection_that_breaks_off() -> None:
    request = RequestFactory().post("/otrs/public.pl", b"x" * 100, content_type=FORM)
    request._stream = BrokenStream()

    response = endpoint(request)

    assert (response.status_code, json.loads(response.content)["Success"]) == (400, 0)


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    key = ("11111111-2222-3333-4444-555555555555", "apikey")
    return [
        form(("Update", FACTS | {"LastUpdateID": "1.ab.cd"}), SUPPORT, key=key),
        form(("Register", FACTS | {"OTRSID": "a@b.test", "Token": "x", "OldUniqueID": "", "OldAPIKey": ""})),
        form(("Deregister", {"OTRSID": "a@b.test", "Token": "x", "UniqueID": "u", "APIKey": "k"}), key=key),
        b"Action=PublicRegistration&Subaction=Update&APIKey=a&RegistrationKey=b&SupportData=%5B%5D",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mangled_request(whole: list[bytes], data: st.DataObject) -> None:
    """Bytes of a good request changed, cut, doubled."""
    body = bytearray(data.draw(st.sampled_from(whole)))
    for _change in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        body[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
    before = written()

    check(bytes(body))

    assert written() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
NAMES = ["OTRSID", "Token", "Type", "Description", "OldUniqueID", "OldAPIKey", "FQDN", "LastUpdateID", "AttemptID"]
NAMES += ["UniqueID", "APIKey", "SupportData", "SupportDataSending", "OTRSVersion", "Purpose"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["Register", "Update", "Deregister", "SupportDataAdd", "TokenGet"]),
    data=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6),
    key=JSON,
)
def test_wrong_types(name: str, data: dict[str, Any], key: Any) -> None:
    body = asked([{"Operation": name, "Data": data}]) + b"&UniqueIDAuth=" + quote(json.dumps(key)).encode()
    before = written()

    check(body)

    assert written() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.dictionaries(st.sampled_from(sorted(FACTS)), st.text(max_size=300) | st.integers() | st.floats()))
def test_any_fact_of_a_good_update_is_stored_or_refused(facts: dict[str, Any]) -> None:
    """With the right key: what comes as a text reaches the database, whatever letters it has."""
    client = register()
    data = FACTS | {"LastUpdateID": client.stored["LastUpdateID"], "Description": "\ud800 \0 ä"} | facts

    assert check(form(("Update", data), key=client.key)) in (200, 400)


def test_letters_that_no_database_takes_are_replaced() -> None:
    client = register()
    content = [{"Label": "NUL \0", "Value": "half \ud800", "\0": 1}]
    data = {"LastUpdateID": client.stored["LastUpdateID"], "FQDN": "a\0b\nc", "Description": "x\0"}

    client.read_update(*_post(form(("Update", data), ("SupportDataAdd", {"SupportData": content}), key=client.key)))

    system = RegisteredSystem.objects.get(unique_id=client.stored["UniqueID"])
    assert (system.fqdn, system.description) == ("a\ufffdb c", "x\ufffd")
    assert system.support_data.content == [{"Label": "NUL \ufffd", "Value": "half \ufffd", "\ufffd": 1}]


def _post(body: bytes) -> tuple[str, bytes]:
    response = Client().post("/otrs/public.pl", body, content_type=FORM)
    return f"{response.status_code} {response.reason_phrase}", response.content
