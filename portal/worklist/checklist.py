"""The way to the first order and its hand-over; what is done is asked of the database."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import PermissionsMixin, User
from django.db.models import Exists, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.erp_models import KivitendoCopy
from billing.models import Agreement, Export, Order
from billing.order_pages import may_bill
from portal.models import HiddenPart
from tickets.models import Agent, AnyUser, Customer, SyncRun, TicketSystem, sees_all_customers
from tickets.readings_views import RIGHTS as READING_RIGHTS

CHECKLIST = "checklist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """``url`` leads to where it is done; empty where the user may not, and ``who`` says who does."""

    text: str
    help: str
    done: bool
    url: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    tasks: list[Task]
    is_hidden: bool

    @property
    def open_tasks(self) -> int:
        return sum(not task.done for task in self.tasks)


def checklist(*, user: AnyUser) -> Checklist | None:
    """For whoever sees all customers; ``None`` when everything is done. One query for all of the facts."""
    if not isinstance(user, PermissionsMixin) or not sees_all_customers(user):
        return None
    facts = _facts(user)
    tasks = _tasks(user, facts)
    return None if all(task.done for task in tasks) else Checklist(tasks=tasks, is_hidden=facts["hidden"])


def _facts(user: AnyUser) -> dict[str, bool]:
    complete = SyncRun.objects.of_months().filter(complete=True)
    checked = Exists(TicketSystem.objects.filter(checked_at__isnull=False)) | Exists(complete)
    touched = LogEntry.objects.filter(content_type__app_label="billing", content_type__model="agreement")
    agreed = Exists(Agreement.objects.filter(customer__isnull=False)) | Exists(touched)
    kivitendo = Export.objects.filter(format="kivitendo")
    known = KivitendoCopy.objects.filter(read_at__isnull=False)
    asked = {
        "system": Exists(TicketSystem.objects.all()),
        "checked": checked,
        "agents": Exists(Agent.objects.all()),
        "customers": Exists(Customer.objects.all()) & agreed,
        "reading": Exists(complete),
        "draft": Exists(Order.objects.all()),
        "kivitendo": Exists(kivitendo) | Exists(known),
        "hidden": Exists(HiddenPart.objects.filter(user=user.pk, part=CHECKLIST)),
    }
    conditions = {f"is_{name}": Q(condition) for name, condition in asked.items()}  # no names of fields
    found: Any = User._base_manager.filter(pk__in=[user.pk]).values(**conditions).get()
    return {name: found[f"is_{name}"] for name in asked}


def _tasks(user: AnyUser, facts: dict[str, bool]) -> list[Task]:
    system = "admin:tickets_ticketsystem_changelist"
    ways = [
        (
            "system",
            _("Connect a ticket system"),
            _("Its address, the web service, and the agent that the portal signs in as."),
            "admin:tickets_ticketsystem_add",
        ),
        (
            "checked",
            _("Check the connection"),
            _("“Check now” at the ticket system: every operation should work that is needed."),
            system,
        ),
        (
            "agents",
            _("Enter the agents who book time"),
            _("They come with the first reading; where time is asked of each agent, their logins are needed before."),
            "admin:tickets_agent_changelist",
        ),
        (
            "reading",
            _("Read a month in full"),
            _("“Read now” beside the previous month. Customers and tickets come with it."),
            "tickets:readings",
        ),
        (
            "customers",
            _("Customers and agreements"),
            _(
                "Save the default agreement once rate, article and rounding are right; enter one for whoever pays "
                "otherwise. Customers come with their CustomerID alone: their names are entered in the set-up."
            ),
            "admin:billing_agreement_changelist",
        ),
        (
            "draft",
            _("Draft the first orders"),
            _(
                "“Get closed tickets for previous month” on the page of the orders. Drafts can be changed and drafted "
                "again until they are approved."
            ),
            "billing:orders",
        ),
        (
            "kivitendo",
            _("Hand over to kivitendo"),
            _("Approve and issue the orders, then download the file; or have the portal read kivitendo before."),
            "billing:orders",
        ),
    ]
    return [
        Task(
            text=text,
            help=help_text,
            done=facts[name],
            url=_address(name, where, facts) if _may(user, where) else "",
            who=_who(where),
        )
        for name, text, help_text, where in ways
    ]


def _address(name: str, where: str, facts: dict[str, bool]) -> str:
    """Of the page itself where there is only one ticket system to choose, and it is not checked yet."""
    if name != "checked" or facts["checked"]:
        return reverse(where)
    systems = list(TicketSystem.objects.values_list("pk", flat=True)[:2])
    return reverse("admin:tickets_ticketsystem_check", args=systems) if len(systems) == 1 else reverse(where)


def _may(user: AnyUser, where: str) -> bool:
    if not isinstance(user, PermissionsMixin):
        return False
    if where.startswith("admin:"):
        app, model, action = where.removeprefix("admin:").split("_")
        needed = "add" if action == "add" else "change"
        return bool(getattr(user, "is_staff", False)) and user.has_perm(f"{app}.{needed}_{model}")
    return user.has_perms(READING_RIGHTS) if where == "tickets:readings" else may_bill(user)


def _who(where: str) -> str:
    if where.startswith("admin:"):
        return _("An administrator does this.")
    return _("Whoever may start billing runs does this.")
