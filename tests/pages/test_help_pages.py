"""Help in place: every figure's text leads to a heading that is there, and the documents are pages."""

from pathlib import Path

import pytest
from django.conf import settings

from portal.help.counted import COUNTED
from portal.help.documents import NAMES, anchor_of, anchors, document
from tests.pages.pages import inline_parts
from tests.pages.world import World


@pytest.mark.parametrize("key", COUNTED)
def test_every_text_leads_to_a_heading_that_is_there(key: str) -> None:
    counted = COUNTED[key]

    assert anchors(counted.name)[anchor_of(counted.heading)] == counted.heading.replace("`", "")
    assert counted.url == f"/help/{counted.name}/#{anchor_of(counted.heading)}"
    assert str(counted.text).endswith(".")


def test_every_text_stands_on_some_page() -> None:
    templates = "".join(path.read_text() for path in Path(settings.BASE_DIR, "templates").rglob("*.html"))
    in_lines = "".join(path.read_text() for path in Path(settings.BASE_DIR, "portal/worklist").glob("*.py"))

    assert [key for key in COUNTED if f'counted "{key}"' not in templates and f'key="{key}"' not in in_lines] == []


@pytest.mark.parametrize("name", NAMES)
def test_document_is_a_page_whose_links_lead_somewhere(world: World, name: str) -> None:
    html = world.clients["manager"].get(f"/help/{name}/").content.decode()

    assert document(name).html in html
    assert inline_parts(html) == []
    for other in NAMES:
        assert f'href="{other}.md' not in html
    assert 'href=""' not in document(name).html
    assert "<script" not in document(name).html


def test_documents_say_that_they_are_in_english(world: World) -> None:
    client = world.clients["manager"]
    client.post("/language/", {"language": "de"})

    html = client.get("/help/billing-rules/").content.decode()

    assert '<article class="document" lang="en">' in html
    assert 'id="the-way-of-an-order"' in html


def test_unknown_documents_are_not_there(world: World) -> None:
    assert world.clients["manager"].get("/help/operations/").status_code == 404
    with pytest.raises(KeyError):
        document("../README")


def test_anchors_are_those_that_repositories_make() -> None:
    assert [anchor_of(text) for text in ("rpc.pl", "3. Tell the portal", "The list, /registration/")] == [
        "rpcpl",
        "3-tell-the-portal",
        "the-list-registration",
    ]
