"""New ticket, add note, and what became of it."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.exports import download
from common.paging import Empty, PagedData, show_page
from tickets import tasks
from tickets.models import Customer, Ticket
from tickets.outbox import ask_again, items_visible_to, needing_a_person, put
from tickets.outbox_forms import CustomerForm, NewTicketForm, NoteForm, WritingForm
from tickets.outbox_models import OutboxItem
from tickets.outbox_tables import OutboxTable

RIGHT = "tickets.write_tickets"


@permission_required(RIGHT, raise_exception=True)
def add_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note on a ticket of a customer that the user may see."""
    found = Ticket.objects.visible_to(request.user).filter(customer__isnull=False, ticket_id__isnull=False)
    ticket = get_object_or_404(found.select_related("customer__system"), pk=pk)
    if ticket.customer is None:
        raise Http404
    form = NoteForm(request.POST or None, user=request.user, customer=ticket.customer, ticket=ticket)
    return _take(request, form, title=_("Add a note"), back=ticket.get_absolute_url(), about=str(ticket))


@permission_required(RIGHT, raise_exception=True)
def choose_customer(request: HttpRequest) -> HttpResponse:
    """For whom the new ticket is."""
    form = CustomerForm(request.GET or None, user=request.user)
    if form.is_valid():
        return redirect("tickets:new_ticket", form.cleaned_data["customer"].pk)
    return render(request, "tickets/choose_customer.html", {"form": form})


@permission_required(RIGHT, raise_exception=True)
def new_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a ticket for a customer that the user may see."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user).select_related("system"), pk=pk)
    form = NewTicketForm(request.POST or None, user=request.user, customer=customer)
    return _take(request, form, title=_("New ticket"), back=reverse("tickets:list"), about=str(customer))


def _take(request: HttpRequest, form: WritingForm, *, title: str, back: str, about: str) -> HttpResponse:
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "title": title, "back": back, "about": about}
        return render(request, "tickets/write.html", context)
    item = put([form.item])[0]
    transaction.on_commit(lambda: tasks.deliver.delay(item.system_id))
    return redirect(item)


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """What a person has to look at; ``?shown=all``: all that was to be written for the customers the user may see."""
    shows_all = request.GET.get("shown") == "all"
    items = items_visible_to(request.user)
    table = OutboxTable(PagedData(items if shows_all else needing_a_person(items)))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("outbox"))
    context: dict[str, object] = {"table": table, "shows_all": shows_all}
    if not table.paginator.count:
        text = _("Notes, tickets and mails that the portal wrote, or is about to write, stand in the whole list.")
        context["empty"] = Empty(title=_("Nothing waits for you"), text=text, url="?shown=all", action=_("Show all"))
        if shows_all:
            text = _("Notes and tickets begin at a ticket; an order can write them when it is issued.")
            context["empty"] = Empty(title=_("Nothing was written yet"), text=text)
    return render(request, "tickets/outbox.html", context)


@require_safe
def written(request: HttpRequest, pk: int) -> HttpResponse:
    """One thing that was to be written, and what is known of it."""
    item = _find(request, pk)
    can_retry = request.user.has_perm(RIGHT) and item.made_by_hand and item.can_be_asked_again
    return render(request, "tickets/written.html", {"item": item, "can_retry": can_retry})


@require_POST
@permission_required(RIGHT, raise_exception=True)
def write_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Look, and write it where it is not there. What an order asked for is asked for again at the order."""
    item = _find(request, pk)
    if not item.made_by_hand:
        raise Http404
    if ask_again(item):
        transaction.on_commit(lambda: tasks.deliver.delay(item.system_id))
        messages.success(request, _("The portal looks whether it is there, and writes it if it is not."))
    else:
        messages.warning(request, _("It is written already, or being written."))
    return redirect(item)


def _find(request: HttpRequest, pk: int) -> OutboxItem:
    return get_object_or_404(items_visible_to(request.user), pk=pk)
