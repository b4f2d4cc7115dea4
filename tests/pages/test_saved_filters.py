"""Views of the reports and lists that a person has given a name: one's own, and only what the page understands."""

import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import SavedFilter
from portal.saved import (
    MOST_FILTERS,
    PARAMETERS,
    FilterRefused,
    address_of,
    default_address,
    filters_of,
    known_parameters,
    open_plainly,
    open_with,
    rename,
    save_filter,
)
from tests.pages.world import World

REPORT = "reports:report"


@pytest.fixture
def user(world: World) -> User:
    return User.objects.get(username="clara")


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def save(user: User, name: str = "Mine", query: str = "by=ticket", *, with_span: bool = False) -> SavedFilter:
    return save_filter(user=user, page=REPORT, name=name, query=QueryDict(query), with_span=with_span)


def post(client: Client, name: str, *, page: str = REPORT, query: str = "by=ticket", **others: str) -> str:
    """Where the answer leads to."""
    response = client.post("/filters/save/", {"page": page, "name": name, "query": query, **others})
    assert response.status_code == 302
    return str(response["Location"])


def test_view_is_saved_under_a_name_and_offered_as_a_link(world: World, user: User, client: Client) -> None:
    query = f"by=ticket&customer={world.customer.pk}&unit=hours"

    back = post(client, "  Königsbau  ", query=f"{query}&period=2026-10")

    saved = SavedFilter.objects.get(user=user)
    assert (saved.page, saved.name, saved.is_default) == (REPORT, "Königsbau", False)
    assert QueryDict(saved.query).dict() == QueryDict(query).dict()
    html = client.get(back).content.decode()
    assert "The filter “Königsbau” is saved." in html
    assert address_of(saved).replace("&", "&amp;") in html
    assert "period=2026-10" in back


def test_period_is_kept_only_on_request(user: User) -> None:
    query = "by=agent&period=2026-10&from=2026-01-01&to=2026-01-02"

    without, kept = save(user, "a", query), save(user, "b", query, with_span=True)

    assert QueryDict(without.query).dict() == {"unit": "minutes", "by": "agent"}
    assert QueryDict(kept.query).dict() == QueryDict(f"unit=minutes&{query}").dict()


def test_box_keeps_the_period(user: User, client: Client) -> None:
    post(client, "October", query="by=agent&period=2026-10", with_span="on")

    assert QueryDict(SavedFilter.objects.get(user=user).query)["period"] == "2026-10"


def test_only_what_the_page_understands_is_kept(user: User) -> None:
    saved = save(
        user, query="by=agent&kind=agent_day&next=//evil.example&page=7&export=csv&csrfmiddlewaretoken=x&by=queue"
    )

    assert QueryDict(saved.query).dict() == {"unit": "minutes", "by": "queue"}


@pytest.mark.parametrize(
    "page", ["https://evil.example/", "//evil.example", "admin:index", "start", "", "reports:mine"]
)
def test_page_that_is_no_report_is_refused(user: User, client: Client, page: str) -> None:
    assert post(client, "Evil", page=page) == "/reports/"
    assert not SavedFilter.objects.filter(user=user).exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\0b"])
def test_name_that_cannot_be_is_refused_with_a_sentence(user: User, client: Client, name: str) -> None:
    html = client.get(post(client, name)).content.decode()

    assert "The filter was not saved: give it a name of at most 80 characters." in html
    assert not SavedFilter.objects.filter(user=user).exists()


def test_name_that_is_there_already_is_refused_with_a_sentence(user: User, client: Client) -> None:
    post(client, "Mine", query="by=agent")

    html = client.get(post(client, "Mine", query="by=queue")).content.decode()

    assert "A filter called “Mine” is there already. Choose another name." in html
    assert QueryDict(SavedFilter.objects.get(user=user).query)["by"] == "agent"


def test_same_name_is_free_on_another_page_and_for_another_person(world: World, user: User) -> None:
    save(user)

    save_filter(user=user, page="reports:pivot", name="Mine", query=QueryDict("kind=queue_agent"), with_span=False)
    save(User.objects.get(username="anna"))

    assert SavedFilter.objects.filter(name="Mine").count() == 3


def test_charts_are_saved_in_hours_and_open_with_their_default(user: User, client: Client) -> None:
    back = post(client, "Hours", page="reports:charts", query="by=ticket&queue=Support&sort=-minutes")
    saved = SavedFilter.objects.get(user=user)
    client.post(f"/filters/{saved.pk}/default/")

    opened = client.get("/reports/charts/")

    assert QueryDict(saved.query).dict() == {"unit": "hhmm", "queue": "Support"}
    assert back == opened["Location"] == "/reports/charts/?unit=hhmm&queue=Support"
    assert "Do not open with it" in client.get(back).content.decode()


def test_query_that_is_too_long_is_refused(user: User, client: Client) -> None:
    post(client, "Long", query="queue=" + "x" * 1990)
    with pytest.raises(FilterRefused, match="too long"):
        save(user, query=urlencode({"queue": "ü" * 400}))

    assert not SavedFilter.objects.filter(user=user).exists()


def test_nobody_has_more_than_fifty(user: User) -> None:
    SavedFilter.objects.bulk_create(
        SavedFilter(user=user, page="reports:pivot", name=str(number)) for number in range(MOST_FILTERS - 1)
    )
    save(user, "the fiftieth")

    with pytest.raises(FilterRefused, match="You have 50 saved filters"):
        save(user, "one more")

    assert SavedFilter.objects.filter(user=user).count() == 50


def test_page_opens_with_the_chosen_view_when_called_without_parameters(user: User, client: Client) -> None:
    saved = save(user, query="by=queue&standing=unbilled")
    client.post(f"/filters/{saved.pk}/default/")

    plain, asked = client.get("/reports/"), client.get("/reports/?by=agent")

    assert (plain.status_code, plain["Location"]) == (302, address_of(saved))
    assert asked.status_code == 200
    assert client.get("/reports/entries/").status_code == 200
    assert "Time by queue" in client.get(plain["Location"]).content.decode()


def test_view_without_anything_does_not_lead_in_a_circle(user: User, client: Client) -> None:
    save_filter(user=user, page="reports:entries", name="Plain", query=QueryDict(), with_span=False)
    open_with(SavedFilter.objects.get(user=user))

    response = client.get("/reports/entries/", follow=True)

    assert [url for url, _status in response.redirect_chain] == ["/reports/entries/?unit=minutes"]


def test_one_view_opens_the_page(user: User) -> None:
    first, second = save(user, "a"), save(user, "b", "by=queue")

    open_with(first)
    open_with(second)
    open_with(second)

    assert list(SavedFilter.objects.filter(is_default=True).values_list("name", flat=True)) == ["b"]
    assert default_address(filters_of(REPORT, user=user)) == address_of(second)


def test_choice_is_taken_back(user: User, client: Client) -> None:
    saved = save(user)
    open_with(saved)

    html = client.post(f"/filters/{saved.pk}/default/", follow=True).content.decode()

    assert "The page no longer opens with “Mine”." in html
    assert default_address(filters_of(REPORT, user=user)) == ""
    open_plainly(saved)


def test_view_is_deleted(user: User, client: Client) -> None:
    saved = save(user)

    response = client.post(f"/filters/{saved.pk}/delete/")

    assert response["Location"] == "/reports/?unit=minutes&by=ticket"
    assert not SavedFilter.objects.filter(user=user).exists()
    assert client.post(f"/filters/{saved.pk}/delete/").status_code == 404


def test_views_of_others_are_not_there(world: World, client: Client) -> None:
    before = SavedFilter.objects.filter(pk=world.saved.pk).values().get()

    for action in ("default", "name", "delete"):
        for pk in (world.saved.pk, 77777, 10**30):
            assert client.post(f"/filters/{pk}/{action}/").status_code == 404, (action, pk)

    assert SavedFilter.objects.filter(pk=world.saved.pk).values().get() == before
    assert world.saved.name not in client.get("/reports/").content.decode()


def test_reading_saves_nothing(world: World, client: Client) -> None:
    paths = ["save/", *(f"{world.saved.pk}/{action}/" for action in ("default", "name", "delete"))]

    assert {client.get(f"/filters/{path}?name=x&page={REPORT}").status_code for path in paths} == {405}
    assert SavedFilter.objects.count() == 1


def test_forms_stand_on_the_page_with_what_it_shows(world: World, client: Client) -> None:
    html = client.get("/reports/?from=2026-10-01&to=2026-10-31&by=customer&sort=label&page=1").content.decode()

    query = re.findall(r'name="query" value="([^"]*)"', html)
    assert query == ["by=customer&amp;period=2026-10&amp;unit=minutes&amp;sort=label"]
    assert f'name="page" value="{REPORT}"' in html


def test_database_keeps_one_beginning_of_a_page(user: User) -> None:
    SavedFilter.objects.create(user=user, page=REPORT, name="a", is_default=True)

    with pytest.raises(IntegrityError):
        SavedFilter.objects.create(user=user, page=REPORT, name="b", is_default=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    query=st.dictionaries(st.text(max_size=10) | st.sampled_from(sorted({*PARAMETERS[REPORT]})), st.text(max_size=30))
)
def test_any_query_leads_back_to_the_page_with_known_parameters(user: User, query: dict[str, str]) -> None:
    asked = QueryDict(urlencode(query, errors="replace"))

    known = known_parameters(REPORT, asked)
    address = address_of(SavedFilter(page=REPORT, query=urlencode(known)))

    assert {*known} <= {*PARAMETERS[REPORT]}
    assert address.startswith("/reports/?")
    assert known_parameters(REPORT, QueryDict(address.partition("?")[2])) == known


LISTS = {
    "tickets:list": ("/tickets/", "period=2026-10&queue=Support&state=open"),
    "billing:orders": ("/orders/", "customer=zebra&complete=no"),
    "billing:agreements": ("/orders/agreements/", "customer=zebra"),
    "billing:discrepancies": ("/orders/discrepancies/", "period=all&kind=late&customer=zebra"),
    "billing:runs": ("/orders/runs/", "state=failed&sort=-month"),
    "billing:exports": ("/orders/exports/", "period=all&q=kivi&format=kivitendo&sort=-size"),
    "tickets:readings": ("/tickets/readings/", "shown=open"),
    "outofoffice:index": ("/out-of-office/", "shown=not_sent&q=zebra&sort=file_name"),
    "registration:systems": ("/registration/", "state=attention&type=x"),
}


@pytest.mark.parametrize("page", LISTS)
def test_every_filtered_list_keeps_views_and_opens_with_one(world: World, page: str) -> None:
    user, client = User.objects.get(username="dora"), world.clients["admin"]
    path, query = LISTS[page]
    back = post(client, "Mine", page=page, query=f"{query}&page=3&export=csv", with_span="on")
    saved = SavedFilter.objects.get(user=user)
    assert QueryDict(saved.query).dict() == QueryDict(query).dict()

    client.post(f"/filters/{saved.pk}/default/")
    opened, left = client.get(path), client.get(f"{path}?view=plain")

    assert back == opened["Location"] == address_of(saved)
    assert opened["Location"].startswith(f"{path}?")
    assert left.status_code == 200
    assert "Show the page without a saved filter" in left.content.decode()


def test_lists_know_only_pages_that_have_filters() -> None:
    assert {*LISTS} | {"reports:report", "reports:entries", "reports:pivot", "reports:charts"} == {*PARAMETERS}


def test_view_of_a_list_that_says_nothing_does_not_lead_in_a_circle(user: User, client: Client) -> None:
    post(client, "October", page="tickets:list", query="period=2026-10")
    saved = SavedFilter.objects.get(user=user)
    client.post(f"/filters/{saved.pk}/default/")

    response = client.get("/tickets/", follow=True)

    assert [url for url, _status in response.redirect_chain] == ["/tickets/?view=plain"]


def test_menu_names_the_view_that_is_shown(user: User, client: Client) -> None:
    post(client, "Open ones", page="tickets:list", query="queue=Support")

    shown = client.get("/tickets/?period=2026-10&q=&queue=Support").content.decode()
    other = client.get("/tickets/?queue=Sales").content.decode()

    assert re.search(r'<a href="/tickets/\?queue=Support" aria-current="true">Open ones', shown)
    assert 'aria-current="true">Open ones' not in other


def test_only_a_page_that_is_read_opens_with_a_view(user: User, client: Client) -> None:
    saved = save_filter(user=user, page="tickets:list", name="a", query=QueryDict("queue=Support"), with_span=False)
    open_with(saved)

    assert client.head("/tickets/").status_code == client.get("/tickets/?export=csv").status_code == 200


def test_view_is_renamed(user: User, client: Client) -> None:
    saved = save(user)
    save(user, "Taken")

    html = client.post(f"/filters/{saved.pk}/name/", {"name": " Better "}, follow=True).content.decode()
    assert "The filter is now called “Better”." in html
    html = client.post(f"/filters/{saved.pk}/name/", {"name": "Taken"}, follow=True).content.decode()
    assert "A filter called “Taken” is there already." in html
    html = client.post(f"/filters/{saved.pk}/name/", {"name": "x" * 81}, follow=True).content.decode()
    assert "The filter keeps its name" in html

    saved.refresh_from_db()
    assert saved.name == "Better"
    rename(saved, "Better")


def test_menu_costs_the_same_whatever_is_saved(user: User, client: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/orders/runs/?view=plain")
        return len(queries)

    save_filter(user=user, page="billing:runs", name="a", query=QueryDict("state=done"), with_span=False)
    one = count()
    for name in "bcd":
        save_filter(user=user, page="billing:runs", name=name, query=QueryDict("state=done"), with_span=False)

    assert count() == one
