"""How stored texts are shown to a reader: numbers in the form of the language, what persons have typed as it is."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils.translation import override

from audit.actions import Action
from audit.recording import record
from audit.wording import shown_changes, shown_text
from portal.roles import ADMINISTRATOR

pytestmark = pytest.mark.usefixtures("german")


@pytest.fixture
def german() -> object:
    with override("de"):
        yield


@pytest.mark.parametrize(
    ("kind", "stored", "shown"),
    [
        ("drafted", "47.50 EUR", "47,50 EUR"),
        ("drafted", "-1234.50 EUR", "-1.234,50 EUR"),
        ("drafted", "47.5 EUR", "47,50 EUR"),
        ("changed", "20.00 → 1030.00 CHF", "20,00 → 1.030,00 CHF"),
        (
            "changed",
            "20.00 → 30.00 EUR\nTicket 7 keeps what anna said: Unit price 47.5. Computed anew it is 50.25 by now.",
            "20,00 → 30,00 EUR\nTicket 7 keeps what anna said: Unit price 47,5. Computed anew it is 50,25 by now.",
        ),
        (
            "changed",
            "1.00 → 2.00 EUR\nNot kept: Ticket 7, text “Release 2.5” by anna (see 3.5).",
            "1,00 → 2,00 EUR\nNot kept: Ticket 7, text “Release 2.5” by anna (see 3.5).",
        ),
        (
            "adjusted",
            "Ticket 7: minutes 1200 → 37.5, text “a 1.5” → “b\n2.5”\n20.00 → 30.00 EUR\nagreed: 5.50 EUR\n5.50 EUR",
            "Ticket 7: minutes 1.200 → 37,5, text “a 1.5” → “b\n2.5”\n20,00 → 30,00 EUR\nagreed: 5.50 EUR\n5.50 EUR",
        ),
        (
            "settled",
            "Taken back:\n2 × booked late: do not bill it, 37.5 min, 1030.00 EUR (O-7)\nsays 2.50 EUR",
            "Taken back:\n2 × booked late: do not bill it, 37,5 min, 1.030,00 EUR (O-7)\nsays 2.50 EUR",
        ),
        ("commented", "47.50 EUR", "47.50 EUR"),
        ("voided", "20.00 → 30.00 EUR", "20.00 → 30.00 EUR"),
        ("drafted", "", ""),
        ("drafted", "Version 1.2.3 of 2026-10-01 at 10.30/11.30", "Version 1.2.3 of 2026-10-01 at 10.30/11.30"),
        ("drafted", "1.00 EUR\nat 1.2.3 on 10.5/7", "1,00 EUR\nat 1.2.3 on 10.5/7"),
    ],
)
def test_what_the_portal_wrote_of_an_order_is_shown_in_the_form_of_the_language(
    kind: str, stored: str, shown: str
) -> None:
    action = f"order.{kind}"

    assert shown_text(action, stored) == shown
    assert shown_text(action, stored.replace("\n", r"\u000a")) == shown.replace("\n", r"\u000a")


def test_row_that_was_cut_in_front_of_its_amounts_stays_as_it_is() -> None:
    assert shown_text("order.adjusted", "Ticket 7: minutes 60 → 37.5, text “a…") == (
        "Ticket 7: minutes 60 → 37.5, text “a…"
    )


@pytest.mark.parametrize(
    ("field", "stored", "shown"),
    [
        ("hourly_rate", ("90.00000", "1095.5"), ("90,00", "1.095,50")),
        ("hourly_rate", ("90.00000", "95"), ("90", "95")),
        ("hourly_rate", (None, "0.12345"), (None, "0,12345")),
        ("included_minutes", ("", "1200.00"), ("", "1.200")),
        ("hourly_rate", ("9…", "NaN"), ("9…", "NaN")),
        ("valid_from", ("2026-10-01", "2026-11-…"), ("01.10.2026", "2026-11-…")),
        ("billed", ("True", "False"), ("ja", "nein")),
        ("article_number", ("1.5", "2.50"), ("1.5", "2.50")),
        ("customer_id", ("1.5", "2.5"), ("1.5", "2.5")),
        ("no_such_field", ("1.5", "2.5"), ("1.5", "2.5")),
    ],
)
def test_changes_are_shown_by_the_kind_of_their_field(
    field: str, stored: tuple[str | None, str | None], shown: tuple[str | None, str | None]
) -> None:
    assert shown_changes("billing.agreement", field, *stored) == shown


def test_moments_are_shown_in_the_zone_of_the_page() -> None:
    stored = ("2026-10-01 06:00:00+00:00", "2026-10-01 06:00:00")

    assert shown_changes("tickets.ticketsystem", "checked_at", *stored) == ("01.10.2026 08:00", "2026-10-01 06:00:00")


@pytest.mark.parametrize("kind", ["", "page", "later.thing"])
def test_changes_of_what_is_no_model_stay_as_stored(kind: str) -> None:
    assert shown_changes(kind, "rate", "1.5", "2.5") == ("1.5", "2.5")


@pytest.mark.django_db
def test_page_of_the_log_speaks_german_and_its_file_is_as_stored() -> None:
    user = User.objects.create_user("dora")
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    client = Client(headers={"accept-language": "de"})
    client.force_login(user)
    record(Action.ORDER_DRAFTED, target_type="billing.order", target_key=1, text="1047.50 EUR")
    record(
        Action.CHANGED, target_type="billing.agreement", target_key=1, changes={"hourly_rate": ("90.00000", "1095.5")}
    )

    html = client.get("/audit/").content.decode()
    file = client.get("/audit/?export=csv").content.decode()

    assert "1.047,50 EUR" in html
    assert "hourly_rate: 90,00 → 1.095,50" in html
    assert "1047.50 EUR" in file
    assert "hourly_rate: 90.00000 → 1095.5" in file
