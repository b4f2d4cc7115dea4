"""What a page reads of its query: it is tried with these names, and with no others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils.datastructures import MultiValueDict


def names_asked(client: Client, path: str) -> set[str]:
    """The names that the page reads, those included that it reads only where the others are there."""
    names = _names_read(client, path, {})
    return names | _names_read(client, path, dict.fromkeys(names, "1"))


def _names_read(client: Client, path: str, query: dict[str, str]) -> set[str]:
    """What the page asks its query for: views, forms and tables alike."""
    read: set[str] = set()
    readers: Any = MultiValueDict
    item, values, contains = readers.__getitem__, readers._getlist, readers.__contains__

    def noted(reader: Callable[..., Any]) -> Callable[..., Any]:
        def reading(data: Any, key: str, *args: Any, **kwargs: Any) -> Any:
            if isinstance(data, QueryDict):
                read.add(key)
            return reader(data, key, *args, **kwargs)

        return reading

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MultiValueDict, "__getitem__", noted(item))
        patch.setattr(MultiValueDict, "_getlist", noted(values))
        patch.setattr(MultiValueDict, "__contains__", noted(contains))
        client.get(path, query)
    return read
