"""A note or a new ticket as a person writes it. The key makes a second click the same note, not a second one."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from generic_interface.errors import WrongRequest
from tickets.models import AnyUser, Customer, Ticket
from tickets.outbox_models import LONGEST_TEXT, LONGEST_TITLE, OutboxItem
from tickets.outbox_sending import check_item

NEW_STATE = "new"


class WritingForm(forms.Form):
    """What notes and tickets share. ``item`` is what was asked for, once the form is valid."""

    subject = forms.CharField(label=_("Subject"), max_length=LONGEST_TITLE - 20)
    body = forms.CharField(label=_("Text"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 8}))
    visible = forms.BooleanField(
        label=_("The customer may see it"),
        required=False,
        help_text=_("In the customer's own view of the ticket system; nothing is mailed."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, user: AnyUser, customer: Customer, ticket: Ticket | None = None) -> None:
        super().__init__(data, initial=self.defaults(customer) | {"key": str(uuid.uuid4())})
        self.user, self.customer, self.ticket = user, customer, ticket

    def defaults(self, customer: Customer) -> dict[str, str]:
        """What stands in the fields to begin with."""
        return {}

    def clean(self) -> dict[str, Any]:
        """What the ticket system would refuse or drop is said at once."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.item = self._item(cleaned)
            try:
                check_item(self.item)
            except WrongRequest as error:
                raise ValidationError(str(error)) from error
        return cleaned

    def _item(self, cleaned: dict[str, Any]) -> OutboxItem:
        return OutboxItem(
            system=self.customer.system,
            customer=self.customer,
            ticket=self.ticket,
            kind=OutboxItem.Kind.NOTE if self.ticket else OutboxItem.Kind.TICKET,
            key=f"form-{self.user.pk}-{cleaned['key']}",
            subject=cleaned["subject"],
            body=cleaned["body"],
            visible=cleaned["visible"],
            started_by_id=self.user.pk,
        )


class NoteForm(WritingForm):
    """A note on a ticket."""


class NewTicketForm(WritingForm):
    """A new ticket for a customer."""

    queue = forms.CharField(label=_("Queue"), max_length=200, help_text=_("As the ticket system calls it."))
    customer_user = forms.CharField(
        label=_("Customer user"),
        max_length=250,
        help_text=_("A login that the ticket system knows, or a mail address."),
    )
    field_order = ("customer_user", "queue", "subject", "body", "visible", "key")

    def defaults(self, customer: Customer) -> dict[str, str]:
        """As the customer's latest ticket has them."""
        latest = Ticket.objects.filter(customer=customer).exclude(customer_user="").order_by("-created_at", "-pk")
        found = latest.values("queue", "customer_user").first()
        return {name: str(value) for name, value in found.items()} if found else {}

    def _item(self, cleaned: dict[str, Any]) -> OutboxItem:
        item = super()._item(cleaned)
        item.title, item.ticket_state = item.subject, NEW_STATE
        item.queue, item.customer_user = cleaned["queue"], cleaned["customer_user"]
        return item


class CustomerForm(forms.Form):
    """For which of the customers that the user may see."""

    customer = forms.ModelChoiceField(label=_("Customer"), queryset=Customer.objects.none())

    def __init__(self, data: Any = None, *, user: AnyUser) -> None:
        super().__init__(data)
        field = self.fields["customer"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Customer.objects.visible_to(user).filter(system__active=True)
