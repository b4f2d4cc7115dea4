"""What the admin and the audit log call a row: its own words, never "SavedFilter object (7)"."""

import pytest
from django.apps import apps
from django.db.models import Model

from portal.models import HiddenPart
from tests.pages.world import World

pytestmark = pytest.mark.django_db
OWN = ("audit", "billing", "outofoffice", "portal", "registration", "tickets")
MODELS = [model for app in OWN for model in apps.get_app_config(app).get_models()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_rows_name_themselves(world: World, model: type[Model]) -> None:
    HiddenPart.objects.create(user=world.saved.user, part="first-steps")
    assert model.__str__ is not Model.__str__
    names = [str(row) for row in model._default_manager.all()[:20]]
    assert all(names), f"a row without a name: {names}"
    assert not any("object (" in name for name in names)


def test_the_words_are_those_that_people_look_for(world: World) -> None:
    hidden = HiddenPart.objects.create(user=world.saved.user, part="first-steps")
    assert str(hidden) == "first-steps"
    assert str(world.saved) == world.saved.name
    assert str(world.message) == f"{world.order.number} {world.message.item}"
