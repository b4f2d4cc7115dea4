"""Names of queues, services and types that the mirror knows, to be offered where a rate rule names one."""

from billing.agreement_models import SUB_QUEUES
from tickets.models import Ticket

MOST_NAMES = 500
"""Of one kind; whoever has more types the name."""


def known_names() -> dict[str, list[str]]:
    """For ``service``, ``queue`` and ``type`` the names that tickets have, sorted; of queues the branches as well."""
    found = {field: _names(field) for field in ("service", "queue", "type")}
    found["queue"] = sorted({*found["queue"], *_branches(found["queue"])})
    return found


def _names(field: str) -> list[str]:
    names = Ticket.objects.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct()
    return list(names[:MOST_NAMES])


def _branches(queues: list[str]) -> set[str]:
    """Every queue with queues below it, as a rule names it with them."""
    parts = [queue.split("::") for queue in queues]
    return {"::".join(names[:depth]) + SUB_QUEUES for names in parts for depth in range(1, len(names))}
