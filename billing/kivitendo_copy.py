"""The local copy of kivitendo's customers, contacts, articles and units, and how old it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.erp_models import KivitendoArticle, KivitendoContact, KivitendoCopy, KivitendoCustomer, KivitendoUnit
from billing.kivitendo_database import BadAnswer, Content, KivitendoError, NotConfigured, read_content

BATCH = 1000
LONGEST_UNIT = 200  # characters; kivitendo's own column holds 20
DUE_AFTER = timedelta(hours=1)
"""How old the copy gets before the scheduler reads kivitendo again, and how long after a vain attempt it tries."""
OLD_AFTER = timedelta(days=1)
"""How old the copy may be before people are told."""


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one kind that were new, had changed, or were gone; what had not changed was not written."""

    total: int
    new: int
    changed: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did: nothing where a later reading had been written meanwhile."""

    customers: Written
    contacts: Written
    articles: Written
    units: Written


def is_configured() -> bool:
    """Whether there is a kivitendo to ask. Without one every check against it passes without a word."""
    return bool(settings.KIVITENDO_DATABASE_URL)


def the_copy() -> KivitendoCopy:
    """The row about the copy; an unsaved one before the first refresh."""
    return KivitendoCopy.objects.filter(pk=KivitendoCopy.ONLY).first() or KivitendoCopy(pk=KivitendoCopy.ONLY)


def age_of(copy: KivitendoCopy) -> str:
    """The sentence on the age of the copy."""
    if copy.read_at is None:
        return _("kivitendo has not been read yet.")
    time = date_format(timezone.localtime(copy.read_at), "SHORT_DATETIME_FORMAT")
    return _("As kivitendo was read last: %(time)s.") % {"time": time}


def refresh_is_due(*, now: datetime) -> bool:
    """Whether the copy is old, and the last attempt too."""
    tried_at = the_copy().tried_at
    return is_configured() and (tried_at is None or tried_at <= now - DUE_AFTER)


def refresh_copy(*, now: datetime) -> Refreshed:
    """Read kivitendo and bring the copy to it, all or nothing.

    Raises ``KivitendoError``; the copy then stays as it was, and its row keeps the sentence for people to see. ``now``
    is the time before the reading: of two refreshes at once the later one stays, whichever ends first.
    """
    try:
        content = read_content(settings.KIVITENDO_DATABASE_URL)
        if not content.customers:
            raise BadAnswer(
                _("kivitendo shows no customer at all, so the copy stays as it was. Check the database and its views.")
            )
    except NotConfigured:
        raise
    except KivitendoError as error:
        _note_failure(str(error), now=now)
        raise
    return _write(content, now=now)


def _note_failure(sentence: str, *, now: datetime) -> None:
    KivitendoCopy.objects.bulk_create([KivitendoCopy(pk=KivitendoCopy.ONLY)], ignore_conflicts=True)
    KivitendoCopy.objects.filter(pk=KivitendoCopy.ONLY).update(tried_at=now, error=sentence)


@transaction.atomic
def _write(content: Content, *, now: datetime) -> Refreshed:
    copy = _locked_copy()
    if copy.read_at is not None and copy.read_at > now:
        none = Written(0, 0, 0, 0)
        return Refreshed(customers=none, contacts=none, articles=none, units=none)
    customers = _bring(KivitendoCustomer, "identity", {row.identity: _customer(row) for row in content.customers})
    keys = dict(KivitendoCustomer.objects.values_list("identity", "pk"))
    contacts = {
        row.identity: {
            "customer_id": keys[row.customer],
            "name": row.name,
            "email": row.email,
            "phone": row.phone,
            "is_main": row.is_main,
        }
        for row in content.contacts
        if row.customer in keys
    }
    articles = {
        row.identity: {
            "number": row.number,
            "description": row.description,
            "unit": row.unit,
            "obsolete": row.obsolete,
        }
        for row in content.articles
    }
    units = {row.name: {"base": row.base} for row in content.units if max(len(row.name), len(row.base)) <= LONGEST_UNIT}
    refreshed = Refreshed(
        customers=customers,
        contacts=_bring(KivitendoContact, "identity", contacts),
        articles=_bring(KivitendoArticle, "identity", articles),
        units=_bring(KivitendoUnit, "name", units),
    )
    copy.read_at = copy.tried_at = now
    copy.error = ""
    copy.customers_source, copy.contacts_source = content.customers_source, content.contacts_source
    copy.articles_source, copy.units_source = content.articles_source, content.units_source
    copy.save()
    return refreshed


def _customer(row: Any) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("number", "name", "zipcode", "city", "obsolete", "locked")}


def _locked_copy() -> KivitendoCopy:
    """The row about the copy, locked: one refresh writes at a time."""
    KivitendoCopy.objects.bulk_create([KivitendoCopy(pk=KivitendoCopy.ONLY)], ignore_conflicts=True)
    return KivitendoCopy.objects.select_for_update().get(pk=KivitendoCopy.ONLY)


def _bring(model: type[models.Model], key: str, wanted: Mapping[str, Mapping[str, object]]) -> Written:
    """Make the rows of the model those that are wanted, by ``key``; rows that are as wanted are not written."""
    rows = model._base_manager
    known: dict[str, Any] = {getattr(row, key): row for row in rows.all()}
    new = [model(**{key: identity}, **values) for identity, values in wanted.items() if identity not in known]
    changed = []
    for identity in known.keys() & wanted.keys():
        row, values = known[identity], wanted[identity]
        if any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    gone = [row.pk for identity, row in known.items() if identity not in wanted]
    for batch in _batches(gone):
        rows.filter(pk__in=batch).delete()
    rows.bulk_create(new, batch_size=BATCH)
    if changed:
        fields = [name.removesuffix("_id") for name in next(iter(wanted.values()))]
        rows.bulk_create(
            sorted(changed, key=lambda row: row.pk),
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=fields,
        )
    return Written(total=len(wanted), new=len(new), changed=len(changed), gone=len(gone))


def _batches(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
