"""The mirror: what the ticket systems say, never what we make of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from common.jobs import Job, StoppableJob
from common.months import Month
from generic_interface.errors import WrongRequest
from generic_interface.routes import interface_url
from generic_interface.rpc import rpc_url
from generic_interface.transports import goes_over_rpc
from tickets.hosts import allowed_hosts
from tickets.outbox_models import OutboxItem  # noqa: F401 - so that Django finds it

AnyUser = AbstractBaseUser | AnonymousUser


def sees_all_customers(user: AnyUser) -> bool:
    """Whether the user sees every customer, not only the assigned ones."""
    return isinstance(user, PermissionsMixin) and user.has_perm("tickets.see_all_customers")


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone; write it like Europe/Berlin."), params={"name": name})


def check_base_url(url: str) -> None:
    """What the client would refuse later is refused before it is stored: credentials, hosts that are not allowed."""
    try:
        interface_url(url)
        allowed_hosts().check(url)
    except WrongRequest as error:
        raise ValidationError(str(error)) from error


def check_rpc_url(url: str) -> None:
    """Like ``check_base_url``."""
    try:
        rpc_url(url)
        allowed_hosts().check(url)
    except WrongRequest as error:
        raise ValidationError(str(error)) from error


def default_closed_state_types() -> list[str]:
    return ["closed"]


class TicketSystem(models.Model):
    """One OTRS or Znuny and how to reach it."""

    class Transport(models.TextChoices):
        REST = "rest", _("REST")
        SOAP = "soap", _("SOAP")
        RPC = "rpc", _("rpc.pl (OTRS 3 and later)")

    class Preset(models.TextChoices):
        BILLING_PORTAL = "billing_portal", _("BillingPortal (recommended)")
        OTRS6_SAMPLE = "otrs6_sample", _("GenericTicketConnector (sample of OTRS 6)")
        ZNUNY_SAMPLE = "znuny_sample", _("ZnunyTicketREST (newer sample of Znuny)")

    class Authentication(models.TextChoices):
        SESSION = "session", _("session")
        BODY = "body", _("login and password in each request body")
        HEADER = "header", _("login and password in request headers")

    class TimeSource(models.TextChoices):
        HISTORY = "history", _("history of each ticket (TicketHistoryGet)")
        AGENTS = "agents", _("time accounting of each agent (TimeAccountingGet)")
        BOTH = "both", _("both, matched entry by entry")

    name = models.CharField(_("name"), max_length=100, unique=True)
    base_url = models.CharField(
        _("base URL"),
        max_length=300,
        validators=[check_base_url],
        help_text=_("For example https://help.example.org/otrs"),
    )
    transport = models.CharField(
        _("transport"),
        max_length=10,
        choices=Transport,
        default=Transport.REST,
        help_text=_("What the web services of the ticket system speak."),
    )
    preset = models.CharField(_("web service"), max_length=30, choices=Preset, default=Preset.BILLING_PORTAL)
    routes = models.JSONField(
        _("routes that differ"),
        default=dict,
        blank=True,
        help_text=_(
            '{"TicketGet": "POST MyService /TicketGet", "TicketSearch": "SOAP MyService http://example.org/My/", '
            '"TicketHistoryGet": "RPC"}'
        ),
    )
    authentication = models.CharField(
        _("authentication"), max_length=10, choices=Authentication, default=Authentication.SESSION
    )
    login = models.CharField(
        _("login"), max_length=200, blank=True, help_text=_("Of an agent. Over rpc.pl alone none is needed.")
    )
    password = EncryptedTextField(_("password"), blank=True, default="")
    rpc_url = models.CharField(
        _("address of rpc.pl"),
        max_length=300,
        blank=True,
        validators=[check_rpc_url],
        help_text=_(
            "For example https://help.example.org/otrs/rpc.pl. Needed where operations go over it, and to read "
            "absences back."
        ),
    )
    rpc_user = models.CharField(
        _("user of rpc.pl"), max_length=200, blank=True, help_text=_("SOAP::User of the ticket system, no agent.")
    )
    rpc_password = EncryptedTextField(_("password of rpc.pl"), blank=True, default="")
    rpc_user_id = models.PositiveIntegerField(
        _("UserID over rpc.pl"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("The agent in whose name rpc.pl acts; it sees what this agent sees."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=60,
        default="Europe/Berlin",
        validators=[check_time_zone],
        help_text=_("OTRSTimeZone of the ticket system; its interface never tells it."),
    )
    minutes_per_unit = models.DecimalField(
        _("minutes per time unit"),
        max_digits=8,
        decimal_places=2,
        default=1,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    closed_state_types = models.JSONField(_("state types that count as closed"), default=default_closed_state_types)
    internal_queues = models.JSONField(
        _("internal queues"),
        default=list,
        blank=True,
        help_text=_("Time there is not meant for a customer; the data quality page lists it."),
    )
    time_source = models.CharField(_("source of time"), max_length=10, choices=TimeSource, default=TimeSource.HISTORY)
    look_back_days = models.PositiveSmallIntegerField(
        _("days read back"),
        default=90,
        validators=[MaxValueValidator(3660)],
        help_text=_("How far back booked time is read again, in whole months: it may have been changed since."),
    )
    reads_articles = models.BooleanField(
        _("read the time of articles"),
        default=False,
        help_text=_("Compares a third total, the articles' own. Every text of a ticket then comes over the network."),
    )
    search_limit = models.PositiveIntegerField(_("result limit of a search"), default=10_000)
    deep_link = models.CharField(
        _("link to a ticket"),
        max_length=300,
        blank=True,
        help_text=_("{base_url}/index.pl?Action=AgentTicketZoom;TicketID={ticket_id}"),
    )
    password_set_at = models.DateTimeField(_("password set"), null=True, blank=True, editable=False)
    password_set_by = models.CharField(max_length=150, blank=True, editable=False)
    rpc_password_set_at = models.DateTimeField(_("password of rpc.pl set"), null=True, blank=True, editable=False)
    rpc_password_set_by = models.CharField(max_length=150, blank=True, editable=False)
    checked_at = models.DateTimeField(
        _("connection checked"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When all that a reading needs worked, with the connection as it is set up now."),
    )
    verify_tls = models.BooleanField(_("check the TLS certificate"), default=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("ticket system")
        verbose_name_plural = _("ticket systems")
        constraints = [
            models.CheckConstraint(condition=Q(minutes_per_unit__gt=0), name="ticketsystem_minutes_per_unit_positive"),
            models.CheckConstraint(condition=Q(search_limit__gt=0), name="ticketsystem_search_limit_positive"),
            models.CheckConstraint(
                condition=~Q(transport="soap", authentication="header"),
                name="ticketsystem_soap_login_not_in_headers",
                violation_error_message=_(
                    "Over SOAP the login travels in the envelope, not in headers. Choose authentication by session or "
                    "with each request body."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(login="") | Q(transport="rpc"),
                name="ticketsystem_login_unless_rpc",
                violation_error_message=_("Enter the login of the agent that the portal uses."),
            ),
            models.CheckConstraint(
                condition=Q(rpc_url="") | ~Q(rpc_user="") & ~Q(rpc_password="") & Q(rpc_user_id__gt=0),
                name="ticketsystem_rpc_whole",
                violation_error_message=_("rpc.pl needs its address, its user, its password and a UserID."),
            ),
            models.CheckConstraint(
                condition=~Q(transport="rpc") | ~Q(rpc_url=""),
                name="ticketsystem_rpc_reached",
                violation_error_message=_("Enter the address of rpc.pl: everything is to go over it."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The minutes of mirrored entries were counted with the minutes per unit, so these stay."""
        super().clean()
        self._check_rpc()
        stored = TicketSystem._base_manager.filter(pk=self.pk).values_list("minutes_per_unit", flat=True).first()
        if stored is not None and stored != self.minutes_per_unit and self.entries.exists():
            raise ValidationError(
                {
                    "minutes_per_unit": _(
                        "Time entries of this ticket system are mirrored already, counted with %(minutes)s minutes per "
                        "time unit. To change it, choose “Change the minutes per time unit” at the ticket system's "
                        "set-up, or use manage.py convert_units: what is not billed yet is counted anew."
                    )
                    % {"minutes": stored}
                }
            )

    def _check_rpc(self) -> None:
        """What ``rpc.pl`` cannot tell must not be asked of it: it would be missing from every month."""
        wrong: dict[str, Any] = {}
        if self.rpc_url and not self.rpc_user:
            wrong["rpc_user"] = _("Enter the user of rpc.pl, which is SOAP::User of the ticket system.")
        if not self.rpc_url and "RPC" in self.routes.values():
            wrong["rpc_url"] = _("Enter the address of rpc.pl: an operation is to go over it.")
        if not self.login and any(route != "RPC" for route in self.routes.values()):
            wrong["login"] = _("Enter the login of an agent: an operation does not go over rpc.pl.")
        if self.time_source != self.TimeSource.HISTORY and self.goes_over_rpc("TimeAccountingGet"):
            wrong["time_source"] = _(
                "rpc.pl has no time accounting. Read the histories, or give TimeAccountingGet a route of its own."
            )
        if self.reads_articles and self.goes_over_rpc("TicketGet"):
            wrong["reads_articles"] = _("rpc.pl does not tell the time of articles.")
        if wrong:
            raise ValidationError(wrong)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def reads_as(self) -> str:
        """The agent whose rights decide what is read, as sentences call it."""
        return f"UserID {self.rpc_user_id}" if self.goes_over_rpc("TicketSearch") else self.login

    def goes_over_rpc(self, operation: str) -> bool:
        return goes_over_rpc(operation, transport=self.transport, routes=self.routes)

    def looked_back_to(self, day: date) -> Month:
        """The first month that is read again on this day, which is one of ``zone``."""
        return Month.of(day - timedelta(days=self.look_back_days))


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: AnyUser) -> Self:
        """The one place that decides who may see a customer."""
        if sees_all_customers(user):
            return self
        return self.filter(account_managers=user.pk) if user.is_authenticated else self.none()


class Customer(models.Model):
    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="customers")
    customer_id = models.CharField(_("CustomerID"), max_length=150)
    name = models.CharField(_("name"), max_length=200, blank=True)
    account_managers = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="customers", verbose_name=_("account managers")
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["system", "customer_id"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [("see_all_customers", "Can see all customers")]
        constraints = [
            models.UniqueConstraint(fields=["system", "customer_id"], name="customer_unique_customer_id"),
            models.CheckConstraint(condition=~Q(customer_id=""), name="customer_has_customer_id"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.name}".rstrip()


class Agent(models.Model):
    """Known by login, by numeric UserID, or by both once TicketGet has shown the pair."""

    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="agents")
    login = models.CharField(_("login"), max_length=200, null=True, blank=True)
    user_id = models.PositiveIntegerField(_("UserID"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    departed = models.BooleanField(_("departed"), default=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="agents",
        verbose_name=_("account in the portal"),
        help_text=_("Whoever signs in with it sees the agent's own time."),
    )

    class Meta:
        ordering = ["system", "login", "user_id"]
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        constraints = [
            models.UniqueConstraint(fields=["system", "login"], name="agent_unique_login"),
            models.UniqueConstraint(fields=["system", "user_id"], name="agent_unique_user_id"),
            models.CheckConstraint(
                condition=Q(login__isnull=False) | Q(user_id__isnull=False), name="agent_has_login_or_user_id"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.login or f"UserID {self.user_id}"


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: AnyUser) -> Self:
        if sees_all_customers(user):
            return self
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def closed_in(self, month: Month) -> Self:
        """Tickets that the ticket system found as closed in the month (any closing counts, not only the last)."""
        return self.filter(closings__month=month.first_day)


class Ticket(models.Model):
    """Mirrored from the ticket system; ``ticket_id`` is unknown where only TimeAccountingGet named the ticket."""

    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="tickets")
    ticket_id = models.CharField("TicketID", max_length=30, null=True, blank=True)
    number = models.CharField(_("number"), max_length=50)
    title = models.CharField(_("title"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=200, blank=True)
    state_type = models.CharField(_("state type"), max_length=50, blank=True)
    queue = models.CharField(_("queue"), max_length=200, blank=True)
    type = models.CharField(_("type"), max_length=200, blank=True)
    service = models.CharField(_("service"), max_length=200, blank=True)
    sla = models.CharField(_("SLA"), max_length=200, blank=True)
    priority = models.CharField(_("priority"), max_length=200, blank=True)
    owner = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="owned_tickets")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    customer_user = models.CharField(_("customer user"), max_length=250, blank=True)
    created_at = models.DateTimeField(_("created"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)
    closed_at = models.DateTimeField(_("last closed"), null=True, blank=True)
    time_units = models.DecimalField(_("time units in total"), max_digits=14, decimal_places=2, null=True, blank=True)
    article_units = models.DecimalField(
        _("time units of the articles"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Sum over the articles as they were read with the ticket; empty where they were not."),
    )
    read_at = models.DateTimeField(_("read"))

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.UniqueConstraint(fields=["system", "ticket_id"], name="ticket_unique_ticket_id"),
            models.UniqueConstraint(
                fields=["system", "number"], condition=Q(ticket_id__isnull=True), name="ticket_unique_number_without_id"
            ),
        ]
        indexes = [
            models.Index(fields=["system", "number"], name="ticket_number"),  # exact number in search and time sync
            models.Index(fields=["-created_at", "-id"], name="ticket_newest_first"),  # default order of the list
            models.Index(fields=["closed_at"], name="ticket_closed_at"),
            models.Index(fields=["title", "-id"], name="ticket_by_title"),  # the list sorted by title, to its last page
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("tickets:ticket", args=[self.pk])

    @property
    def link(self) -> str:
        """Address of the ticket in the ticket system; empty where no template or no TicketID is known."""
        if not (self.system.deep_link and self.ticket_id):
            return ""
        base, ident = self.system.base_url.rstrip("/"), self.ticket_id
        return self.system.deep_link.replace("{base_url}", base).replace("{ticket_id}", ident)


class TicketClosing(models.Model):
    """The ticket system's search found this ticket as closed in this month of its own zone."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="closings")
    month = models.DateField(_("month"), help_text=_("First day of the month"))

    class Meta:
        verbose_name = _("closing")
        verbose_name_plural = _("closings")
        constraints = [
            models.UniqueConstraint(fields=["ticket", "month"], name="ticketclosing_once_a_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="ticketclosing_month_is_first_day"),
        ]
        indexes = [models.Index(fields=["month", "ticket"], name="ticketclosing_by_month")]

    def __str__(self) -> str:
        return f"{self.ticket.number} {self.month:%Y-%m}"


class TimeEntryQuerySet(models.QuerySet["TimeEntry"]):
    def visible_to(self, user: AnyUser) -> Self:
        if sees_all_customers(user):
            return self
        return self.filter(ticket__customer__in=Customer.objects.visible_to(user))

    def present(self) -> Self:
        """Entries that the ticket system still shows."""
        return self.filter(gone_at__isnull=True)

    def booked_in(self, month: Month) -> Self:
        return self.filter(local_day__gte=month.first_day, local_day__lt=month.end_day)


class TimeEntry(models.Model):
    """One booking. The interface sends no id: identity is agent, local second, units and a running number among equals.

    The ticket is an attribute, because merging moves entries to another ticket. Entries that vanish upstream
    are marked ``gone_at`` and never deleted.
    """

    class Source(models.TextChoices):
        HISTORY = "history", _("ticket history")
        AGENT = "agent", _("time accounting of the agent")

    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="entries")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="entries")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="entries")
    booked_local = models.CharField(_("booked (local time as sent)"), max_length=19)
    booked_at = models.DateTimeField(_("booked"))
    local_day = models.DateField(_("day"), help_text=_("Day in the ticket system's zone"))
    units = models.DecimalField(_("time units"), max_digits=12, decimal_places=2)
    minutes = models.DecimalField(_("minutes"), max_digits=14, decimal_places=4)
    running_number = models.PositiveIntegerField(_("running number among equals"), default=1)
    queue = models.CharField(_("queue at that time"), max_length=200, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)

    objects = TimeEntryQuerySet.as_manager()

    class Meta:
        ordering = ["booked_local", "id"]
        verbose_name = _("time entry")
        verbose_name_plural = _("time entries")
        constraints = [
            models.UniqueConstraint(
                fields=["system", "agent", "booked_local", "units", "running_number"], name="timeentry_identity"
            ),
            models.CheckConstraint(condition=Q(running_number__gt=0), name="timeentry_running_number_positive"),
        ]
        indexes = [models.Index(fields=["system", "local_day"], name="timeentry_by_day")]

    def __str__(self) -> str:
        return f"{self.booked_local} {self.units}"


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def of_months(self) -> Self:
        """Readings of all that a month needs; only these can make a month complete."""
        return self.filter(agent__isnull=True)

    def of_agents(self) -> Self:
        """Readings of one agent's time accounting of a month."""
        return self.filter(agent__isnull=False)

    def written(self) -> Self:
        """Readings that reached the mirror, with gaps or without; failed ones have changed nothing."""
        return self.filter(state__in=[Job.State.DONE, Job.State.PARTLY])


class SyncRun(StoppableJob):
    """One reading of a month from one ticket system, or of one agent's time accounting of that month.

    Nothing of it is written before everything was read.
    """

    system = models.ForeignKey(TicketSystem, on_delete=models.PROTECT, related_name="sync_runs")
    agent = models.ForeignKey(
        Agent,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sync_runs",
        verbose_name=_("agent"),
        help_text=_("Only this agent's time accounting; empty: all that the month needs."),
    )
    month = models.DateField(_("month"), help_text=_("First day of the month"))
    tickets = models.PositiveIntegerField(_("tickets"), default=0)
    entries = models.PositiveIntegerField(_("time entries"), default=0)
    minutes = models.DecimalField(_("minutes"), max_digits=18, decimal_places=4, default=0)
    entries_new = models.PositiveIntegerField(_("new"), default=0)
    entries_moved = models.PositiveIntegerField(_("moved"), default=0)
    entries_gone = models.PositiveIntegerField(_("gone"), default=0)
    requests = models.PositiveIntegerField(_("requests"), default=0)
    seconds = models.DecimalField(_("seconds"), max_digits=10, decimal_places=3, default=0)
    problems = models.JSONField(_("problems"), default=list, help_text=_("Sentences on what is missing or disagrees"))
    losses_accepted = models.TextField(
        _("why losses are accepted"),
        blank=True,
        help_text=_("A person has made sure that known time or closings are gone; empty: nobody has."),
    )

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        constraints = [
            models.UniqueConstraint(
                fields=["system", "month"],
                condition=Q(state__in=[Job.State.QUEUED, Job.State.RUNNING], agent__isnull=True),
                name="syncrun_one_active_per_month",
            ),
            models.UniqueConstraint(
                fields=["agent", "month"],
                condition=Q(state__in=[Job.State.QUEUED, Job.State.RUNNING], agent__isnull=False),
                name="syncrun_one_active_per_agent",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="syncrun_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(complete=False) | Q(state=Job.State.DONE), name="syncrun_complete_only_when_done"
            ),
        ]
        indexes = [models.Index(fields=["system", "month", "-created_at"], name="syncrun_latest")]

    def __str__(self) -> str:
        return f"{self.system} {self.month:%Y-%m}"
