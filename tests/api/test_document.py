"""The document of the API and its page for people."""

from typing import Any

import pytest
from django.test import Client
from ninja.openapi.schema import OpenAPISchema

from portal.api.document import document
from portal.api.scopes import Scope
from portal.api.service import api
from tests.pages.pages import inline_parts
from tests.pages.world import World


def test_document_tells_every_address_with_scope_and_errors(db: None) -> None:
    paths = document()["paths"]

    assert document()["openapi"].startswith("3.1")
    assert {method for path in paths.values() for method in path} == {"get"}
    for path, operations in paths.items():
        operation = operations["get"]
        assert operation["x-scope"] in {"", *Scope.values}, path
        assert operation["description"], path
        assert {"200", "304", "401", "403", "404", "405", "422", "429", "500"} == operation["responses"].keys()


def test_no_two_forms_share_a_name(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps the last one of a name, and the other answers would break the document."""
    seen: dict[str, list[Any]] = {}

    def note(self: OpenAPISchema, definitions: dict[str, Any]) -> None:
        for name, definition in definitions.items():
            forms = seen.setdefault(name, [])
            if definition not in forms:
                forms.append(definition)

    monkeypatch.setattr(OpenAPISchema, "add_schema_definitions", note)
    api.get_openapi_schema(path_prefix="api/v1/")

    assert {name: forms for name, forms in seen.items() if len(forms) > 1} == {}
    assert "Report" in seen


def test_every_parameter_says_what_it_is(db: None) -> None:
    for path, operations in document()["paths"].items():
        for parameter in operations["get"]["parameters"]:
            assert parameter.get("description"), (path, parameter["name"])


def test_document_is_for_everybody_and_sent_once(db: None) -> None:
    client = Client()
    first = client.get("/api/v1/openapi.json")

    assert first.json() == document()
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_page_names_every_address_and_form_without_a_script(world: World) -> None:
    html = world.clients["manager"].get("/api/v1/docs/").content.decode()

    for path in document()["paths"]:
        assert path in html
    for name, schema in document()["components"]["schemas"].items():
        assert "properties" not in schema or f'id="form-{name}"' in html
    assert inline_parts(html) == []
    assert "swagger" not in html.lower()


def test_page_shows_code_as_code(world: World) -> None:
    html = world.clients["manager"].get("/api/v1/docs/").content.decode()

    assert "<code>Authorization: Bearer bpt_…</code>" in html
    assert "`" not in html


def test_operations_are_declared_in_one_way(db: None) -> None:
    """Nothing of the library's own pages is reached."""
    assert api.openapi_url is None
    assert api.docs_url is None
