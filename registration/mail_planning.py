"""Which mails about registrations are to be sent to whom: each conflict, silence and end is told once."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from registration.date_check import SILENCE
from registration.mail_models import RegistrationMail, RegistrationNotice
from registration.models import RegisteredSystem
from registration.reminders import reminder_of, told_from

State = RegisteredSystem.State
Reader = tuple[int | None, str]
"""Key of a user and no address, or no user and the address of an account."""


def plan_mails(*, now: datetime) -> int:
    """Note what is new and make one mail for each reader of it; returns how many mails.

    Nothing is noted where mail is not set up, or where another planning notes the same at this moment.
    """
    if not settings.SENDS_MAIL:
        return 0
    try:
        with transaction.atomic():
            notices = RegistrationNotice.objects.bulk_create(_new_notices(now))
            return _make_mails(notices, now=now)
    except IntegrityError:
        return 0


def _new_notices(now: datetime) -> list[RegistrationNotice]:
    is_silent = Q(state=State.ACTIVE, last_ok_at__lt=now - SILENCE, last_ok_at__gte=told_from(now))
    systems = RegisteredSystem.objects.filter(is_silent | Q(state=State.CONFLICT)).order_by("pk")
    told = set(
        RegistrationNotice.objects.filter(system__in=systems.order_by().values("pk")).values_list(
            "system_id", "kind", "occasion"
        )
    )
    notices = []
    for pk, state, last_ok, conflict_at in systems.values_list("pk", "state", "last_ok_at", "conflict_at"):
        found = reminder_of(in_conflict=state == State.CONFLICT, last_ok=last_ok, conflict_at=conflict_at, now=now)
        if found and (pk, found.kind, found.occasion) not in told:
            notices.append(RegistrationNotice(system_id=pk, kind=found.kind, occasion=found.occasion, at=now))
    return notices


def _make_mails(notices: list[RegistrationNotice], *, now: datetime) -> int:
    by_reader: dict[Reader, list[RegistrationNotice]] = {}
    readers = _readers_of([notice.system_id for notice in notices])
    for notice in notices:
        for reader in readers.get(notice.system_id, ()):
            by_reader.setdefault(reader, []).append(notice)
    mails = RegistrationMail.objects.bulk_create(
        RegistrationMail(user_id=user, address=address, due_at=now) for user, address in by_reader
    )
    link = RegistrationMail.notices.through
    link.objects.bulk_create(
        link(registrationmail_id=mail.pk, registrationnotice_id=notice.pk)
        for mail, told in zip(mails, by_reader.values(), strict=True)
        for notice in told
    )
    return len(mails)


def _readers_of(systems: list[int]) -> dict[int, list[Reader]]:
    """Administrators, the account managers of the customer and the address of the account; each of them once."""
    if not systems:
        return {}
    administrators = dict(_administrators().values_list("pk", "email"))
    managers = _managers_by_customer()
    found = RegisteredSystem.objects.filter(pk__in=systems).select_related("account")
    readers: dict[int, list[Reader]] = {}
    for system in found.only("account__customer", "account__email"):
        customer, address = system.account.customer_id, system.account.email
        users = administrators | (managers.get(customer, {}) if customer else {})
        readers[system.pk] = [(user, "") for user in users]
        if address and address.lower() not in {email.lower() for email in users.values()}:
            readers[system.pk].append((None, address.lower()))
    return readers


def _administrators() -> QuerySet[User]:
    """Members of a group that may change registered systems, with an address."""
    may_change = {
        "groups__permissions__codename": "change_registeredsystem",
        "groups__permissions__content_type__app_label": "registration",
    }
    return _reachable().filter(**may_change).distinct()


def _managers_by_customer() -> dict[int, dict[int, str]]:
    found: Iterable[tuple[int, int, str]] = (
        _reachable().filter(customers__isnull=False).values_list("customers", "pk", "email")
    )
    managers: dict[int, dict[int, str]] = {}
    for customer, pk, email in found:
        managers.setdefault(customer, {})[pk] = email
    return managers


def _reachable() -> QuerySet[User]:
    return get_user_model().objects.filter(is_active=True).exclude(email="").order_by("pk")
