"""The recordings of ``rpc.pl``: what was asked, by position, and what came back."""

import re
from xml.etree.ElementTree import Element

from generic_interface.answers import Call, Reply
from generic_interface.rpc_answers import RpcScript, read_rpc_reply
from generic_interface.rpc_values import ENCODING, ENVELOPE, Value, response_values
from generic_interface.xmlreader import read_xml
from tests.generic_interface.replay import RECORDINGS, recorded

NAMES = sorted(path.stem for path in RECORDINGS.glob("rpc-*.http"))
USER, PASSWORD = "soapuser", "soap-secret-1"  # of the test installation


def recorded_request(name: str) -> bytes:
    """Header and body as they were sent."""
    content = (RECORDINGS / f"{name}.http").read_bytes()
    return content.partition(b"## ---- request ----\n")[2].partition(b"\n## ---- response ----\n")[0]


def recorded_call(name: str) -> Element | None:
    """The element that names the method; none where the request is no envelope."""
    body = recorded_request(name).partition(b"\r\n\r\n")[2]
    return envelope_call(body) if ENVELOPE.encode() in body else None


def envelope_call(body: bytes) -> Element:
    root = read_xml(body, operation="the test", remaining=lambda: 1.0)
    found = root.find(f"{{{ENVELOPE}}}Body")
    assert found is not None
    return found[0]


def arguments_of(call: Element) -> list[Value]:
    """Positions alone count; the names of the elements are free."""
    return response_values(call, {})


def recorded_reply(name: str) -> Reply:
    head, _, body = recorded(name).partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1.1 (\d+)", head)
    kind = re.search(rb"(?i)content-type: ([^;\r\n]+)", head)
    assert status
    assert kind
    return Reply(status=int(status[1]), content_type=kind[1].decode(), location="", body=body)


def recorded_values(name: str) -> list[Value]:
    """What the client makes of the recorded answer."""
    call = Call(f"the recorded {name}", RpcScript("https://help.example.org/otrs/rpc.pl"), (PASSWORD,))
    return read_rpc_reply(recorded_reply(name), call, remaining=lambda: 1.0)


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def is_array(element: Element) -> bool:
    return element.get(f"{{{ENCODING}}}arrayType") is not None
