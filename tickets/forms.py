"""The set-up of a ticket system."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.fields import DecryptionError
from common.forms import LinesField
from tickets.credentials import set_in_words
from tickets.expectations import Expected
from tickets.models import Ticket, TicketSystem, default_closed_state_types
from tickets.web_services import Offer, Transport

LONGEST_REASON = 1000
MOST_NAMES = 30
"""Of state types that a help text offers."""

ADDRESS_OF = {"password": "base_url", "rpc_password": "rpc_url"}
"""The fields of passwords, and where each is sent."""

_PASSWORD: dict[str, Any] = {
    "required": False,
    "strip": False,
    "widget": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
}


class ReadingsFilterForm(forms.Form):
    """What cannot be read counts as not said."""

    shown = forms.ChoiceField(
        label=gettext_lazy("Shown"),
        required=False,
        choices=[("", gettext_lazy("All")), ("open", gettext_lazy("Failed or not complete"))],
    )

    def __init__(self, query: QueryDict, *, systems: Iterable[TicketSystem]) -> None:
        super().__init__(query)
        names = [(str(system.pk), str(system)) for system in systems]
        self.fields["system"] = forms.ChoiceField(
            label=gettext_lazy("Ticket system"), required=False, choices=[("", gettext_lazy("All")), *names]
        )
        self.is_valid()


class LossesForm(forms.Form):
    """Why known time or closings are taken for gone; it stands with the reading for good."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 3})
    )


class RoutesField(forms.CharField):
    """Routes by operation, one ``Operation: route`` a line. Cleans to a dict."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {route}" for name, route in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, str]:
        routes: dict[str, str] = {}
        for line in str(super().clean(value) or "").splitlines():
            name, colon, route = (part.strip() for part in line.partition(":"))
            if not line.strip():
                continue
            if not (name and colon and route):
                raise ValidationError(
                    _("“%(line)s” is no route; write it like “TicketGet: POST MyService /TicketGet”."),
                    params={"line": line[:80]},
                )
            if name in routes:
                raise ValidationError(_("%(name)s has two routes; keep one of them."), params={"name": name[:80]})
            routes[name] = route
        return routes

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "").split() != str(data or "").split()


class TicketSystemForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For the admin, which names model and fields. Passwords go in and never come out again.

    An empty password field keeps the one that is set.
    """

    password = forms.CharField(label=gettext_lazy("Password"), **_PASSWORD)
    rpc_password = forms.CharField(label=gettext_lazy("Password of rpc.pl"), **_PASSWORD)

    closed_state_types = LinesField(
        label=gettext_lazy("State types that count as closed"),
        initial=default_closed_state_types,
        help_text=gettext_lazy("One name a line, such as closed."),
    )
    internal_queues = LinesField(
        label=gettext_lazy("Internal queues"),
        required=False,
        help_text=gettext_lazy("One name a line. Time there is not meant for a customer."),
    )

    routes = RoutesField(
        label=gettext_lazy("Routes that differ"),
        required=False,
        help_text=gettext_lazy(
            "Mostly empty. One operation a line with its route, such as “TicketGet: POST MyService /TicketGet”, "
            "“TicketSearch: SOAP MyService http://example.org/My/” or “TicketHistoryGet: RPC”."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _forget_unreadable_passwords(kwargs.get("instance"))
        super().__init__(*args, **kwargs)
        self.stored = {name: getattr(self.instance, name) for pair in ADDRESS_OF.items() for name in pair}
        self.fields["rpc_password"].help_text = _("SOAP::Password of the ticket system.")
        for name in ADDRESS_OF:
            if self.stored[name]:
                kept = _("Leave this empty to keep it.")
                self.fields[name].help_text = f"{set_in_words(self.instance, name)} {kept}"
        if known := _known_state_types():
            names = ", ".join(known)
            self.fields["closed_state_types"].help_text = _("One name a line. Known so far: %(names)s.") % {
                "names": names
            }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        over_rpc_alone = cleaned.get("transport") == TicketSystem.Transport.RPC and not cleaned.get("login")
        self._keep_password("password", cleaned, needed=not over_rpc_alone)
        self._keep_password("rpc_password", cleaned, needed=bool(cleaned.get("rpc_url")))
        if not cleaned.get("rpc_url") and "rpc_url" not in self.errors:
            cleaned["rpc_user"] = cleaned["rpc_password"] = ""
        return cleaned

    @property
    def changed_fields(self) -> list[str]:
        """Of a valid form the names of the model's fields that get another value; a kept password is none."""
        kept = [name for name in ADDRESS_OF if self.cleaned_data.get(name) == self.stored[name]]
        return [name for name in self.changed_data if name not in kept]

    def _keep_password(self, name: str, cleaned: dict[str, Any], *, needed: bool) -> None:
        """A stored password is not sent to another address than the one it was entered for."""
        if cleaned.get(name):
            return
        if needed and not self.stored[name]:
            self.add_error(name, _("Enter the password of the login."))
        elif needed and cleaned.get(ADDRESS_OF[name]) != self.stored[ADDRESS_OF[name]]:
            self.add_error(name, _("The address is a new one: enter the password again."))
        cleaned[name] = self.stored[name]


class ExpectationForm(forms.Form):
    """What the check of a connection should find. Cleans to an ``Expected`` in ``expected``."""

    queues = LinesField(
        label=gettext_lazy("Queues that the agent should see"),
        required=False,
        help_text=gettext_lazy(
            "Whole names, one a line, such as Support::Level 2. Those of mirrored tickets are asked anyway."
        ),
    )
    number = forms.CharField(
        label=gettext_lazy("Ticket with a known booking"),
        required=False,
        max_length=50,
        help_text=gettext_lazy("Its number."),
    )
    booked_at = forms.DateTimeField(
        label=gettext_lazy("Time of that booking"),
        required=False,
        help_text=gettext_lazy(
            "As a clock here showed it, such as 2026-11-22 14:05. It proves that the zone is right."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        number, booked_at = cleaned.get("number", ""), cleaned.get("booked_at")
        if bool(number) != (booked_at is not None) and not self.errors:
            field = "booked_at" if number else "number"
            self.add_error(field, _("A known booking is a ticket number and a time together."))
        cleaned["expected"] = Expected(queues=tuple(cleaned.get("queues", ())), number=number, booked_at=booked_at)
        return cleaned


class WebServiceForm(forms.Form):
    """Which definition of the web service is wanted."""

    transport = forms.ChoiceField(
        label=gettext_lazy("Transport"),
        choices=[(Transport.REST, gettext_lazy("REST (recommended)")), (Transport.SOAP, "SOAP")],
    )
    offer = forms.ChoiceField(
        label=gettext_lazy("Ticket system"),
        choices=[
            (Offer.ZNUNY, "Znuny"),
            (Offer.OTRS, "OTRS 6"),
        ],
        help_text=gettext_lazy(
            "OTRS 6 has no TimeAccountingGet and no OutOfOffice. Where Znuny's operations were added to it, choose "
            "Znuny."
        ),
    )


def _known_state_types() -> list[str]:
    """That tickets have."""
    found = Ticket.objects.exclude(state_type="").order_by("state_type").values_list("state_type", flat=True)
    return list(found.distinct()[:MOST_NAMES])


def _forget_unreadable_passwords(system: TicketSystem | None) -> None:
    """A password whose key is lost counts as none, so that it can be entered again here."""
    for name in ADDRESS_OF if system is not None else ():
        try:
            str(getattr(system, name))  # decrypts
        except DecryptionError:
            setattr(system, name, "")
