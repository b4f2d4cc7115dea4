"""Who may register ticket systems here, the systems that did, and what is kept of their rotating ids."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registration.event_models import RegistrationEvent, SupportData
from registration.limit_models import RateCounter
from registration.mail_models import RegistrationMail, RegistrationNotice
from registration.own_models import OwnRegistration, OwnRegistrationEvent
from tickets.models import AnyUser, Customer, sees_all_customers

__all__ = [
    "Account",
    "OwnRegistration",
    "OwnRegistrationEvent",
    "RateCounter",
    "RegisteredSystem",
    "RegistrationEvent",
    "RegistrationMail",
    "RegistrationNotice",
    "RegistrationToken",
    "SupportData",
]


class Account(models.Model):
    """An OTRS-ID with its password: whoever has it may register ticket systems of the customer."""

    otrs_id = models.CharField(
        _("OTRS-ID"), max_length=200, unique=True, help_text=_("In small letters, usually an e-mail address.")
    )
    password = models.CharField(_("password"), max_length=200, help_text=_("As a hash, never readable."))
    customer = models.ForeignKey(
        Customer,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="registration_accounts",
        verbose_name=_("customer"),
    )
    email = models.EmailField(
        _("e-mail"), blank=True, help_text=_("Is told when a system is about to expire or a copy was found.")
    )
    active = models.BooleanField(_("active"), default=True)
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["otrs_id"]
        verbose_name = _("registration account")
        verbose_name_plural = _("registration accounts")
        constraints = [
            models.CheckConstraint(condition=~Q(otrs_id="") & ~Q(password=""), name="account_has_id_and_password"),
        ]

    def __str__(self) -> str:
        return self.otrs_id


class RegisteredSystemQuerySet(models.QuerySet["RegisteredSystem"]):
    def visible_to(self, user: AnyUser) -> Self:
        """Systems of the customers that the user sees; those without a customer only to who sees all."""
        if sees_all_customers(user):
            return self
        return self.filter(account__customer__in=Customer.objects.visible_to(user))

    def for_list(self) -> Self:
        """Without what only the endpoint reads."""
        return self.defer("accepted", "key_hash", "salt").select_related("account__customer")


class RegisteredSystem(models.Model):
    """A ticket system that registered here. The UpdateID that it must show next is made from ``counter`` and ``salt``.

    The stored state knows nothing of time: due, overdue, grace and expired are made by ``date_check``.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        CONFLICT = "conflict", _("conflict")
        RETIRED = "retired", _("retired")
        DEREGISTERED = "deregistered", _("deregistered")

    class Mode(models.TextChoices):
        COMPAT = "compat", _("as OTRS does it")
        ATTEMPT = "attempt", _("with attempt ids")

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="systems", verbose_name=_("registration account")
    )
    unique_id = models.CharField(_("UniqueID"), max_length=36, unique=True)
    key_hash = models.CharField(max_length=64, help_text=_("Keyed hash of the API key."))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.ACTIVE)
    replaces = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replaced_by",
        verbose_name=_("registered again after"),
    )

    # As the system reported it last.
    fqdn = models.CharField(_("host name"), max_length=255, blank=True)
    product_version = models.CharField(_("version"), max_length=100, blank=True)
    perl_version = models.CharField(_("Perl"), max_length=100, blank=True)
    os_type = models.CharField(_("operating system"), max_length=100, blank=True)
    os_version = models.CharField(_("version of the operating system"), max_length=200, blank=True)
    database_version = models.CharField(_("database"), max_length=200, blank=True)
    sends_support_data = models.BooleanField(_("sends support data"), default=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    reported_type = models.CharField(_("type as reported"), max_length=100, blank=True)
    reported_description = models.TextField(_("description as reported"), blank=True)
    # Kept here by a person; the system takes them over with its next update.
    kept_type = models.CharField(_("type"), max_length=100, blank=True)
    kept_description = models.TextField(_("description"), blank=True)

    registered_at = models.DateTimeField(_("registered"))
    last_ok_at = models.DateTimeField(_("last update"), help_text=_("The registration counts as the first one."))
    next_due_at = models.DateTimeField(_("next update due"))
    conflict_at = models.DateTimeField(_("conflict found"), null=True, blank=True)
    suspected_at = models.DateTimeField(
        _("copy suspected"), null=True, blank=True, help_text=_("Something hinted at a copy and did not prove it.")
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    # What registration.rotation works on.
    mode = models.CharField(_("way of updating"), max_length=8, choices=Mode, default=Mode.COMPAT)
    counter = models.PositiveBigIntegerField(default=1)
    salt = models.CharField(max_length=32)
    last_counter = models.PositiveBigIntegerField(null=True, blank=True, help_text=_("Of the id exchanged last."))
    last_salt = models.CharField(max_length=32, blank=True)
    last_attempt = models.CharField(max_length=64, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    accepted = models.JSONField(default=list, blank=True)

    objects = RegisteredSystemQuerySet.as_manager()

    class Meta:
        ordering = ["fqdn", "pk"]
        verbose_name = _("registered system")
        verbose_name_plural = _("registered systems")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=("active", "conflict"), ended_at__isnull=True)
                | Q(state__in=("retired", "deregistered"), ended_at__isnull=False),
                name="registeredsystem_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="active", conflict_at__isnull=True)
                | Q(state="conflict", conflict_at__isnull=False)
                | Q(state__in=("retired", "deregistered")),
                name="registeredsystem_conflict_has_time",
            ),
            models.CheckConstraint(
                condition=Q(last_counter__isnull=True, last_salt="", rotated_at__isnull=True)
                | Q(last_counter__lt=F("counter"), rotated_at__isnull=False) & ~Q(last_salt=""),
                name="registeredsystem_id_was_exchanged_for_a_later_one",
            ),
            models.CheckConstraint(
                condition=~Q(unique_id="") & ~Q(key_hash="") & ~Q(salt=""), name="registeredsystem_has_its_ids"
            ),
        ]
        indexes = [
            models.Index(fields=["fqdn", "id"], name="registeredsystem_by_name"),  # the list as it opens
            models.Index(  # holds all that the counts by state read: rows are wide, and each list shows them
                fields=["account", "state", "last_ok_at", "next_due_at", "conflict_at"], name="registeredsystem_states"
            ),
            models.Index(  # the same for what the filters offer
                fields=["product_version", "kept_type", "reported_type", "state"], name="registeredsystem_versions"
            ),
            models.Index(fields=["state", "last_ok_at"], name="registeredsystem_silent"),  # who is to be reminded
        ]

    def __str__(self) -> str:
        return self.fqdn or self.unique_id

    def get_absolute_url(self) -> str:
        return reverse("registration:system", args=[self.pk])

    @property
    def type(self) -> str:
        """What a person keeps here, or else what the system reported."""
        return self.kept_type or self.reported_type

    @property
    def description(self) -> str:
        return self.kept_description or self.reported_description


class RegistrationToken(models.Model):
    """Good for one registration or one deregistration within 30 minutes. The token itself is not stored."""

    class Purpose(models.TextChoices):
        EITHER = "either", _("register or deregister")  # the client of OTRS does not tell what it is about to do
        REGISTER = "register", _("register")
        DEREGISTER = "deregister", _("deregister")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.EITHER)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    used_for = models.CharField(max_length=10, choices=Purpose, blank=True)
    payload_hash = models.CharField(max_length=64, blank=True)
    system = models.ForeignKey(RegisteredSystem, null=True, blank=True, on_delete=models.PROTECT, related_name="tokens")

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("registration token")
        verbose_name_plural = _("registration tokens")
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_for="", payload_hash="", system__isnull=True)
                | Q(used_at__isnull=False, used_for__in=("register", "deregister")) & ~Q(payload_hash=""),
                name="registrationtoken_used_says_for_what",
            ),
            models.CheckConstraint(
                condition=Q(used_for="") | Q(purpose="either") | Q(used_for=F("purpose")),
                name="registrationtoken_used_for_its_purpose",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"))
                & (Q(used_at__isnull=True) | Q(used_at__lte=F("expires_at"))),
                name="registrationtoken_used_in_time",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="registrationtoken_to_forget")]

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"
