"""What a typed text finds tickets and customers by; lists and the search ask alike."""

from django.db.models import Q


def ticket_called(text: str) -> Q:
    """As the indexes of migration 0003 spell it: part of the number as it is, of the title without case."""
    return Q(number__contains=text) | Q(title__icontains=text)


def customer_called(text: str, path: str = "") -> Q:
    """Part of the CustomerID or of the name; ``path`` leads from the asked model to the customer."""
    return Q(**{f"{path}customer_id__icontains": text}) | Q(**{f"{path}name__icontains": text})
