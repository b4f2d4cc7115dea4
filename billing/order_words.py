"""What a typed text finds orders by."""

from django.db.models import Q

from tickets.called import customer_called


def order_called(text: str) -> Q:
    """Part of the order's number or document number, or of its customer's number or name."""
    numbers = Q(number__icontains=text) | Q(document_number__icontains=text)
    return numbers | customer_called(text, "customer__")
