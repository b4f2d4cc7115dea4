"""Every address of the API that asks for a token, with the first customer's objects."""

from django.urls import URLPattern

from portal.api.scopes import Scope
from portal.api.urls import urlpatterns
from tests.pages.world import World

NOT_OF_TOKENS = {"openapi", "documentation", "nothing_here"}
FOR_BILLING = {"runs", "run", "readings"}
FOR_UPLOADERS = {"uploads", "upload", "upload_rows"}


def paths(world: World) -> dict[str, str]:
    order, ticket, upload = world.order.pk, world.ticket.pk, world.upload.pk
    return {
        "status": "status",
        "tickets": "tickets",
        "ticket": f"tickets/{ticket}",
        "entries": "entries",
        "customers": "customers",
        "customer": f"customers/{world.customer.pk}",
        "agents": "agents",
        "report": "reports/agent",
        "quality": "quality",
        "orders": "orders",
        "order": f"orders/{order}",
        "allocations": f"orders/{order}/allocations",
        "discrepancies": "discrepancies",
        "runs": "runs",
        "run": f"runs/{world.run.pk}",
        "readings": "readings",
        "uploads": "uploads",
        "upload": f"uploads/{upload}",
        "upload_rows": f"uploads/{upload}/rows",
        "registrations": "registrations",
        "registration": f"registrations/{world.registered.pk}",
    }


def foreign_paths(world: World) -> list[str]:
    """Objects of the second customer."""
    order = world.foreign_order.pk
    return [
        f"tickets/{world.foreign_ticket.pk}",
        f"customers/{world.foreign.pk}",
        f"orders/{order}",
        f"orders/{order}/allocations",
        f"registrations/{world.foreign_registered.pk}",
    ]


def names_in_use() -> set[str]:
    return {str(pattern.name) for pattern in urlpatterns if isinstance(pattern, URLPattern)} - NOT_OF_TOKENS


SCOPE_OF = {
    "tickets": Scope.TICKETS,
    "ticket": Scope.TICKETS,
    "entries": Scope.TICKETS,
    "customers": Scope.TICKETS,
    "customer": Scope.TICKETS,
    "agents": Scope.TICKETS,
    "report": Scope.REPORTS,
    "quality": Scope.REPORTS,
    "orders": Scope.ORDERS,
    "order": Scope.ORDERS,
    "allocations": Scope.ORDERS,
    "discrepancies": Scope.ORDERS,
    "runs": Scope.ORDERS,
    "run": Scope.ORDERS,
    "readings": Scope.READINGS,
    "uploads": Scope.UPLOADS,
    "upload": Scope.UPLOADS,
    "upload_rows": Scope.UPLOADS,
    "registrations": Scope.REGISTRATIONS,
    "registration": Scope.REGISTRATIONS,
}
