"""Which addresses are pictured, with rows of the demo, and which have no page to picture."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.urls import reverse

from billing.adjusting import Line
from billing.models import Agreement, BillingRun, Order
from outofoffice.models import Upload
from outofoffice.uploads import upload_file
from portal.roles import ADMINISTRATOR
from registration.models import RegisteredSystem
from tests.factories.registered_systems import one_of_each
from tickets.models import Agent, Ticket, TicketSystem

SIGNED_OUT = ("account_login", "account_signup")
PLAIN = (
    "start",
    "tickets:list",
    "tickets:choose_customer",
    "tickets:readings",
    "tickets:quality",
    "tickets:reconciliation",
    "tickets:outbox",
    "billing:orders",
    "billing:agreements",
    "billing:exports",
    "billing:trial",
    "billing:left_out",
    "billing:discrepancies",
    "billing:kivitendo",
    "billing:kivitendo_orders",
    "billing:runs",
    "reports:report",
    "reports:entries",
    "reports:pivot",
    "reports:charts",
    "reports:mine",
    "reports:without_time",
    "outofoffice:index",
    "outofoffice:calendar",
    "own_registration:own",
    "registration:systems",
    "health",
    "mails",
    "audit:log",
    "search:results",
    "help",
    "preferences",
    "api_tokens",
    "api:documentation",
    "account_sessions",
    "mfa_index",
    "account_change_password",
)
NOT_PICTURED = {
    "tickets:written": "its rows come from writing into a ticket system",
    "tickets:accept_losses": "asks only where bookings have vanished",
    "billing:return": "asks only of approved orders",
    "billing:void": "asks only of issued orders",
    "tickets:reading": "a part of a page",
    "billing:reopen": "asks only of closed months",
    "billing:take_back": "asks only of settled discrepancies",
    "billing:run_progress": "a part of a page",
    "work": "a part of the start page",
    "search:suggest": "a part of a page",
    "kept_input": "shows only what was sent after a session had ended",
    "styleguide": "is there only while developing",
    "mfa_authenticate": "asks for a code",
    "mfa_reauthenticate": "asks for a code",
    "mfa_activate_totp": "shows a secret",
    "mfa_deactivate_totp": "asks once more",
    "mfa_view_recovery_codes": "shows secrets",
    "mfa_generate_recovery_codes": "asks once more",
    "outofoffice:progress": "a part of a page",
    "registration:retire": "asks once more",
    "account_inactive": "says one sentence",
    "account_logout": "asks once more",
    "account_reauthenticate": "asks for the password",
}
"""Pages without a picture, and why."""
ABSENCES = """UserLogin,StartDate,EndDate,Enabled
{first},2026-12-21,2027-01-03,yes
nobody.here,2026-12-24,2026-12-31,yes
{second},2027-02-10,2027-02-01,yes
"""


def signed_out() -> dict[str, str]:
    return {name: reverse(name) for name in SIGNED_OUT}


def pictured(*, now: datetime) -> dict[str, str]:
    """Addresses by the name of their URL; uploads, registrations and own time are written where the demo has none."""
    order = Order.objects.exclude(agreement__customer=None).order_by("-net_amount")[0]
    ticket = Ticket.objects.filter(positions__order=order).order_by("-time_units")[0]
    line = Line.of(order.positions.filter(ticket=ticket)[0])
    system = TicketSystem.objects.earliest("pk")
    rows: dict[str, Iterable[object]] = {
        "tickets:ticket": [ticket.pk],
        "tickets:add_note": [ticket.pk],
        "tickets:new_ticket": [order.customer_id],
        "tickets:quality_check": ["open-tickets"],
        "billing:order": [order.pk],
        "billing:change": [order.pk, str(line)],
        "billing:agreement": [order.customer_id],
        "billing:run": [BillingRun.objects.latest("pk").pk],
        "outofoffice:upload": [_upload(system, now=now).pk],
        "registration:system": [_registered(order).pk],
        "units": [system.pk],
        "help_document": ["billing-rules"],
        "admin:index": [],
        "admin:tickets_ticketsystem_change": [system.pk],
        "admin:billing_agreement_change": [Agreement.objects.latest("pk").pk],
    }
    _give_own_time()
    asked = {"billing:trial": f"?ticket={ticket.number}", "search:results": "?q=Server"}
    plain = {name: f"{reverse(name)}{asked.get(name, '')}" for name in PLAIN}
    return plain | {name: reverse(name, args=list(given)) for name, given in rows.items()}


def _give_own_time() -> None:
    """An administrator looks at the pages: the first agent who is known by a login becomes one."""
    person = User.objects.filter(groups__name=ADMINISTRATOR).earliest("pk")
    if not person.agents.exists():
        person.agents.add(Agent.objects.exclude(login="").earliest("login"))


def _upload(system: TicketSystem, *, now: datetime) -> Upload:
    """With a good row, one of an unknown agent and one that ends before it begins."""
    first, second = Agent.objects.exclude(login="").order_by("login").values_list("login", flat=True)[:2]
    data = ABSENCES.format(first=first, second=second).encode()
    return Upload.objects.first() or upload_file(system=system, data=data, file_name="absences.csv", now=now)


def _registered(order: Order) -> RegisteredSystem:
    """The copied one of a system in each state."""
    found = RegisteredSystem.objects.filter(state="conflict").first()
    return found or one_of_each(account__customer=order.customer)["conflict"]
