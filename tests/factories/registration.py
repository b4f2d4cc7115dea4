"""The boring valid object of the registration."""

from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

from registration.models import Account, RegisteredSystem

PASSWORD = "Geheim-ä-1"  # the one of the recordings


class AccountFactory(DjangoModelFactory[Account]):
    class Meta:
        model = Account

    otrs_id = factory.Sequence(lambda n: f"kunde{n}@beispiel.test")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))


class RegisteredSystemFactory(DjangoModelFactory[RegisteredSystem]):
    """Active and just registered; its key opens nothing."""

    class Meta:
        model = RegisteredSystem

    account = factory.SubFactory(AccountFactory)
    unique_id = factory.Sequence(lambda n: f"00000000-0000-4000-8000-{n:012}")
    key_hash = "0" * 64
    fqdn = factory.Sequence(lambda n: f"otrs{n}.example.test")
    salt = "0123456789abcdef"
    registered_at = factory.LazyFunction(timezone.now)
    last_ok_at = factory.SelfAttribute("registered_at")
    next_due_at = factory.LazyAttribute(lambda system: system.registered_at + timedelta(days=7))
