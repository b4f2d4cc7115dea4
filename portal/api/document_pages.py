"""The documentation for people: made from the OpenAPI document, without a script."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.api.document import Document, document

REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter or a field of an answer; ``leads_to`` names the form that it holds."""

    name: str
    kind: str
    description: str
    leads_to: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that answers have, with its fields."""

    name: str
    description: str
    fields: list[Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address and what it answers."""

    name: str
    path: str
    summary: str
    description: str
    scope: str
    permissions: list[str]
    parameters: list[Field]
    answer: str


def addresses() -> dict[str, list[Address]]:
    """By the group they belong to, in the order of the document."""
    groups: dict[str, list[Address]] = {}
    for path, operations in document()["paths"].items():
        operation = operations["get"]
        groups.setdefault(operation["tags"][0], []).append(_address(path, operation))
    return groups


def forms() -> list[Form]:
    """Those with fields, by name."""
    schemas: dict[str, Document] = document()["components"]["schemas"]
    return [
        Form(name=name, description=schema.get("description", ""), fields=list(_fields(schema)))
        for name, schema in sorted(schemas.items())
        if "properties" in schema
    ]


def _address(path: str, operation: Document) -> Address:
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return Address(
        name=operation["operationId"],
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation["x-scope"],
        permissions=operation["x-permissions"],
        parameters=[_parameter(each) for each in operation["parameters"]],
        answer=_name(answer),
    )


def _parameter(parameter: Document) -> Field:
    schema = parameter["schema"]
    kind = _kind(schema)
    if schema.get("default") not in (None, ""):
        kind = f"{kind} = {schema['default']}"
    return Field(
        name=parameter["name"],
        kind=kind,
        description=parameter.get("description", ""),
        is_required=parameter["required"],
    )


def _fields(schema: Document) -> Iterator[Field]:
    for name, each in schema["properties"].items():
        yield Field(name=name, kind=_kind(each), description=each.get("description", ""), leads_to=_name(each))


def _kind(schema: Mapping[str, Any]) -> str:
    """``text``, ``integer or null``, ``list of EntryRecord``."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "$ref" in schema:
        target: Document = document()["components"]["schemas"][_name(schema)]
        return _kind(target) if "enum" in target else _name(schema)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "const" in schema:
        return str(schema["const"])
    return str(schema.get("format") or schema.get("type", "any"))


def _name(schema: Mapping[str, Any]) -> str:
    """Of the form that the schema refers to, be it in a list or beside null; empty where it is no form."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    inner = [schema["items"]] if "items" in schema else schema.get("anyOf", [])
    return next((name for each in inner if (name := _name(each))), "")
