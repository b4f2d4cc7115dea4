"""The boring valid object of the ledger. Orders are made by runs; these are for what runs do not make."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from billing.models import Agreement
from tests.factories.tickets import CustomerFactory


class AgreementFactory(DjangoModelFactory[Agreement]):
    """60 EUR an hour, exact minutes: an amount is the number of minutes."""

    class Meta:
        model = Agreement

    customer = factory.SubFactory(CustomerFactory)
    hourly_rate = Decimal("60.00")
    rounding_step = Agreement.RoundingStep.EXACT
