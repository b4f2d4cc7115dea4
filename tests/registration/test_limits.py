from datetime import UTC, datetime, timedelta

import pytest

from registration.limits import LIMITS, Subject, TooMany, count, forget_old_counters
from registration.models import RateCounter

NOW = datetime(2026, 11, 30, 12, 50, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("subject", list(Subject))
def test_limit_is_reached_and_ends_with_its_window(subject: Subject) -> None:
    for _number in range(LIMITS[subject].count):
        count(subject, "value", now=NOW)

    with pytest.raises(TooMany) as caught:
        count(subject, "value", now=NOW)

    count(subject, "value", now=NOW + timedelta(seconds=caught.value.retry_after))
    with pytest.raises(TooMany):
        count(subject, "value", now=NOW + timedelta(seconds=caught.value.retry_after - 1))


def test_subjects_are_counted_apart_and_not_readable() -> None:
    for value in ("192.0.2.1", "192.0.2.2"):
        count(Subject.TOKEN_BY_ADDRESS, value, now=NOW)
    count(Subject.WRONG_BY_ADDRESS, "192.0.2.1", now=NOW)

    rows = RateCounter.objects.values_list("kind", "count").order_by("kind", "pk")
    assert list(rows) == [("token-address", 1), ("token-address", 1), ("wrong-address", 1)]
    assert not RateCounter.objects.filter(subject__contains="192").exists()


def test_old_counters_are_forgotten() -> None:
    count(Subject.UPDATE_OF_SYSTEM, "old", now=NOW - timedelta(days=2))
    count(Subject.UPDATE_OF_SYSTEM, "new", now=NOW)

    assert forget_old_counters(now=NOW) == 1
    assert forget_old_counters(now=NOW) == 0
    assert RateCounter.objects.count() == 1
