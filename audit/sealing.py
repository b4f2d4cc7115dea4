"""Giving each row its place in the chain, after the fact: who writes rows never waits for anybody else who does.

One sealer works at a time, under the lock of the chain's end; a second one waits for it and finds the rest, or nothing.
Rows are sealed in the order of their numbers as far as they are there: a number that is committed late comes later.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit.models import AuditHead, AuditKey, AuditRow
from audit.seals import GENESIS, content_of, is_genuine, new_secret, seal_of

BATCH = 500
PLACE = ["position", "previous", "seal", "key"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """``rows`` were sealed now; the chain ends at ``position`` with ``seal``. ``strange``: numbers of rows that the
    portal has not written like this; they get no place."""

    rows: int
    position: int
    seal: str
    strange: tuple[int, ...]


def seal_waiting(*, now: datetime) -> Sealed:
    """Seal every row that waits, in transactions of ``BATCH`` rows. Raises ``DecryptionError`` where no key is left
    that reads the latest key of seals; nothing is lost then, the rows wait."""
    count, after, strange = 0, 0, list[int]()
    while rows := _seal_batch(after, strange, now=now):
        count, after = count + len(rows), rows[-1].pk
    head = AuditHead.objects.filter(pk=AuditHead.ONLY).first() or AuditHead()
    if strange:
        logger.error("Rows of the audit log that the portal has not written like this: %s", strange)
    if count > len(strange):
        logger.info("The audit log is sealed up to position %d: %s", head.position, head.seal)
    return Sealed(rows=count - len(strange), position=head.position, seal=head.seal, strange=tuple(strange))


def add_key(*, now: datetime) -> AuditKey:
    """A new key of seals, from the next row on; what older ones have sealed stays as it is."""
    return AuditKey.objects.create(secret=new_secret(), made_at=now)


@transaction.atomic
def _seal_batch(after: int, strange: list[int], *, now: datetime) -> list[AuditRow]:
    head = _locked_head()
    rows = list(AuditRow.objects.filter(position=None, pk__gt=after).order_by("pk")[:BATCH])
    sealed = []
    key = AuditKey.objects.order_by("-pk").first() or add_key(now=now) if rows else None
    for row in rows:
        content = content_of(row)
        if key is None or not is_genuine(content, row.mac):
            strange.append(row.pk)
            continue
        row.position, row.previous, row.key = head.position + 1, head.seal or GENESIS, key
        row.seal = seal_of(
            key.secret, position=row.position, previous=row.previous, number=row.pk, mac=row.mac, content=content
        )
        head.position, head.seal = row.position, row.seal
        sealed.append(row)
    if sealed:
        AuditRow.objects.bulk_update(sealed, PLACE)
        head.sealed_at = now
        head.save()
    return rows


def _locked_head() -> AuditHead:
    AuditHead.objects.bulk_create([AuditHead(pk=AuditHead.ONLY)], ignore_conflicts=True)
    return AuditHead.objects.select_for_update().get(pk=AuditHead.ONLY)
