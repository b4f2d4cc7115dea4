import socket

import pytest

from portal.serving import PortTaken, address, check_port, programs


def test_free_port_passes() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    check_port("127.0.0.1", port)


def test_taken_port_is_refused_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            check_port("127.0.0.1", port)

    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use. "
        f"Stop what uses it, or choose another: --port {port + 1}"
    )


@pytest.mark.parametrize(
    ("host", "url", "bind"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("::1", "http://[::1]:8000/", "[::1]:8000"),
    ],
)
def test_programs_are_web_server_and_worker(host: str, url: str, bind: str) -> None:
    web, worker = programs(host=host, port=8000)

    assert address(host, 8000) == url
    assert web.arguments[web.arguments.index("--bind") + 1] == bind
    assert "--beat" in worker.arguments
    assert (web.restart, worker.restart) == (False, True)
