"""The set-up of a ticket system that has entries."""

import pytest
from django.forms import CharField, model_to_dict, modelform_factory

from tests.factories.tickets import TicketFactory, TicketSystemFactory, TimeEntryFactory
from tickets.forms import TicketSystemForm
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"minutes_per_unit": "15"}, {"minutes_per_unit"}),
        ({"minutes_per_unit": "1.00", "time_source": "agents"}, set()),
    ],
)
def test_minutes_per_unit_stay_once_entries_are_mirrored(changes: dict[str, str], wrong: set[str]) -> None:
    system = TicketSystemFactory()
    TimeEntryFactory(ticket=TicketFactory(system=system))
    form_class = modelform_factory(
        TicketSystem, form=TicketSystemForm, fields="__all__", field_classes={"base_url": CharField}
    )
    data = model_to_dict(system) | {"password": "", "routes": "", "closed_state_types": "closed"} | changes

    form = form_class(data, instance=system)

    assert set(form.errors) == wrong
