"""What the ERP says, kept beside what we say: a copy of kivitendo's master data, and what became of each order there.

Nothing here is ours to change by hand: a refresh brings the copy up to date, a look brings the findings up to date.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

CONTACTS_VIEW = "otrs_customer_contacts"
WHOLE_UNITS = ("portal_units", "units")


class KivitendoCopy(models.Model):
    """The one row about the copy: how old it is, what it was read from, and why the last attempt failed."""

    ONLY = 1
    """Its primary key."""

    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    customers_source = models.CharField(max_length=63, blank=True)
    contacts_source = models.CharField(max_length=63, blank=True)
    articles_source = models.CharField(max_length=63, blank=True)
    units_source = models.CharField(max_length=63, blank=True)
    tried_at = models.DateTimeField(_("tried"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("copy of kivitendo")
        verbose_name_plural = _("copies of kivitendo")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="kivitendocopy_only_one")]

    def __str__(self) -> str:
        return f"{self.read_at}"

    @property
    def has_all_customers(self) -> bool:
        """The classic view leaves out customers without a contact that has an e-mail."""
        return self.customers_source != CONTACTS_VIEW

    @property
    def has_articles(self) -> bool:
        return bool(self.articles_source)

    @property
    def has_all_units(self) -> bool:
        """Without a view or table of the units only those are known that a service is priced in."""
        return self.units_source in WHOLE_UNITS


class KivitendoCustomer(models.Model):
    """A customer of kivitendo. Its ``number`` is not unique there, and is compared exactly."""

    identity = models.CharField(max_length=64, unique=True)
    number = models.TextField(_("customer number"))
    name = models.TextField(_("name"))
    zipcode = models.TextField(_("postal code"))
    city = models.TextField(_("city"))
    obsolete = models.BooleanField(_("obsolete"))
    locked = models.BooleanField(_("locked for orders"))

    class Meta:
        ordering = ["number", "id"]
        verbose_name = _("customer in kivitendo")
        verbose_name_plural = _("customers in kivitendo")

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()


class KivitendoContact(models.Model):
    """A person at a customer of kivitendo; one who belongs to several customers has a row for each."""

    identity = models.CharField(max_length=64, unique=True)
    customer = models.ForeignKey(KivitendoCustomer, on_delete=models.CASCADE, related_name="contacts")
    name = models.TextField(_("name"))
    email = models.TextField(_("e-mail"))
    phone = models.TextField(_("phone"))
    is_main = models.BooleanField(_("main contact"))

    class Meta:
        ordering = ["-is_main", "name", "id"]
        verbose_name = _("contact in kivitendo")
        verbose_name_plural = _("contacts in kivitendo")

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


class KivitendoArticle(models.Model):
    """What can stand on an order there, with the unit that it is priced in."""

    identity = models.CharField(max_length=64, unique=True)
    number = models.TextField(_("article number"))
    description = models.TextField(_("description"))
    unit = models.TextField(_("unit"))
    obsolete = models.BooleanField(_("obsolete"))

    class Meta:
        ordering = ["number", "id"]
        verbose_name = _("article in kivitendo")
        verbose_name_plural = _("articles in kivitendo")

    def __str__(self) -> str:
        return f"{self.number} {self.description}".strip()


class KivitendoUnit(models.Model):
    """A unit and the one that it is a multiple of; ``base`` is empty for one that stands on its own."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    base = models.CharField(_("base unit"), max_length=200, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("unit in kivitendo")
        verbose_name_plural = _("units in kivitendo")

    def __str__(self) -> str:
        return self.name


class ErpFinding(models.Model):
    """What the last look into the ERP found of an order. It stands apart because the order itself is frozen."""

    class State(models.TextChoices):
        FOUND = "found", _("found")
        TWICE = "twice", _("found twice")
        DIFFERS = "differs", _("differs")
        MISSING = "missing", _("missing")

    order = models.OneToOneField("billing.Order", on_delete=models.CASCADE, related_name="erp_finding")
    state = models.CharField(_("state"), max_length=10, choices=State)
    looked_at = models.DateTimeField(_("looked at"))
    count = models.PositiveIntegerField(_("orders of this number"))
    net_amount = models.DecimalField(_("net amount there"), max_digits=16, decimal_places=5, null=True, blank=True)
    customer_number = models.TextField(_("customer number there"), blank=True)

    class Meta:
        ordering = ["order"]
        verbose_name = _("finding in the ERP")
        verbose_name_plural = _("findings in the ERP")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="missing", count=0)
                | Q(state__in=["found", "differs"], count=1)
                | Q(state="twice", count__gt=1),
                name="erpfinding_state_says_the_count",
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.state}"
