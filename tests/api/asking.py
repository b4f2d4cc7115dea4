"""Asking the API as a program does: without cookies, with a token."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from portal.api.scopes import Scope
from portal.api.tokens import make_token
from tests.pages.world import NOW, World

ROLES = {"manager": "anna", "stranger": "bernd", "billing": "clara", "admin": "dora"}


@dataclass
class Asker:
    token: str
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Any:
        """``path`` below ``/api/v1/``, or a whole one."""
        address = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.get(address, headers={"Authorization": f"Bearer {self.token}", **headers})

    def read(self, path: str) -> Any:
        """The document; the answer must be a good one."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code, response.content)
        return response.json()

    def all_items(self, path: str) -> list[Any]:
        """Of every page of the list."""
        found, following = [], path
        while following:
            page = self.read(following)
            found += page["items"]
            following = page["next"]
        return found


def asker(user: User, *scopes: Scope) -> Asker:
    """With these scopes, or with all."""
    chosen = scopes or tuple(Scope)
    return Asker(make_token(user=user, name="Test", scopes=chosen, days=30, now=NOW)[1])


def askers(world: World) -> dict[str, Asker]:
    return {role: asker(User.objects.get(username=name)) for role, name in ROLES.items()}
