"""No request makes the portal stumble: every address with what nobody meant to send, and never a 500."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.pages.asked import names_asked
from tests.pages.pages import addresses
from tests.pages.test_access import rows
from tests.pages.world import World

pytestmark = pytest.mark.slow

NAMES = (
    *("q", "customer", "state", "queue", "type", "version", "billed", "complete", "period", "from", "to", "by", "unit"),
    *("sort", "page", "per_page", "month", "export", "kind", "standing", "show", "settlement", "order", "ticket"),
    *("system", "select", "seen", "reason", "next", "language", "agent", "filter", "name", "field", "lang", "format"),
)
MULTIPART = "multipart/form-data; boundary=x"
HOSTILE: dict[str, str] = {
    "empty": "",
    "blanks": "   \t\r\n",
    "control": "a\x01\x1b[31m\x7f",
    "surrogate": "\ud800",
    "right to left": "\u202eevil",
    "huge number": "9" * 400,
    "beyond 64 bits": str(2**64),
    "negative": "-1",
    "zero": "0",
    "float": "1e400",
    "not a number": "NaN",
    "other digits": "１２",
    "markup": '"><svg onload=alert(1)>{{ 7*7 }}{% debug %}',
    "sql": "' OR 1=1 --",
    "wildcards": "%_%\\" * 50,
    "paths": "../../../../etc/passwd",
    "long": "a" * 7_000,
    "span": "0000-00",
    "far": "9999-12",
    "end of time": "9999-12-31",
    "spans": "2026-10..2026-01",
    "many commas": "," * 3_000,
}


def quiet(world: World, role: str = "admin") -> Client:
    """Answers 500 instead of passing the error on, as a server does."""
    client = world.clients[role]
    client.raise_request_exception = False
    return client


def get_pages(world: World) -> list[str]:
    left_out = {"account_logout"}
    return [each.path.partition("?")[0] for each in addresses(world) if not each.posts and each.name not in left_out]


def stumbled(statuses: dict[str, int]) -> dict[str, int]:
    """``/readyz`` says 503 where a part of the portal does not work, and means it."""
    return {path: status for path, status in statuses.items() if status >= 500 and not path.startswith("/readyz")}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_no_address_stumbles_over_hostile_parameters(world: World, text: str) -> None:
    client = quiet(world)
    raw = text.encode("utf-8", "surrogatepass")
    sets = [[(name, raw) for name in NAMES]] if len(text) < 200 else [[(name, raw)] for name in ("q", "page", "period")]

    for parameters in sets:
        query = urlencode(parameters)
        assert stumbled({path: client.get(f"{path}?{query}").status_code for path in get_pages(world)}) == {}


@pytest.mark.slow
@pytest.mark.parametrize("text", ["\x01", "9" * 400, "%FF%FE", "a" * 500, "2026-13", "-1"])
def test_no_address_stumbles_over_one_hostile_parameter(world: World, text: str) -> None:
    """One by one, since what is wrong with one may keep the others from being looked at."""
    client, asked = quiet(world), 0
    statuses: dict[str, int] = {}

    for path in get_pages(world):
        names = names_asked(client, path)
        asked += len(names)
        statuses |= {f"{path}?{name}": client.get(path, {name: text}).status_code for name in names}

    assert stumbled(statuses) == {}
    assert asked > len(get_pages(world))


def test_no_address_stumbles_over_nul_and_none_has_it_in_its_path(world: World) -> None:
    client = quiet(world)
    query = "&".join(f"{name}=a%00b" for name in NAMES)

    statuses = {path: client.get(f"{path}?{query}").status_code for path in get_pages(world)}
    in_paths = {client.get(f"{path.rstrip('/')}%00/").status_code for path in get_pages(world)[:8]}

    assert stumbled(statuses) == {}
    assert in_paths == {400}


def test_text_of_a_million_characters_is_refused_unread(world: World) -> None:
    response = quiet(world).get("/tickets/", {"q": "a" * 1_000_000})

    assert response.status_code == 414
    assert "The address is too long" in response.content.decode()


@pytest.mark.slow
def test_no_form_stumbles_over_hostile_fields(world: World) -> None:
    client = quiet(world)
    before = rows()

    for text in ("", "a\x00b", "\ud800", "9" * 400, "-1", "NaN", '"><svg>', "2026-13", "a" * 100_000):
        fields = urlencode([(name, text.encode("utf-8", "surrogatepass")) for name in NAMES])
        for each in addresses(world):
            if each.name in {"account_logout", "set_language"} or "public.pl" in each.path:
                continue
            response = client.post(each.path, fields, content_type="application/x-www-form-urlencoded")
            assert response.status_code < 500 or each.path == "/readyz", (each, text[:20])

    assert changed(before, rows()) == set()


def changed(before: str, after: str) -> set[str]:
    """Orders, agreements and ticket systems: what a form of nonsense must not write."""
    models = ("billing.order", "billing.agreement", "tickets.ticketsystem", "tickets.customer", "billing.allocation")
    return {model for model in models if before.count(f'"{model}"') != after.count(f'"{model}"')}


@pytest.mark.parametrize("length", ["5000001", str(2 * 1024**3), "9" * 400, "-1", "abc"])
def test_body_that_would_fill_the_disk_is_refused_before_it_is_read(world: World, length: str) -> None:
    """The length alone decides: nothing of a file of 2 GB reaches the disk."""
    client = quiet(world)

    response = client.post("/out-of-office/", b"", content_type=MULTIPART, CONTENT_LENGTH=length)

    assert response.status_code == 413
    assert "larger than 5000 kB" in response.content.decode()


def test_sparse_file_of_two_gigabytes_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)

    response = quiet(world).post(
        "/out-of-office/",
        b"",
        content_type=MULTIPART,
        CONTENT_LENGTH=str(path.stat().st_size),
    )

    assert response.status_code == 413


def test_body_without_files_has_a_smaller_limit(world: World) -> None:
    body = b"q=" + b"a" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    response = quiet(world).post("/orders/approve/", body, content_type="application/x-www-form-urlencoded")

    assert response.status_code in {400, 413}


@pytest.mark.parametrize("count", [settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1, 100_000])
def test_form_of_too_many_fields_is_refused(world: World, count: int) -> None:
    body = "&".join(["a=1"] * count)

    response = quiet(world).post("/orders/approve/", body, content_type="application/x-www-form-urlencoded")

    assert response.status_code == 400


def test_form_of_too_many_files_is_refused(world: World) -> None:
    files: dict[str, Any] = {f"file{number}": SimpleUploadedFile("a.csv", b"a") for number in range(12)}

    assert quiet(world).post("/out-of-office/", {"system": world.system.pk, **files}).status_code == 400


def test_table_of_a_million_columns_is_refused_with_a_sentence(world: World) -> None:
    file = SimpleUploadedFile("wide.csv", b"UserLogin" + b"," * 999_000)

    response = quiet(world).post("/out-of-office/", {"system": world.system.pk, "file": file})

    assert "columns, more than 50" in response.content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "1e9", str(2**63), "9" * 400, "last", "１"])
def test_page_that_there_is_not_shows_one_that_there_is(world: World, page: str) -> None:
    assert quiet(world).get("/tickets/", {"page": page, "period": "all"}).status_code == 200


@pytest.mark.parametrize("depth", [1_000, 30_000])
def test_json_that_is_nested_too_deep_is_refused(depth: int, world: World) -> None:
    body = urlencode({"Action": "PublicCloudService", "RequestData": "[" * depth + "]" * depth})

    response = quiet(world, "anonymous").post("/otrs/public.pl", body, content_type="application/x-www-form-urlencoded")

    assert response.status_code == 400
