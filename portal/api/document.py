"""The OpenAPI document: what the library makes of the routes, and what holds for all of them."""

from functools import lru_cache
from typing import Any

from portal.api.problems import CONTENT_TYPE, Problem
from portal.api.service import api

Document = dict[str, Any]
PREFIX = "api/v1/"
REQUEST_ID = {
    "X-Request-ID": {"description": "The id that the log knows the request by.", "schema": {"type": "string"}}
}
ENTITY_TAG = {"ETag": {"description": "Send it back as If-None-Match.", "schema": {"type": "string"}}}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
ALLOW = {"Allow": {"description": "The methods that are answered.", "schema": {"type": "string"}}}
PROBLEMS: dict[str, tuple[str, Document]] = {
    "401": ("No token, or one that is unknown, expired or revoked.", {}),
    "403": ("The token lacks the scope, or its user a permission.", {}),
    "404": ("Nothing here that you may see.", {}),
    "405": ("Another method than GET.", ALLOW),
    "422": ("A parameter is not known or cannot be understood.", {}),
    "429": ("Too many requests with this token.", RETRY_AFTER),
    "500": ("Something went wrong here.", {}),
}
PATH_PARAMETERS = {"by": "What the time is summed by."}
"""All others in paths are numbers of records."""
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of an earlier answer; where nothing has changed, the answer is 304 without a body.",
    "schema": {"type": "string"},
}


@lru_cache(maxsize=1)
def document() -> Document:
    """As OpenAPI 3.1; nobody changes it."""
    found: Document = dict(api.get_openapi_schema(path_prefix=PREFIX))
    found["components"]["schemas"]["Problem"] = _problem(found)
    for path in found["paths"].values():
        for operation in path.values():
            _complete(operation)
    return found


def _problem(found: Document) -> Document:
    schema = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    found["components"]["schemas"] |= schema.pop("$defs")
    return schema


def _complete(operation: Document) -> None:
    """Scopes stand at the scheme as well, which OpenAPI 3.1 allows for every kind of scheme."""
    scope = operation["x-scope"]
    operation["security"] = [{"Token": [scope] if scope else []}]
    for parameter in operation["parameters"]:
        parameter.setdefault(
            "description", PATH_PARAMETERS.get(parameter["name"], "Number of the record in the portal.")
        )
    operation["parameters"].append(IF_NONE_MATCH)
    answers = {str(status): answer for status, answer in operation["responses"].items()}
    answers["200"] |= {"description": "What was asked for.", "headers": REQUEST_ID | ENTITY_TAG}
    answers["304"] = {"description": "Nothing has changed.", "headers": REQUEST_ID | ENTITY_TAG}
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, (description, headers) in PROBLEMS.items():
        answers[status] = {"description": description, "headers": REQUEST_ID | headers, "content": content}
    operation["responses"] = answers
