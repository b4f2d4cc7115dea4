import pytest
from django.db import OperationalError, transaction

from tests.chaos.commits import play
from tests.chaos.proxy import Cut, through_proxy
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Customer

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
ROUNDS = 20


@pytest.mark.parametrize(("how", "kept"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
def test_proxy_cuts_on_either_side_of_the_commit(how: Cut, kept: int) -> None:
    system = TicketSystemFactory()
    with through_proxy() as proxy:
        proxy.cut_at(1, how)
        with pytest.raises(OperationalError), transaction.atomic():
            CustomerFactory(system=system)

    assert proxy.cuts == 1
    assert Customer.objects.count() == kept


def test_connections_cut_at_commit_lose_and_double_nothing() -> None:
    assert play(ROUNDS) == []
