"""The pictures of the pages: none is forgotten, none is of an error."""

from pathlib import Path

from scripts.pictured import NOT_PICTURED, pictured, signed_out
from tests.pages.pages import FILES, MACHINES, addresses
from tests.pages.world import NOW, World

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"


def test_every_page_is_pictured_or_said_not_to_be(world: World) -> None:
    pages = {address.name for address in addresses(world) if not address.posts} - FILES - MACHINES

    found = {name for name in pictured(now=NOW) if not name.startswith("admin:")}

    assert sorted(found | set(signed_out())) == sorted(pages - set(NOT_PICTURED))
    assert set(NOT_PICTURED) < pages


def test_every_picture_is_of_a_page(world: World) -> None:
    statuses = {name: world.clients["admin"].get(path).status_code for name, path in pictured(now=NOW).items()}

    assert {name: status for name, status in statuses.items() if status != 200} == {}


def test_no_picture_is_of_a_page_that_is_gone(world: World) -> None:
    taken = {path.stem.rpartition("-")[0] for path in FOLDER.glob("*-*.png") if not path.stem.startswith("tour-")}

    assert taken - {name.replace(":", "-") for name in (*pictured(now=NOW), *signed_out())} == set()
