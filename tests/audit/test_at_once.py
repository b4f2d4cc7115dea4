"""Many write and several seal at once, against the real database: one chain without a gap, and nobody waits."""

import time

import pytest
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditKey, AuditRow
from audit.recording import record
from audit.sealing import seal_waiting
from audit.verification import verify
from tests.at_once import at_once

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SEALERS, WRITERS, ACTIONS = 4, 8, 40


def test_several_sealers_make_one_chain_while_others_write() -> None:
    def seal_or_act(number: int) -> int:
        if number >= SEALERS:
            for _action in range(ACTIONS):
                with transaction.atomic():
                    record(Action.ORDER_DRAFTED, target_key=number)
            return 0
        return sum(seal_waiting(now=timezone.now()).rows for _round in range(10))

    before = AuditRow.objects.count()
    at_once(seal_or_act, workers=SEALERS + WRITERS)
    seal_waiting(now=timezone.now())

    positions = list(AuditRow.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, before + WRITERS * ACTIONS + 1))
    assert verify(now=timezone.now()).broken is None
    assert AuditKey.objects.count() == 1


def test_row_that_is_committed_late_gets_its_place_later() -> None:
    """Its number is lower than that of rows which are sealed before it."""

    def act(number: int) -> None:
        with transaction.atomic():
            record(Action.ORDER_DRAFTED, target_key=number)
            if number == 0:
                time.sleep(1)
        if number == 1:
            time.sleep(0.5)
            seal_waiting(now=timezone.now())

    at_once(act, workers=3)
    seal_waiting(now=timezone.now())

    assert verify(now=timezone.now()).broken is None
    assert not AuditRow.objects.filter(position=None).exists()


def test_open_transaction_of_a_writer_holds_up_nobody() -> None:
    def act(number: int) -> float:
        begun = time.monotonic()
        with transaction.atomic():
            record(Action.ORDER_DRAFTED, target_key=number)
            took = time.monotonic() - begun
            time.sleep(2 if number == 0 else 0)
        if number == 1:
            seal_waiting(now=timezone.now())
        return took

    assert max(at_once(act, workers=6)) < 2
