"""The one way into the history of orders; what happens to an order stands in the audit log as well."""

from collections.abc import Iterable

from audit.actions import Action
from audit.recording import entry, origins_of, record_all
from billing.models import OrderEvent


def write_events(events: Iterable[OrderEvent]) -> None:
    """In the transaction of what they tell; each with its order at hand. Three statements at most for any number."""
    written = list(events)
    OrderEvent.objects.bulk_create(written)
    origins = origins_of(event.user_id for event in written)
    record_all(
        entry(
            Action(f"order.{event.kind}"),
            target=event.order,
            text=event.text,
            origin=origins[event.user_id],
            now=event.at,
        )
        for event in written
    )
