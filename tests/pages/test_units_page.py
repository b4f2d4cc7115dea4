"""The page that changes the minutes per time unit."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client

from billing.models import Order
from billing.orders import approve_orders
from tests.billing.scenes import book
from tests.factories.tickets import TicketSystemFactory
from tests.pages.world import MARKED_MINUTES, NOW, World, account, signed_in
from tickets.models import TicketSystem, TimeEntry

SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["admin"]


def path(world: World) -> str:
    return f"/set-up/units/{world.system.pk}/"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") : html.index("</main>")]).split())


def look(client: Client, world: World, value: str = "6") -> str:
    return client.post(path(world), {"minutes_per_unit": value}).content.decode()


def confirm(client: Client, world: World, html: str, value: str = "6") -> Any:
    seen = SEEN.search(html)
    assert seen
    return client.post(path(world), {"minutes_per_unit": value, "seen": seen[1]})


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def stored(world: World) -> Decimal:
    return TicketSystem.objects.values_list("minutes_per_unit", flat=True).get(pk=world.system.pk)


def minutes(world: World) -> list[Decimal]:
    return list(TimeEntry.objects.filter(ticket__customer=world.customer).values_list("minutes", flat=True))


def test_page_says_what_holds_now(world: World, client: Client) -> None:
    assert "Helpdesk: 1 min per time unit" in words(client.get(path(world)).content.decode())


def test_first_click_shows_what_would_change_and_changes_nothing(world: World, client: Client) -> None:
    text = words(look(client, world))

    total = 75 + sum(MARKED_MINUTES)
    assert "6 min per time unit instead of 1 min" in text
    assert (
        f"Entries counted anew 4 Their minutes before {total:,} min Their minutes afterwards {6 * total:,} min" in text
    )
    assert "Billed entries that stay 0 (0 min) Drafts touched 2" in text
    assert "2 drafts hold time that is counted anew. Run billing again for 2026-10." in text
    assert (stored(world), minutes(world)) == (1, [30, 45])


def test_second_click_counts_anew_and_says_what_to_do(world: World, client: Client) -> None:
    response = confirm(client, world, look(client, world))

    assert (response.status_code, response["Location"]) == (302, path(world))
    assert said(response) == [
        "6 min per time unit from now on; 4 time entries were counted anew.",
        "2 drafts hold time that is counted anew. Run billing again for 2026-10.",
    ]
    assert (stored(world), minutes(world)) == (6, [180, 270])


def test_approved_orders_and_their_time_stay(world: World, client: Client) -> None:
    approve_orders([world.order], user=None, now=NOW)
    before = list(Order.objects.filter(pk=world.order.pk).values())

    confirm(client, world, look(client, world))

    assert minutes(world) == [30, 270]
    assert list(Order.objects.filter(pk=world.order.pk).values()) == before


def test_click_that_is_sent_twice_converts_once(world: World, client: Client) -> None:
    html = look(client, world)
    confirm(client, world, html)

    again = confirm(client, world, html)

    assert "Nothing was changed; look at it again." in words(again.content.decode())
    assert minutes(world) == [180, 270]


def test_time_that_came_meanwhile_is_shown_first(world: World, client: Client) -> None:
    html = look(client, world)
    book(world.ticket, 5)

    shown = confirm(client, world, html).content.decode()

    assert "Entries counted anew 5" in words(shown)
    assert stored(world) == 1
    confirm(client, world, shown)
    assert stored(world) == 6


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "This field is required."),
        ("0", "greater than or equal to 0.01"),
        ("x", "Enter a number."),
        ("1.005", "no more than 2 decimal places"),
        ("1000000", "less than or equal to 999999.99"),
        ("1", "1 min per time unit is what holds already. Nothing has to be counted anew."),
    ],
)
def test_value_that_cannot_be_is_told_at_the_field(world: World, client: Client, value: str, sentence: str) -> None:
    html = look(client, world, value)

    assert sentence in html
    assert 'aria-invalid="true"' in html
    assert stored(world) == 1


def test_minutes_that_do_not_fit_are_told_at_the_field(world: World, client: Client) -> None:
    book(world.ticket, 20_000)

    html = look(client, world, "999999")

    assert "A booking of 20,000 time units would have more minutes than the portal can hold." in html
    assert 'aria-invalid="true"' in html


@pytest.mark.parametrize("role", ["manager", "stranger", "billing"])
def test_page_is_for_those_who_may_change_the_system_and_bill(world: World, role: str) -> None:
    response = world.clients[role].post(path(world), {"minutes_per_unit": "6"})

    assert response.status_code == 403


def test_right_to_change_the_system_alone_is_not_enough(world: World, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("half")
    user.user_permissions.add(Permission.objects.get(codename="change_ticketsystem"))

    assert signed_in(user).get(path(world)).status_code == 403


def test_who_is_no_staff_needs_no_admin_page(world: World) -> None:
    user = account("emil", "Administrator")

    html = signed_in(user).get(path(world)).content.decode()

    assert "/admin/tickets/" not in html


def test_unknown_ticket_system_is_not_there(world: World, client: Client) -> None:
    assert client.get("/set-up/units/99999/").status_code == 404


def test_set_up_of_the_ticket_system_leads_here(world: World, client: Client) -> None:
    html = client.get(f"/admin/tickets/ticketsystem/{world.system.pk}/change/").content.decode()

    assert f'href="{path(world)}"' in html


def test_set_up_of_a_new_ticket_system_does_not(world: World, client: Client) -> None:
    TicketSystemFactory()

    assert "/set-up/units/" not in client.get("/admin/tickets/ticketsystem/add/").content.decode()
