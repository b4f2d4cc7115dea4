"""Whether the audit log is what the portal has written: every row, in its place, none missing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from audit.models import AuditHead, AuditKey, AuditRow
from audit.seals import CONTENT, GENESIS, content_of, is_genuine, seal_of
from common.fields import DecryptionError

CHUNK = 2000
LATE = timedelta(minutes=10)
"""So long after it was written a row is sealed at the latest; the sealer comes every minute."""


class Fault(StrEnum):
    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    UNSEALED = "unsealed"
    UNKNOWN_KEY = "unknown_key"
    OTHER_END = "other_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first thing that is not as it was written: at which position, or for which row (by number)."""

    fault: Fault
    position: int | None
    number: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``rows`` sealed rows were looked at up to ``position``, which ends with ``seal``; ``waiting`` are not sealed."""

    rows: int
    position: int
    seal: str
    waiting: int
    broken: Break | None

    @property
    def is_sound(self) -> bool:
        return self.broken is None


def verify(*, now: datetime, expected: str = "") -> Verdict:
    """Read the whole chain, in pieces. ``expected`` is a seal that was kept elsewhere and must be found in it: without
    one, nobody can tell that the newest rows and the end of the chain were put back together."""
    head = AuditHead.objects.filter(pk=AuditHead.ONLY).first() or AuditHead(position=0)
    chain = _Chain(head, expected)
    broken = chain.first_break() or _break_of_waiting(now=now)
    waiting = AuditRow.objects.filter(position=None).count()
    return Verdict(rows=chain.rows, position=chain.position, seal=chain.seal, waiting=waiting, broken=broken)


class _Chain:
    """One walk along the chain. Its end is read first, so that what is sealed meanwhile stands behind it."""

    def __init__(self, head: AuditHead, expected: str) -> None:
        self.rows, self.position, self.seal = 0, 0, ""
        self._head, self._expected = head, expected.strip().lower()
        self._secrets: dict[int, str | None] = {}

    def first_break(self) -> Break | None:
        found, reaches_end = not self._expected, not self._head.position
        rows = AuditRow.objects.filter(position__isnull=False).order_by("position")
        for row in rows.iterator(chunk_size=CHUNK):
            broken = self._break_of(row)
            if broken:
                return broken
            self.rows, self.position, self.seal = self.rows + 1, self.position + 1, row.seal
            found = found or row.seal == self._expected
            reaches_end = reaches_end or row.seal == self._head.seal
        return self._break_of_end(found=found, reaches_end=reaches_end)

    def _break_of(self, row: AuditRow) -> Break | None:
        place = self.position + 1
        if row.position != place:
            text = _("Position %(place)d is missing: a row was deleted, or its place was taken away.")
            return Break(fault=Fault.DELETED, position=place, number=None, text=text % {"place": place})
        about = {"place": place, "number": row.pk}
        secret = self._secret_of(row)
        if secret is None:
            text = _(
                "The key of the seal at position %(place)d cannot be read. Put the older FIELD_ENCRYPTION_KEYS back."
            )
            return Break(fault=Fault.UNKNOWN_KEY, position=place, number=row.pk, text=text % about)
        if self._is_sealed_here(row, secret, previous=self.seal or GENESIS):
            return None
        if self._is_sealed_here(row, secret, previous=row.previous):
            text = _("Position %(place)d does not follow the one before: a row was put in, taken out or moved there.")
            return Break(fault=Fault.REORDERED, position=place, number=row.pk, text=text % about)
        if not is_genuine(content_of(row), row.mac):
            text = _("Row %(number)d at position %(place)d was changed, or not written by the portal.")
            return Break(fault=Fault.CHANGED, position=place, number=row.pk, text=text % about)
        text = _("Row %(number)d stands at position %(place)d, where it was not sealed: it was moved or put in.")
        return Break(fault=Fault.REORDERED, position=place, number=row.pk, text=text % about)

    def _is_sealed_here(self, row: AuditRow, secret: str, *, previous: str) -> bool:
        if row.position is None or row.previous != previous:
            return False
        wanted = seal_of(
            secret, position=row.position, previous=previous, number=row.pk, mac=row.mac, content=content_of(row)
        )
        return wanted == row.seal

    def _secret_of(self, row: AuditRow) -> str | None:
        key = row.key_id or 0
        if key not in self._secrets:
            self._secrets[key] = _read_secret(key)
        return self._secrets[key]

    def _break_of_end(self, *, found: bool, reaches_end: bool) -> Break | None:
        if self.rows and not AuditHead.objects.exists():
            text = _("Where the chain ends is not known any more: that was deleted, perhaps with the newest rows.")
            return Break(fault=Fault.DELETED, position=self.position + 1, number=None, text=text)
        if not reaches_end:
            text = _("The chain ended at position %(head)d and ends at %(last)d now: the newest rows were deleted.")
            about = {"head": self._head.position, "last": self.position}
            return Break(fault=Fault.DELETED, position=self.position + 1, number=None, text=text % about)
        if not found:
            text = _("The expected seal is not in the chain: rows up to it were deleted or written anew.")
            return Break(fault=Fault.OTHER_END, position=None, number=None, text=text)
        return None


def _read_secret(key: int) -> str | None:
    try:
        found = AuditKey.objects.filter(pk=key).first()
        return found.secret if found and len(bytes.fromhex(found.secret)) else None
    except (DecryptionError, ValueError):
        return None


def _break_of_waiting(*, now: datetime) -> Break | None:
    """Rows that wait for the sealer must be the portal's own, and must not wait long."""
    for row in AuditRow.objects.filter(position=None).only("id", "mac", *CONTENT).order_by("pk").iterator(CHUNK):
        if not is_genuine(content_of(row), row.mac):
            text = _("Row %(number)d was not written by the portal, or was changed before it was sealed.")
            return Break(fault=Fault.INSERTED, position=None, number=row.pk, text=text % {"number": row.pk})
        if now - row.at > LATE:
            text = _("Row %(number)d waits too long for its seal. See that the scheduler and the workers run.")
            return Break(fault=Fault.UNSEALED, position=None, number=row.pk, text=text % {"number": row.pk})
    return None
